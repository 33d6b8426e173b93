"""What has become of the events that a worker was given."""

from collections import deque
from dataclasses import dataclass
from threading import Lock

import numpy as np

from skdqm.streaming._malformed import MalformedEvent
from skdqm.streaming._results import Results
from skdqm.streaming._verdict import ANOMALY

# Latest malformed events that are kept.
MOST_MALFORMED = 100


@dataclass(frozen=True)
class WorkerReport:
    """What has become of the events that a worker was given since it started.

    ``n_submitted`` is the sum of ``n_judged``, ``n_malformed``, ``n_dropped``, ``n_rejected`` and
    ``n_waiting``; what was before a resume is in the statistics of the stream.

    Attributes
    ----------
    n_submitted : int
        Events that were offered.
    n_judged : int
        Events with a verdict, which the sinks have taken.
    n_anomalies : int
        Those of them that were flagged.
    n_malformed : int
        Events that could not be judged, and why is recorded.
    n_dropped : int
        Events that left the queue unjudged, because newer ones needed room or the worker was
        stopped without drain.
    n_rejected : int
        Events that found the queue full and did not come in.
    n_waiting : int
        Events in the queue, or being judged.
    n_unread : int
        Verdicts that readers of :meth:`StreamWorker.verdicts` were too slow for.
    n_batches : int
        Micro-batches.
    n_checkpoints : int
        Checkpoints that were written.
    malformed : list of MalformedEvent
        The latest 100.

    Examples
    --------
    >>> from skdqm.streaming import WorkerReport
    >>> WorkerReport(10, 8, 1, 2, 0, 0, 0, 0, 1, 0, []).n_malformed
    2
    """

    n_submitted: int
    n_judged: int
    n_anomalies: int
    n_malformed: int
    n_dropped: int
    n_rejected: int
    n_waiting: int
    n_unread: int
    n_batches: int
    n_checkpoints: int
    malformed: list[MalformedEvent]


class Tally:
    """Counts what was judged, in one thread, for others to look at."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._malformed: deque[MalformedEvent] = deque(maxlen=MOST_MALFORMED)
        self._n_judged = self._n_anomalies = self._n_malformed = self._n_batches = 0

    def add(self, results: Results) -> None:
        """Count a micro-batch."""
        with self._lock:
            self._n_judged += len(results.verdicts)
            self._n_anomalies += int(np.count_nonzero(results.verdicts.verdict == ANOMALY))
            self._n_malformed += len(results.malformed)
            self._n_batches += 1
            self._malformed.extend(results.malformed)

    def counts(self) -> dict[str, int]:
        """Return the counts, by the names that the report has for them."""
        with self._lock:
            return {
                "n_judged": self._n_judged,
                "n_anomalies": self._n_anomalies,
                "n_malformed": self._n_malformed,
                "n_batches": self._n_batches,
            }

    def malformed(self) -> list[MalformedEvent]:
        """Return the latest malformed events."""
        with self._lock:
            return list(self._malformed)
