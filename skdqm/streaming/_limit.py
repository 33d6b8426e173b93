"""Where the threshold of a stream lies: that of the detector, unless it adapts."""

from bisect import bisect_left
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from skdqm.base import turned
from skdqm.monitoring._wrapper import last_of

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
NO_P_VALUE = float("nan")


class Limit(Protocol):
    """A threshold that may move with the stream; it is used by one thread at a time."""

    @property
    def value(self) -> float:
        """The anomaly score beyond which an event is flagged now."""

    def judge(self, score: float) -> tuple[bool, float]:
        """Tell whether an event is flagged, and its p-value; the threshold may move then."""

    def judge_all(self, scores: Floats, has_enough: Flags) -> tuple[Flags, Floats, Floats]:
        """Do the same with several events; also return the threshold that each one met.

        Those without enough data move nothing, and have no p-value.
        """

    def take_over(self, before: Any, old: Floats, new: Floats) -> None:
        """Go on from the threshold of another model, by the scores of the same rows by both."""

    def state(self) -> dict[str, Any]:
        """Return what has changed since the detector was fitted, as plain data."""

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what :meth:`state` returned."""


def limit_of(detector: Any) -> Limit:
    """Return the threshold of a fitted detector, for one stream."""
    last = last_of(detector)
    made: Limit = last.stream_limit() if hasattr(last, "stream_limit") else FixedLimit(last)
    return made


class FixedLimit:
    """The threshold of a detector, and its calibration.

    Parameters
    ----------
    detector : detector
        The fitted detector, or the last step of a Pipeline.
    """

    def __init__(self, detector: Any) -> None:
        # Some detectors of scikit-learn keep it in an array.
        self.value = -float(np.asarray(detector.offset_).item())
        known = getattr(detector, "calibration_scores_", np.empty(0))
        self.known = KnownScores(turned(known)[::-1])

    def judge(self, score: float) -> tuple[bool, float]:
        """Tell whether an event is flagged, and its p-value."""
        return score > self.value, self.known.p_value(score)

    def judge_all(self, scores: Floats, has_enough: Flags) -> tuple[Flags, Floats, Floats]:
        """Do the same with several events."""
        p_values = np.where(has_enough, self.known.p_values(scores), NO_P_VALUE)
        return scores > self.value, p_values, np.full(len(scores), self.value)

    def take_over(self, before: Any, old: Floats, new: Floats) -> None:
        """Stay: the other model has a threshold of its own."""

    def state(self) -> dict[str, Any]:
        """Return nothing: it never changes."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Do nothing."""


class KnownScores:
    """Scores of good events, to tell p-values by.

    Parameters
    ----------
    scores : ndarray of shape (n_known,)
        Anomaly scores, ascending; without any, p-values are NaN.
    """

    def __init__(self, scores: Floats) -> None:
        self.array = np.ascontiguousarray(scores)
        # Searching a list is ten times faster for one event.
        self._list: list[float] = self.array.tolist()

    def p_value(self, score: float) -> float:
        """Return the share of good events that are at least as abnormal as one."""
        n_known = len(self._list)
        if not n_known:
            return NO_P_VALUE
        return (1 + n_known - bisect_left(self._list, score)) / (1 + n_known)

    def p_values(self, scores: Floats) -> Floats:
        """Return the same of several events."""
        n_known = len(self.array)
        if not n_known:
            return np.full(len(scores), NO_P_VALUE)
        return np.asarray((1 + n_known - np.searchsorted(self.array, scores)) / (1 + n_known))
