"""A complete detector, to copy: how far a row lies from the medians of its columns."""

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval

from skdqm.base import BaseDetector
from skdqm.nn import in_tiles

# Beyond this many spreads all distances count as equal: squares and sums stay finite.
FARTHEST = 1e6
# The median distance of normally distributed values from their median, in standard deviations.
NORMAL = 0.6745


class MedianDetector(BaseDetector):
    """Mean distance of a row from the medians, over the columns that are farthest off.

    A column's distance is measured in units of the median distance of the training rows [1]_,
    which a few outliers among them hardly change.

    Parameters
    ----------
    n_worst : int, default=3
        Columns that count; all of them where there are fewer.
    contamination : float, default=0.01
        Share of the training rows that the threshold flags, in (0, 0.5].

    Attributes
    ----------
    median_, spread_ : ndarray of shape (n_features,)
        Median of every column, and the median distance from it in standard deviations.
    offset_ : float
        The threshold on ``score_samples``.
    n_features_in_ : int
        Number of columns seen in ``fit``.

    References
    ----------
    .. [1] B. Iglewicz and D. Hoaglin, "How to detect and handle outliers", ASQC (1993).

    Examples
    --------
    >>> from skdqm.datasets import make_detector_data
    >>> X, y = make_detector_data(1000, random_state=0)
    >>> detector = MedianDetector().fit(X[y == 0])
    >>> float((detector.predict(X[y == 1]) == -1).mean()) > 0.4
    True
    """

    # Judged by fit, in words that name the parameter.
    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **BaseDetector._parameter_constraints,
        "n_worst": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, *, n_worst: int = 3, contamination: float = 0.01) -> None:
        # Only remembered: no test, no copy, no conversion.
        super().__init__(contamination=contamination)
        self.n_worst = n_worst

    def _fit(self, X: NDArray[Any]) -> None:
        # X is finite, two-dimensional and float. What is learned ends in an underscore.
        self.median_ = np.median(X, axis=0)
        spread = np.median(np.abs(X - self.median_), axis=0) / NORMAL
        self.spread_ = np.where(spread > 0, spread, 1.0)

    def _anomaly_score(self, X: NDArray[Any]) -> NDArray[np.float64]:
        # High is abnormal here; the base class turns the sign. In tiles, so that a row's
        # score is the same to the bit alone and in a batch.
        return in_tiles(self._mean_of_worst, X)

    def _feature_scores(self, X: NDArray[Any]) -> NDArray[np.float64]:
        # Optional: who has this method has feature_scores.
        return in_tiles(self._distances, X)

    def _distances(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        with np.errstate(over="ignore"):
            return np.minimum(np.abs(rows - self.median_) / self.spread_, FARTHEST)

    def _mean_of_worst(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        worst = np.sort(self._distances(rows), axis=-1)[..., -self.n_worst :]
        return np.asarray(np.add.reduce(worst, axis=-1) / worst.shape[-1])
