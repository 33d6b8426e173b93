"""The scale of a reference: normal scores of ranks, and how its block means spread in time."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]

# Values of a column that are kept: their shares are then known to 0.05 %.
KEPT = 2048
# Means of so many blocks are looked at too, where a reference holds enough: they see the slow
# wander that one lag of single blocks misses.
BATCHES = (1, 4)
FEWEST_BATCHES = 8
# A reference that only climbs looks as if it would never come back; beyond, nothing is measured.
LARGEST_SLOPE = 0.9
# Columns that hardly vary: a spread below this share of independent normal rows' is taken for it.
LEAST_SPREAD = 0.1


@dataclass(frozen=True)
class Scale:
    """Ranks among the reference values of each column.

    Parameters
    ----------
    values : ndarray of shape (n_columns, n_kept)
        Reference values, sorted, evenly thinned.
    """

    values: Floats

    @classmethod
    def of(cls, rows: Floats) -> Self:
        """Learn the scale of reference rows of shape (n_rows, n_columns)."""
        ordered = np.sort(rows.T, axis=1)
        places = np.linspace(0, len(rows) - 1, min(len(rows), KEPT)).round().astype(int)
        return cls(np.ascontiguousarray(ordered[:, places]))

    @cached_property
    def _normal(self) -> Floats:
        """Normal scores by twice the rank; beyond all values lies half a rank."""
        n = self.values.shape[1]
        scores: Floats = ndtri((0.5 * np.arange(2 * n + 1) + 0.5) / (n + 1))
        return scores

    def counts(self, rows: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Count the kept values below, and not above, each value of shape (n_rows, n_columns)."""
        below = np.empty(rows.shape, dtype=np.intp)
        up_to = np.empty(rows.shape, dtype=np.intp)
        for column, kept in enumerate(self.values):
            values = np.ascontiguousarray(rows[:, column])
            below[:, column] = kept.searchsorted(values, side="left")
            up_to[:, column] = kept.searchsorted(values, side="right")
        return below, up_to

    def normal(self, rows: Floats) -> Floats:
        """Return van der Waerden's scores of values of shape (n_rows, n_columns)."""
        below, up_to = self.counts(rows)
        return self._normal[below + up_to]


@dataclass(frozen=True)
class Reference:
    """What a chart learns from.

    Parameters
    ----------
    scale : Scale
        Of the columns.
    rows : ndarray of shape (n_rows, n_columns)
        Reference values in the order of time.
    block_size : int
        Rows of a block.
    """

    scale: Scale
    rows: Floats
    block_size: int

    @cached_property
    def normal(self) -> Floats:
        """Normal scores of the reference rows."""
        return self.scale.normal(self.rows)

    @cached_property
    def means(self) -> Floats:
        """Means of the normal scores of whole blocks, of shape (n_blocks, n_columns)."""
        return batched(self.normal, self.block_size)

    @cached_property
    def spread(self) -> Floats:
        """Standard deviation of block means over the long run, of each column."""
        least = LEAST_SPREAD / np.sqrt(self.block_size)
        return np.maximum(np.sqrt(long_run_variance(self.means)), least)

    @cached_property
    def roughness(self) -> Floats:
        """Standard deviation of single block means in units of the spread; at most 1."""
        return np.clip(self.means.std(axis=0) / self.spread, 0.0, 1.0)


def batched(rows: Floats, size: int) -> Floats:
    """Return the means of `size` rows after one another; a remainder is left out."""
    n = len(rows) // size
    means: Floats = rows[: n * size].reshape(n, size, *rows.shape[1:]).mean(axis=1)
    return means


def long_run_variance(means: Floats) -> Floats:
    """Return the variance of block means as it adds up over many blocks, of each column.

    That is n times the variance of the mean of n blocks, for large n: more than the variance
    of one, if neighbours are alike. It is the larger one of two estimates: an autoregression of
    single blocks (of first order, its bias corrected [1]_), and one of means of four.

    References
    ----------
    .. [1] M. G. Kendall, "Note on bias in the estimation of autocorrelation", Biometrika 41
           (1954) 403.
    """
    sizes = [size for size in BATCHES if size == 1 or len(means) // size >= FEWEST_BATCHES]
    estimates = [size * _autoregressive_variance(batched(means, size)) for size in sizes]
    return np.maximum.reduce(estimates)


def _autoregressive_variance(means: Floats) -> Floats:
    n = len(means)
    centred = means - means.mean(axis=0)
    total = np.square(centred).sum(axis=0)
    slope = (centred[1:] * centred[:-1]).sum(axis=0) / np.where(total > 0, total, 1.0)
    corrected = np.clip((n * slope + 1) / (n - 3), 0.0, LARGEST_SLOPE)
    growth = (1 + corrected) / (1 - corrected)
    # The mean follows what wanders slowly, so that the spread about it is too small.
    seen = np.maximum(1 - growth / n, 0.5)
    return growth * total / n / seen
