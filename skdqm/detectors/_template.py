"""What is expected of histograms: a rate for each bin, and how well it is known."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Rows in which a bin holds fewer entries are taken together: the median of whole numbers is one.
ENTRIES_OF_A_MEDIAN = 100
# Fewer groups of rows have no median worth its name: their mean is taken.
FEWEST_GROUPS = 5
# The spread of normal values in units of their median absolute deviation.
NORMAL_SPREAD = 1.4826
# Fluctuations of rows beyond so many standard deviations count as so many: they may be faults, or
# the steps of a drifting detector, which a template has to allow for.
LARGEST_FLUCTUATION = 4.0
SMALLEST = 1e-12
NOTHING_FILLED = (
    "no row has any entries or exposure to learn from; expected at least one histogram that was "
    "filled"
)
# Rows that speak for a Poisson law before any is seen.
ROWS_OF_DOUBT = 20
# Counts that hardly fluctuate at all are taken to do so by this share of a Poisson law.
SMALLEST_DISPERSION = 0.01


@dataclass(frozen=True)
class Template:
    """Rates of bins in units of 1 / exposure, as learned from some rows.

    Attributes
    ----------
    rate : ndarray of shape (n_bins,)
        What a bin holds for each unit of exposure.
    spread : ndarray of shape (n_bins,)
        Variance of the rate from row to row, beyond that of counting. By chance it may be below 0,
        and is kept so, that many small blocks do not add up to a spread.
    dispersion : ndarray of shape (n_bins,)
        Variance of counts in units of a Poisson law's, at most 1: less in channels that fire once
        an event at most, and in bins that hold most of a total; 0 of what is not counted.
    exposure : float
        That of all rows together.
    n_rows : float
        Number of rows, or what they weigh.
    """

    rate: Floats
    spread: Floats
    dispersion: Floats
    exposure: float
    n_rows: float

    @classmethod
    def of(cls, rows: Floats, exposures: Floats, *, counted: bool) -> Self:
        """Learn from rows with an exposure above 0.

        The rate is a median of means [1]_ over groups of neighbouring rows: as robust as a median
        where a row holds many entries, and as exact as a mean where it holds few. Fewer than half
        of the groups may be faulty.

        References
        ----------
        .. [1] G. Lugosi and S. Mendelson, "Mean estimation and regression under heavy-tailed
               distributions", Foundations of Computational Mathematics 19 (2019) 1145.
        """
        rate = _median_of_means(rows, exposures, counted=counted)
        spread, dispersion = fluctuations(rows, exposures, rate, counted=counted)
        return cls(rate, spread, dispersion, float(exposures.sum()), float(len(rows)))

    def merged(self, other: "Template", weight: float = 1.0) -> "Template":
        """Return the template of these rows, which count `weight` each, and of others."""
        old, new = weight * self.exposure, other.exposure
        share = new / (old + new)
        rate = self.rate + share * (other.rate - self.rate)
        apart = share * (1 - share) * np.square(other.rate - self.rate)
        by_chance = share * (1 - share) * (self.uncertainty() + other.uncertainty())
        spread = self.spread + share * (other.spread - self.spread)
        return Template(
            rate,
            spread + apart - by_chance,
            self.dispersion + share * (other.dispersion - self.dispersion),
            old + new,
            weight * self.n_rows + other.n_rows,
        )

    def widened(self, variance: Floats) -> "Template":
        """Return the same rates with more freedom."""
        return replace(self, spread=self.spread + variance)

    def uncertainty(self) -> Floats:
        """Return the variance of the rates: that of the entries counted, and that of rows."""
        by_counting = self.dispersion * np.abs(self.rate) / self.exposure
        return by_counting + self.positive_spread / self.n_rows

    @property
    def positive_spread(self) -> Floats:
        """The spread as a variance."""
        return np.maximum(self.spread, 0.0)

    def as_state(self) -> dict[str, Any]:
        """Return plain data."""
        return dict(vars(self))


def _median_of_means(rows: Floats, exposures: Floats, *, counted: bool) -> Floats:
    rates = np.asarray(rows.sum(axis=0) / exposures.sum())
    sizes = np.ones(len(rates), dtype=np.int64)
    if counted:
        # Powers of two, so that bins share few sizes of groups.
        entries = np.maximum(np.abs(rates) * np.median(exposures), SMALLEST)
        rows_needed = np.clip(ENTRIES_OF_A_MEDIAN / entries, 1, len(rows) + 1)
        sizes = 2 ** np.ceil(np.log2(rows_needed)).astype(np.int64)
    for size in np.unique(sizes):
        n_groups = len(rows) // int(size)
        if n_groups >= FEWEST_GROUPS:
            starts = np.arange(n_groups) * len(rows) // n_groups
            bins = np.flatnonzero(sizes == size)
            sums = np.add.reduceat(rows[:, bins], starts, axis=0)
            means = sums / np.add.reduceat(exposures, starts)[:, None]
            rates[bins] = np.median(means, axis=0)
    return rates


def fluctuations(
    rows: Floats, exposures: Floats, rate: Floats, *, counted: bool
) -> tuple[Floats, Floats]:
    """Return how much rates vary from row to row beyond counting, and how much less than that.

    The rate is one for all rows, or one for each.
    """
    if len(rows) < 2:
        return np.zeros(rows.shape[1]), np.full(rows.shape[1], float(counted))
    distances = rows / exposures[:, None] - rate
    by_counting = np.abs(rate) / exposures[:, None] * counted
    typical = NORMAL_SPREAD * np.median(np.abs(distances), axis=0)
    first = np.maximum(np.square(typical) - np.median(by_counting, axis=0), 0.0)
    # A few entries more are never too far, however few are expected.
    one_entry = counted / np.square(exposures)[:, None]
    widest = np.square(LARGEST_FLUCTUATION) * (by_counting + first + one_entry)
    # Where most rows are alike, a median has no spread, and the mean has.
    cut = np.where(widest > 0, np.minimum(np.square(distances), widest), np.square(distances))
    found, counting = cut.sum(axis=0) / (len(rows) - 1), by_counting.mean(axis=0)
    dispersion = _dispersion(found, counting, exposures) if counted else np.zeros_like(found)
    return found - counting, dispersion


def _dispersion(found: Floats, counting: Floats, exposures: Floats) -> Floats:
    """Return the ratio of two variances, drawn towards 1 where few entries say little of it."""
    entries = np.maximum(counting * np.square(np.median(exposures)), SMALLEST)
    trust = len(exposures) / (len(exposures) + ROWS_OF_DOUBT * (1 + 1 / entries))
    ratio = np.where(counting > 0, found / np.where(counting > 0, counting, 1.0), 1.0)
    return np.clip(1 + trust * (ratio - 1), SMALLEST_DISPERSION, 1.0)
