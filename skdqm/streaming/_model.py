"""A detector as a stream uses it: what it expects, how it scores, where its threshold lies."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdqm.exceptions import DataError
from skdqm.streaming._events import Features
from skdqm.streaming._limit import Limit, limit_of
from skdqm.streaming._scorer import Judge, scorer_of

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Model:
    """A fitted detector with its parts; another one takes its place as a whole.

    Attributes
    ----------
    detector : detector or Pipeline
        It is fitted, and not changed any more.
    features : Features
        What it expects of events.
    score : callable
        Gives the anomaly scores of rows, and which hold enough data.
    limit : Limit
        The threshold, which may move.
    """

    detector: Any
    features: Features
    score: Judge
    limit: Limit

    @classmethod
    def of(cls, detector: Any) -> "Model":
        """Return the parts of a fitted detector."""
        score = scorer_of(detector)
        return cls(detector, Features(detector), score, limit_of(detector))

    def judge_one(self, row: Floats) -> tuple[float, bool]:
        """Return the anomaly score of one event, and whether it holds enough data."""
        scores, has_enough = self.score(row)
        score, enough = float(scores[0]), bool(has_enough[0])
        # False for NaN too.
        if enough and not abs(score) < np.inf:
            raise _too_extreme(0)
        return score, enough

    def judge_all(self, rows: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """Return the same of several events."""
        if not len(rows):
            return np.empty(0), np.empty(0, dtype=bool)
        scores, has_enough = self.score(rows)
        wrong = has_enough & ~np.isfinite(scores)
        if wrong.any():
            raise _too_extreme(int(np.argmax(wrong)))
        return scores, has_enough


def _too_extreme(place: int) -> DataError:
    return DataError(f"event {place} is too extreme to score; remove it or correct its values")
