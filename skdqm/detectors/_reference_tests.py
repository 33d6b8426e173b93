"""The tests of a reference: one score for rows that are compared with their expectation."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skdqm import statistics
from skdqm.detectors._template import Template

Floats = NDArray[np.float64]

# What is expected in a bin that was never filled: half an entry in all the exposure.
HALF_AN_ENTRY = 0.5
SMALLEST = 1e-150
LARGEST_PULL = 1e50


@dataclass(frozen=True)
class SeenRows:
    """Validated rows, and the run and the lumisection of each if they say."""

    values: NDArray[Any]
    runs: NDArray[Any] | None
    lumisections: NDArray[Any] | None

    def __len__(self) -> int:
        return len(self.values)


class BinnedRows(NamedTuple):
    """Contents of bins, of shape (n_samples, n_bins), and what they are proportional to."""

    values: Floats
    exposures: Floats


@dataclass(frozen=True)
class Comparison:
    """Rows beside what is expected of them.

    Attributes
    ----------
    values : ndarray of shape (n_samples, n_bins)
        Contents.
    exposures : ndarray of shape (n_samples,)
        What they are proportional to.
    rate, floor, variance : ndarray of shape (n_bins,) or (n_samples, n_bins)
        Expected contents for a unit of exposure, the same but never less than half an entry in all
        the exposure that was learned, and the variance of that.
    dispersion : ndarray of shape (n_bins,) or (n_samples, n_bins)
        Variance of counts in units of a Poisson law's.
    known : ndarray of shape (1,) or (n_samples, 1)
        The exposure that it was learned from.
    counted : bool
        Whether contents fluctuate as counts do.
    """

    values: Floats
    exposures: Floats
    rate: Floats
    floor: Floats
    variance: Floats
    dispersion: Floats
    known: Floats
    counted: bool

    @classmethod
    def of(
        cls,
        rows: BinnedRows,
        template: Template,
        rate: Floats,
        *,
        tolerance: float,
        counted: bool,
    ) -> "Comparison":
        """Compare rows with rates that are known as well as a template says."""
        known = np.atleast_1d(np.asarray(template.exposure, dtype=np.float64))
        floor = np.where(rate >= 0, np.maximum(rate, HALF_AN_ENTRY / known), rate)
        floor = floor if counted else rate
        uncertainty = replace(template, rate=floor).uncertainty()
        variance = template.positive_spread + uncertainty + np.square(tolerance * floor)
        return cls(*rows, rate, floor, variance, template.dispersion, known, counted)

    @cached_property
    def expected(self) -> Floats:
        """What rows of these exposures should hold."""
        return self.rate * self.exposures[:, None]

    @cached_property
    def relative_variance(self) -> Floats:
        """Variance of the rates in units of their squares."""
        return self.variance / np.maximum(np.square(self.floor), SMALLEST)

    @cached_property
    def pulls(self) -> Floats:
        """Distances from the expectation in standard deviations, with a sign."""
        variance = self.variance * np.square(self.exposures)[:, None]
        if not self.counted:
            plain = statistics.pulls(self.values, self.expected, variance)
            # What never varied has no variance: its pull is huge, and its square stays finite.
            return np.clip(plain, -LARGEST_PULL, LARGEST_PULL)
        # Counts that fluctuate less than a Poisson law are so many fewer of one that does.
        mean = self.floor * self.exposures[:, None]
        residuals = statistics.deviance_residuals(
            np.maximum(self.values, 0.0) / self.dispersion,
            np.maximum(mean, 0.0) / self.dispersion,
            self.relative_variance,
        )
        # Weighted histograms may hold negative contents: they have no deviance.
        if (self.values < 0).any() or (self.floor < 0).any():
            normal = self.dispersion * np.abs(mean) + variance
            below = statistics.pulls(np.minimum(self.values, 0.0), 0.0, normal)
            plain = statistics.pulls(self.values, mean, normal)
            residuals = np.where(self.floor < 0, plain, residuals + below)
        return residuals


def _max_pull(found: Comparison) -> Floats:
    return statistics.max_pull(found.pulls)


def _chi2(found: Comparison) -> Floats:
    return statistics.mean_chi2(found.pulls)


def _kolmogorov_smirnov(found: Comparison) -> Floats:
    entries = found.known[..., 0] * np.abs(found.rate).sum(axis=-1)
    return statistics.kolmogorov_smirnov(
        found.values, found.expected, 1 / np.maximum(entries, SMALLEST)
    )


def _beta_binomial(found: Comparison) -> Floats:
    by_counting = np.abs(found.floor) / found.known
    free = np.maximum(found.variance - by_counting, 0.0)
    residuals = statistics.beta_binomial_residuals(
        np.maximum(found.values, 0.0),
        np.broadcast_to(np.abs(found.floor) * found.known, found.values.shape),
        free / np.maximum(np.square(found.floor), SMALLEST),
    )
    return statistics.max_pull(residuals)


def _modified_chi2(found: Comparison) -> Floats:
    # What was never filled is expected to be a little where something is, and not to add up.
    rate = np.where(found.values > 0, found.floor, found.rate)
    return statistics.modified_chi2(found.values, rate * found.exposures[:, None])


TESTS: dict[str, Callable[[Comparison], Floats]] = {
    "beta_binomial": _beta_binomial,
    "chi2": _chi2,
    "kolmogorov_smirnov": _kolmogorov_smirnov,
    "max_pull": _max_pull,
    "modified_chi2": _modified_chi2,
}
