"""Standardisation inside a detector: units do not matter, and extremes stay finite."""

from typing import Any
from warnings import warn

import numpy as np
from numpy.typing import NDArray

from skdqm.exceptions import DataError

Rows = NDArray[np.float64]

# Standardised values beyond this are cut: they are abnormal anyway, and their squares stay finite.
LARGEST_INPUT = 1e6
# A feature that spans less than this share of its largest value does so by rounding.
ROUNDING = 16 * np.finfo(np.float64).eps
# Below this, the first block of partial_fit says too little of the scale of the features.
FEWEST_FIRST_ROWS = 10


class StandardisingMixin:
    """Learn the mean and the spread of features, of each by itself or of groups together."""

    location_: Rows
    scale_: Rows
    _bounds: Rows

    def _learn_scale(self, values: NDArray[Any], groups: NDArray[np.intp] | None = None) -> None:
        """Learn location and scale of the columns of `values`.

        `groups` holds a number for every column; columns of equal numbers share one location and
        one scale. Without it, each column has its own.
        """
        groups = np.arange(values.shape[1]) if groups is None else groups
        largest = np.maximum(values.max(axis=0), -values.min(axis=0)).astype(np.float64)
        largest = _of_groups(np.maximum, largest, groups)
        # In units of the largest value, squares neither overflow nor vanish.
        unit = np.where(largest > 0, largest, 1.0)
        shares = values / unit
        mean = group_means(shares.mean(axis=0), groups)
        variance = group_means(shares.var(axis=0) + (shares.mean(axis=0) - mean) ** 2, groups)
        span = _of_groups(np.maximum, shares.max(axis=0), groups)
        span -= _of_groups(np.minimum, shares.min(axis=0), groups)
        self.location_ = unit * mean
        self.scale_ = np.where(span > ROUNDING, unit * np.sqrt(variance), 1.0)
        with np.errstate(over="ignore"):
            reach = LARGEST_INPUT * self.scale_
        self._bounds = np.stack([self.location_ - reach, self.location_ + reach])
        if not np.isfinite(reach).all():
            raise DataError(
                f"the spread of feature {int(np.argmin(np.isfinite(reach)))} is too large for "
                "floating-point numbers; scale the features or mask invalid values"
            )

    def _standardise(self, values: NDArray[Any]) -> Rows:
        lowest, highest = self._bounds
        standard = np.minimum(np.maximum(values, lowest), highest)
        standard -= self.location_
        standard /= self.scale_
        return standard


def warn_of_few_first_rows(X: NDArray[Any]) -> None:
    """Warn when the rows that scale all later ones are too few."""
    if len(X) < FEWEST_FIRST_ROWS:
        warn(
            f"the first block of partial_fit has {len(X)} rows, whose mean and spread scale "
            f"all later ones; begin with {FEWEST_FIRST_ROWS} rows or more, or with fit",
            stacklevel=2,
        )


def _of_groups(extreme: np.ufunc, values: Rows, groups: NDArray[np.intp]) -> Rows:
    """Return for every column the extreme of its group."""
    found = np.empty(int(groups.max()) + 1)
    found[groups] = values
    extreme.at(found, groups, values)
    return found[groups]


def group_means(values: Rows, groups: NDArray[np.intp]) -> Rows:
    """Return for every column the mean over its group."""
    return np.bincount(groups, values)[groups] / np.bincount(groups)[groups]
