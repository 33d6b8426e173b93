"""Straight lines of contents against a condition, that a few bad rows do not bend."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit
from sklearn.utils import gen_batches

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# Columns handled at a time.
COLUMNS = 64
# Rows are left out beyond so many standard deviations. Legitimate counts get there hardly ever, so
# that leaving them out does not bend the mean of few counts.
CUT = 5.0
N_FITS = 4
# A row counts at most as so many typical ones: a noisy channel fills a row, and makes it no better.
LARGEST_WEIGHT = 3.0
# Slopes less significant than so many standard errors of a normal law, or of so small an effect,
# are none. Few rows say little of the error: Student's t has the same probability further out.
SIGNIFICANT = 3.0
LEAST_FREEDOM = 3
SMALLEST_EFFECT = 1e-9
# The share of a normal law within one standard deviation. The median of sizes would be coarser on
# small counts.
WITHIN_ONE = 0.6827


def robust_lines(values: Floats, weights: Floats, x: Floats) -> tuple[Floats, Floats]:
    """Fit a straight line to each column, by least squares without outliers.

    The scatter of a column is the size that two thirds of its residuals have at most. Where a third
    of the values is 0 that says little; the typical size of those that are not takes its place.
    Neither needs to know the unit, and a few counts are no outliers in either.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
        What depends on the condition.
    weights : ndarray of shape (n_rows,)
        Inverse variances up to a factor, such as exposures; rows of weight 0 do not count.
    x : ndarray of shape (n_rows,)
        The condition, from about its mean.

    Returns
    -------
    level, slope : ndarray of shape (n_columns,)
        The line is ``level + slope * x``; the slope is 0 where none is significant,
        and where less than 5 rows are left.
    """
    level, slope = np.zeros((2, values.shape[1]))
    used = np.flatnonzero(weights > 0)
    if not len(used):
        return level, slope
    capped = np.minimum(weights[used] / np.median(weights[used]), LARGEST_WEIGHT)
    for block in gen_batches(values.shape[1], COLUMNS):
        y = np.ascontiguousarray(values[used, block].T)
        level[block], slope[block] = _lines(y, capped, x[used])
    return level, slope


def _lines(y: Floats, weights: Floats, x: Floats) -> tuple[Floats, Floats]:
    """Fit lines to the rows of `y`, again and again to what the line before leaves inside."""
    root = np.sqrt(weights)
    last = int(WITHIN_ONE * (y.shape[1] - 1))
    mostly_filled = np.count_nonzero(y, axis=1) > WITHIN_ONE * y.shape[1]
    typical = _typical_sizes(y * root)
    level, slope = np.median(y, axis=1), np.zeros(len(y))
    for _ in range(N_FITS):
        sizes = np.abs(_residuals(y, level, slope, x) * root)
        within_one = np.partition(sizes, last, axis=1)[:, last]
        scatter = np.where(mostly_filled, within_one, typical)
        inside = sizes <= CUT * scatter[:, None]
        level, slope, error = _least_squares(y, inside * weights, x)
    needed = _significant(np.count_nonzero(inside, axis=1) - 2)
    effect = np.abs(slope) * x.std()
    is_slope = (np.abs(slope) > needed * error) & (effect > SMALLEST_EFFECT * np.abs(level))
    flat, _, _ = _least_squares(y, inside * weights, np.zeros_like(x))
    return np.where(is_slope, level, flat), np.where(is_slope, slope, 0.0)


def _significant(freedom: NDArray[np.intp]) -> Floats:
    """Return beyond how many standard errors a slope is one, by degrees of freedom."""
    errors: Floats = stdtrit(np.maximum(freedom, LEAST_FREEDOM), ndtr(SIGNIFICANT))
    return np.where(freedom >= LEAST_FREEDOM, errors, np.nan)


def _typical_sizes(y: Floats) -> Floats:
    """Return the median size of what is not 0 in each row."""
    return np.array([np.median(np.abs(row[row != 0])) if row.any() else 0.0 for row in y])


def _residuals(y: Floats, level: Floats, slope: Floats, x: Floats) -> Floats:
    return y - level[:, None] - slope[:, None] * x


def _least_squares(y: Floats, weights: Floats, x: Floats) -> tuple[Floats, Floats, Floats]:
    """Return level at 0, slope and its standard error of a line for each row of `y`."""
    total = weights.sum(axis=1)
    total[total == 0] = np.inf  # nothing left: the line is 0
    x_mean = (weights @ x) / total
    y_mean = np.einsum("ij,ij->i", weights, y) / total
    apart = x - x_mean[:, None]
    spread = np.einsum("ij,ij->i", weights, apart**2)
    has_spread = spread > 0
    slope = np.einsum("ij,ij,ij->i", weights, apart, y) / np.where(has_spread, spread, np.inf)
    level = y_mean - slope * x_mean
    left = np.einsum("ij,ij->i", weights, _residuals(y, level, slope, x) ** 2)
    freedom = np.maximum((weights > 0).sum(axis=1) - 2, 1)
    error = np.sqrt(left / freedom / np.where(has_spread, spread, np.inf))
    return level, slope, error
