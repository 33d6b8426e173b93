"""The scores of PyOD's ECOD and COPOD for a row alone, without a pass over the training rows.

Both join the rows to score to the training rows and rank all of them again, so that a score depends
on the rows beside it and costs as much as training. A row that is joined alone needs two
binary searches in each sorted column, and the sign of the column's skewness with it.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Columns(NamedTuple):
    """What is remembered of the training rows.

    Attributes
    ----------
    ordered : ndarray of shape (n_features, n_training_rows)
        Each column, sorted.
    mean, square, cube : ndarray of shape (n_features,)
        Mean, and sums of the squared and cubed differences from it.
    """

    ordered: Floats
    mean: Floats
    square: Floats
    cube: Floats

    @classmethod
    def of(cls, X: Floats) -> "Columns":
        """Remember training rows."""
        mean = X.mean(axis=0)
        centred = X - mean
        square, cube = (centred**2).sum(axis=0), (centred**3).sum(axis=0)
        return cls(np.sort(X.T, axis=1), mean, square, cube)

    def surprises(self, X: Floats) -> tuple[Floats, Floats, Floats]:
        """Return -log of the left tail, the right one, and the one that the skewness favours.

        All of shape (n_samples, n_features).
        """
        left, right = self._tail(X, "right"), self._tail(X, "left")
        sign = np.sign(self._third_moment(X))
        favoured = left * (sign <= 0) + right * (sign >= 0)
        return left, right, favoured

    def _tail(self, X: Floats, side: Any) -> Floats:
        n = self.ordered.shape[1]
        pairs = zip(self.ordered, X.T, strict=True)
        below = np.stack([np.searchsorted(known, values, side) for known, values in pairs], axis=1)
        # The row itself is one of those at least as far out.
        count = below + 1 if side == "right" else n - below + 1
        return -np.log(count / (n + 1))

    def _third_moment(self, X: Floats) -> Floats:
        """Return the sum of cubed differences from the mean, with each value joined."""
        n = self.ordered.shape[1]
        far = X - self.mean
        joined: Floats = (
            self.cube + far**3 * (n * (n - 1) / (n + 1) ** 2) - 3 * far * self.square / (n + 1)
        )
        return joined


def ecod(columns: Columns, X: Floats) -> Floats:
    """Return the sum over features of the largest surprise."""
    scores: Floats = np.maximum.reduce(columns.surprises(X)).sum(axis=1)
    return scores


def copod(columns: Columns, X: Floats) -> Floats:
    """Return the sum over features of the favoured surprise, at least the mean of both tails."""
    left, right, favoured = columns.surprises(X)
    scores: Floats = np.maximum(favoured, (left + right) / 2).sum(axis=1)
    return scores
