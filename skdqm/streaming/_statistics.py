"""What a stream was like so far: counts, rates, latencies, thresholds."""

from collections import deque
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdqm.streaming._ring import Ring

Floats = NDArray[np.float64]

# Latest events whose latency is kept, and thresholds.
RECENT, MOST_THRESHOLDS = 10_000, 10_000
NO_LATENCY = np.full(3, np.nan)


@dataclass(frozen=True)
class StreamStatistics:
    """What a stream was like so far.

    Attributes
    ----------
    n_events, n_anomalies, n_undecided, n_malformed : int
        Events that were judged; those flagged; those with too little data for a verdict; and what
        was refused, which is not among the events.
    anomaly_rate : float
        Share of the events that were flagged; NaN before the first one.
    latency_p50, latency_p95, latency_p99 : float
        Quantiles of the seconds from the call to the verdict, of the latest 10,000 events; NaN
        before the first one.
    throughput : float
        Events per second from the first call to the end of the last one.
    capacity : float
        Events per second of the time spent on them: what the throughput cannot be beyond.
    threshold : float
        The anomaly score beyond which an event is flagged now.
    threshold_history : list of tuple of (int, float)
        The latest 10,000 changes: from which event on, and the threshold.
    drift_positions : list of int
        Events with enough data, from 0, at which a drift of the scores was found.
    n_models : int
        Models so far: 1 and one more for each that was learned in the background.
    lesson_error : str or None
        Why learning from judged events has failed the last time that it did.

    Examples
    --------
    >>> from skdqm.datasets import make_detector_data
    >>> from skdqm.detectors import HistogramDetector
    >>> from skdqm.streaming import StreamingDetector
    >>> X, _ = make_detector_data(200, random_state=0)
    >>> stream = StreamingDetector(HistogramDetector().fit(X))
    >>> verdicts = stream.process_batch(X)
    >>> stream.get_statistics().n_events
    200
    """

    n_events: int
    n_anomalies: int
    n_undecided: int
    n_malformed: int
    anomaly_rate: float
    latency_p50: float
    latency_p95: float
    latency_p99: float
    throughput: float
    capacity: float
    threshold: float
    threshold_history: list[tuple[int, float]]
    drift_positions: list[int]
    n_models: int
    lesson_error: str | None


class Recorder:
    """Counts, by one thread at a time."""

    def __init__(self) -> None:
        self.n_events = self.n_anomalies = self.n_undecided = self.n_malformed = 0
        self.n_models = 1
        self.thresholds: deque[tuple[int, float]] = deque(maxlen=MOST_THRESHOLDS)
        self.scores, self._latencies = Ring(RECENT), Ring(RECENT)
        self._busy = 0.0
        self._started = self._ended = 0.0

    def event(self, score: float, verdict: int, threshold: float, started: float) -> float:
        """Take one event, and return its latency."""
        self._threshold(self.n_events, threshold)
        self.n_events += 1
        if verdict != 1:
            self.n_anomalies += verdict < 0
            self.n_undecided += verdict == 0
        latency = self._timed(started)
        self.scores.add(score)
        self._latencies.add(latency)
        return latency

    def batch(
        self, scores: Floats, verdicts: NDArray[np.int64], thresholds: Floats, started: float
    ) -> float:
        """Take some events, and return their latency."""
        changes = np.flatnonzero(np.diff(thresholds, prepend=np.nan))
        for place in changes.tolist():
            self._threshold(self.n_events + place, float(thresholds[place]))
        self.n_events += len(verdicts)
        self.n_anomalies += int(np.sum(verdicts < 0))
        self.n_undecided += int(np.sum(verdicts == 0))
        latency = self._timed(started)
        self.scores.add_all(scores)
        self._latencies.add_all(np.full(len(scores), latency))
        return latency

    def statistics(
        self, threshold: float, drifts: list[int], error: str | None
    ) -> StreamStatistics:
        """Return what is known."""
        latencies = self._latencies.latest()
        quantiles = np.quantile(latencies, [0.5, 0.95, 0.99]) if len(latencies) else NO_LATENCY
        p50, p95, p99 = (float(quantile) for quantile in quantiles)
        lasted = self._ended - self._started
        return StreamStatistics(
            self.n_events,
            self.n_anomalies,
            self.n_undecided,
            self.n_malformed,
            _ratio(self.n_anomalies, self.n_events),
            p50,
            p95,
            p99,
            _ratio(self.n_events, lasted),
            _ratio(self.n_events, self._busy),
            threshold,
            list(self.thresholds),
            drifts,
            self.n_models,
            error,
        )

    def state(self) -> dict[str, Any]:
        """Return the counts as plain data; times are those of a process."""
        counts = {name: value for name, value in vars(self).items() if name.startswith("n_")}
        thresholds = np.array(self.thresholds, dtype=np.float64).reshape(-1, 2)
        return {**counts, "thresholds": thresholds, "scores": self.scores.latest()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what :meth:`state` returned."""
        for name, value in state.items():
            if name.startswith("n_"):
                setattr(self, name, int(value))
        self.thresholds.clear()
        self.thresholds.extend(
            (int(number), value) for number, value in state["thresholds"].tolist()
        )
        self.scores = Ring(RECENT)
        self.scores.add_all(state["scores"])

    def _threshold(self, number: int, value: float) -> None:
        if not self.thresholds or self.thresholds[-1][1] != value:
            self.thresholds.append((number, value))

    def _timed(self, started: float) -> float:
        ended = perf_counter()
        if not self._ended:
            self._started = started
        self._ended = ended
        self._busy += ended - started
        return ended - started


def _ratio(number: float, of: float) -> float:
    return number / of if of else float("nan")
