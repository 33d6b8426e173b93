"""How far each bin lies from its expectation, in standard deviations and with a sign."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaln, xlog1py, xlogy

from skdqm.exceptions import UsageError

Floats = NDArray[np.float64]

# More entries have a normal law.
MOST_ENTRIES = 1e12
# Smaller expectations are taken for this: what they are divided into stays finite.
SMALLEST_MEAN = 1e-100
# Smaller shares are rounding.
SMALLEST_SHARE = 1e-300
# Smaller variances are rounding: nothing fluctuates.
SMALLEST_VARIANCE = 1e-300


def pulls(observed: ArrayLike, expected: ArrayLike, variance: ArrayLike) -> Floats:
    """Return distances in standard deviations.

    Parameters
    ----------
    observed, expected : array-like of shape (..., n_bins)
        Contents and what was expected of them.
    variance : array-like of shape (..., n_bins)
        Variance of their difference, at least 0: that of the counts, and that of the expectation.

    Returns
    -------
    pulls : ndarray of shape (..., n_bins)
        ``(observed - expected) / sqrt(variance)``; without a variance any difference is huge.

    Examples
    --------
    >>> from skdqm.statistics import pulls
    >>> pulls([100.0, 70.0], [100.0, 100.0], [100.0, 100.0])
    array([ 0., -3.])
    """
    difference = np.asarray(observed, dtype=np.float64) - np.asarray(expected, dtype=np.float64)
    return difference / np.sqrt(np.maximum(variance, SMALLEST_VARIANCE))


def deviance_residuals(
    counts: ArrayLike, expected: ArrayLike, relative_variance: ArrayLike = 0.0
) -> Floats:
    """Return signed roots of the deviance of counts: pulls that hold for few entries too.

    Of counts that follow a Poisson law, whose mean is known to `relative_variance` (a gamma law, so
    that counts follow a negative binomial law [1]_). Where many entries are expected this is
    ``(counts - expected) / sqrt(expected + relative_variance * expected**2)``; where few are, too
    many entries are as far out as a normal variable as rare: one where 0.001 are expected is 3.4
    standard deviations, of which the pull makes 30. Empty bins are a little too far: -2.8 where 4
    are expected, and the pull has -2.

    Parameters
    ----------
    counts : array-like of shape (..., n_bins)
        Contents of the bins, at least 0.
    expected : array-like of shape (..., n_bins)
        Expected contents, at least 0.
    relative_variance : array-like of shape (..., n_bins), default=0.0
        Variance of the expectation in units of its square.

    Returns
    -------
    residuals : ndarray of shape (..., n_bins)
        Negative where too little was counted.

    Raises
    ------
    UsageError
        When counts or expectations are below 0, or no numbers.

    References
    ----------
    .. [1] P. McCullagh and J. A. Nelder, "Generalized linear models", 2nd ed. (1989), sections 2.4
           and 11.2.

    Examples
    --------
    >>> from skdqm.statistics import deviance_residuals
    >>> deviance_residuals([10_300.0, 1.0, 0.0], [10_000.0, 0.001, 4.0]).round(1)
    array([ 3. ,  3.4, -2.8])
    """
    found = _checked(counts, "counts")
    mean = np.maximum(_checked(expected, "expected"), SMALLEST_MEAN)
    spread = np.asarray(relative_variance, dtype=np.float64)
    found, mean = np.broadcast_arrays(found, mean)
    excess = found - mean
    # x log(x / m), exact where x is near m and where it is near 0.
    surprise = np.asarray(xlog1py(found, np.maximum(excess / mean, -0.5)) - excess)
    low = found < mean / 2
    surprise[low] = xlogy(found[low], found[low]) - xlogy(found[low], mean[low]) - excess[low]
    shared = np.where(spread > 0, _gamma_part(excess, mean, spread), 0.0)
    return np.copysign(np.sqrt(2 * np.maximum(surprise - shared, 0.0)), excess)


def _checked(values: ArrayLike, name: str) -> Floats:
    numbers = np.asarray(values, dtype=np.float64)
    # Also NaN, which compares as false.
    if not (numbers >= 0).all():
        raise UsageError(f"{name} must be numbers of 0 or more, found {numbers.min():g}")
    return numbers


def _gamma_part(excess: Floats, mean: Floats, spread: Floats) -> Floats:
    """Return the part of half the deviance that the freedom of the mean explains.

    With k = 1 / spread, (x + k) log((x + k) / (m + k)) - (x - m).
    """
    k = 1 / np.maximum(spread, SMALLEST_MEAN)
    total = mean + k
    part: Floats = xlog1py(total + excess, excess / total) - excess
    return part


def beta_binomial_residuals(
    counts: ArrayLike, reference: ArrayLike, relative_variance: ArrayLike = 0.0
) -> Floats:
    """Return signed residuals of counts whose shares are known from reference counts.

    The counts of a bin, of all entries of its histogram, follow a beta-binomial law [1]_ with the
    parameters ``reference + 1`` and ``total - reference + 1``: what is known of the bin's share
    after the reference counts. A residual is the normal deviate that is as much less likely than
    its mean as the counts are.

    Parameters
    ----------
    counts : array-like of shape (..., n_bins)
        Contents of the bins, at least 0. Their sum is that of the histogram.
    reference : array-like of shape (..., n_bins)
        Contents of the reference histogram.
    relative_variance : array-like of shape (..., n_bins), default=0.0
        What is not known of a share beside counting, in units of its square, such as 0.01 ** 2
        for one percent.

    Returns
    -------
    residuals : ndarray of shape (..., n_bins)
        Negative where too little was counted.

    Raises
    ------
    UsageError
        When counts are below 0, or no numbers.

    References
    ----------
    .. [1] A. Brinkerhoff et al., "Anomaly detection for automated data quality monitoring in the
           CMS detector", arXiv:2501.13789.

    Examples
    --------
    >>> from skdqm.statistics import beta_binomial_residuals
    >>> beta_binomial_residuals([60.0, 40.0], [5000.0, 5000.0]).round(2)
    array([ 2., -2.])
    """
    found, known = _checked(counts, "counts"), _checked(reference, "reference")
    total, known_total = (each.sum(axis=-1, keepdims=True) for each in (found, known))
    share = (known + 1) / (known_total + 2)
    others = (known_total - known + 1) / (known_total + 2)
    freedom = np.asarray(relative_variance, dtype=np.float64) / np.maximum(others, SMALLEST_SHARE)
    inside = 1 / (1 / (known + 1) + freedom)
    outside = inside * others / share
    half = _log_likelihood(total * share, total, inside, outside) - _log_likelihood(
        found, total, inside, outside
    )
    residuals = np.copysign(np.sqrt(2 * np.maximum(half, 0.0)), found - total * share)
    # Of so many entries the law is normal, and its logarithms have no digits left.
    variance = total * share * (others + total * share * others / inside)
    normal = pulls(found, total * share, variance)
    return np.where(np.maximum(total, known_total) > MOST_ENTRIES, normal, residuals)


def _log_likelihood(found: Floats, total: Floats, inside: Floats, outside: Floats) -> Floats:
    """Return the logarithm of the beta-binomial law, for counts that need not be whole."""
    law: Floats = betaln(found + inside, total - found + outside) - betaln(
        found + 1, total - found + 1
    )
    return law
