"""What is said of events."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

ANOMALY = -1


class Verdict(NamedTuple):
    """The verdict on one event.

    Attributes
    ----------
    number : int
        Place of the event in the stream, from 0.
    anomaly_score : float
        High is abnormal.
    p_value : float
        Share of good events that are at least as abnormal; NaN of a detector without calibration.
    verdict : int
        +1 good, -1 bad, 0 not enough data.
    threshold : float
        The anomaly score beyond which the event was flagged.
    latency : float
        Seconds that it took; of an event in a batch those of the batch.

    Examples
    --------
    >>> from skdqm.streaming import Verdict
    >>> Verdict(0, 7.5, 0.001, -1, 3.2, 4e-5).is_anomaly
    True
    """

    number: int
    anomaly_score: float
    p_value: float
    verdict: int
    threshold: float
    latency: float

    @property
    def is_anomaly(self) -> bool:
        """Whether the event is flagged."""
        return self.verdict == ANOMALY

    @classmethod
    def of(cls, values: Sequence[float]) -> "Verdict":
        """Return a verdict from its six numbers.

        Parameters
        ----------
        values : sequence of float
            The attributes in their order.

        Returns
        -------
        verdict : Verdict
            Its `number` and `verdict` are whole.
        """
        number, anomaly_score, p_value, verdict, threshold, latency = values
        return cls(int(number), anomaly_score, p_value, int(verdict), threshold, latency)


@dataclass(frozen=True)
class Verdicts:
    """The verdicts on some events, in the order of the stream.

    Attributes
    ----------
    first : int
        Place of the first event in the stream.
    anomaly_score, p_value, threshold : ndarray of float of shape (n_events,)
        As of a :class:`Verdict`.
    verdict : ndarray of int of shape (n_events,)
        As of a :class:`Verdict`.
    latency : float
        Seconds that the batch took.

    Examples
    --------
    >>> import numpy as np
    >>> from skdqm.streaming import Verdicts
    >>> one, verdict = np.ones(2), np.array([1, -1])
    >>> found = Verdicts(100, one, one, verdict, one, 0.001)
    >>> found.is_anomaly, [verdict.number for verdict in found]
    (array([False,  True]), [100, 101])
    """

    first: int
    anomaly_score: NDArray[np.float64]
    p_value: NDArray[np.float64]
    verdict: NDArray[np.int64]
    threshold: NDArray[np.float64]
    latency: float

    @property
    def is_anomaly(self) -> NDArray[np.bool_]:
        """Which events are flagged."""
        return self.verdict == ANOMALY

    def __len__(self) -> int:
        return len(self.verdict)

    def __getitem__(self, place: int) -> Verdict:
        """Return the verdict on one event of the batch."""
        return Verdict(
            self.first + range(len(self))[place],
            float(self.anomaly_score[place]),
            float(self.p_value[place]),
            int(self.verdict[place]),
            float(self.threshold[place]),
            self.latency,
        )

    def __iter__(self) -> Iterator[Verdict]:
        return (self[place] for place in range(len(self)))

    def frame(self) -> "pd.DataFrame":
        """Return a table with a row for each event, and its place in the stream as the index.

        Returns
        -------
        table : DataFrame of shape (n_events, 4)
            Columns ``anomaly_score``, ``p_value``, ``verdict`` and ``threshold``.
        """
        import pandas as pd

        names = ("anomaly_score", "p_value", "verdict", "threshold")
        places = pd.RangeIndex(self.first, self.first + len(self), name="number")
        return pd.DataFrame({name: getattr(self, name) for name in names}, index=places)
