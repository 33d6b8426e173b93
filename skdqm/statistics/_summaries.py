"""One number for a whole histogram: how far it is from what was expected."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def max_pull(residuals: ArrayLike) -> Floats:
    """Return the largest residual of each histogram, in absolute value.

    Parameters
    ----------
    residuals : array-like of shape (..., n_bins)
        Distances of the bins, in standard deviations.

    Returns
    -------
    largest : ndarray of shape (...,)
        At least 0. It points at one bin; of n bins that only fluctuate it is about
        ``sqrt(2 log n)``.

    Examples
    --------
    >>> from skdqm.statistics import max_pull
    >>> max_pull([[0.5, -4.0, 1.0]])
    array([4.])
    """
    largest: Floats = np.abs(np.asarray(residuals, dtype=np.float64)).max(axis=-1)
    return largest


def mean_chi2(residuals: ArrayLike) -> Floats:
    """Return the mean squared residual of each histogram: chi-squared for each bin.

    Parameters
    ----------
    residuals : array-like of shape (..., n_bins)
        Distances of the bins, in standard deviations.

    Returns
    -------
    chi2 : ndarray of shape (...,)
        About 1 where bins only fluctuate. It sees deviations that many bins share.

    Examples
    --------
    >>> from skdqm.statistics import mean_chi2
    >>> mean_chi2([[1.0, -1.0], [3.0, -1.0]])
    array([1., 5.])
    """
    squared = np.square(np.asarray(residuals, dtype=np.float64))
    return np.add.reduce(squared, axis=-1) / squared.shape[-1]


def modified_chi2(counts: ArrayLike, expected: ArrayLike) -> Floats:
    """Return chi-squared for each entry, less what fluctuations give: the size of a deviation.

    Of histograms with very many entries, deviations far too small to matter are significant. This
    is the mean squared relative deviation, weighted by the expectation: a quarter of the entries in
    the wrong place counts alike in 10,000 and in a million. That chi-squared has to be modified so
    is said in [1]_, which does it in another way.

    Parameters
    ----------
    counts : array-like of shape (..., n_bins)
        Contents of the bins.
    expected : array-like of shape (..., n_bins)
        Expected contents, at least 0.

    Returns
    -------
    chi2 : ndarray of shape (...,)
        About 0 where bins only fluctuate, also of histograms where nothing is expected.

    References
    ----------
    .. [1] A. Brinkerhoff et al., "Anomaly detection for automated data quality monitoring in the
           CMS detector", arXiv:2501.13789.

    Examples
    --------
    >>> from skdqm.statistics import modified_chi2
    >>> modified_chi2([[75.0, 125.0], [75e4, 125e4]], [[100.0, 100.0], [1e6, 1e6]]).round(3)
    array([0.052, 0.062])
    """
    mean = np.asarray(expected, dtype=np.float64)
    squared = np.square(np.asarray(counts, dtype=np.float64) - mean) - np.abs(mean)
    filled = np.abs(mean) > 0
    weighed = np.where(filled, squared / np.where(filled, np.abs(mean), 1.0), 0.0)
    total = np.add.reduce(np.abs(mean), axis=-1)
    return np.add.reduce(weighed, axis=-1) / np.where(total > 0, total, 1.0)


def kolmogorov_smirnov(
    counts: ArrayLike, expected: ArrayLike, relative_variance: ArrayLike = 0.0
) -> Floats:
    """Return the largest distance of the cumulative distributions, for one axis of bins.

    Parameters
    ----------
    counts : array-like of shape (..., n_bins)
        Contents of the bins, along one axis.
    expected : array-like of shape (..., n_bins)
        Expected contents, in proportion to the same exposure: totals are not made equal.
    relative_variance : array-like of shape (...,), default=0.0
        How well the expectation is known, as 1 / (entries of the reference).

    Returns
    -------
    distance : ndarray of shape (...,)
        The largest difference of the cumulative contents, in units of the total, times the root of
        the entries that a comparison of two such histograms has [1]_. Below 1.36 in 95 % of all
        comparisons, in more where bins are wide.

    References
    ----------
    .. [1] F. James, "Statistical methods in experimental physics", 2nd ed. (2006), section 11.4.2.

    Examples
    --------
    >>> from skdqm.statistics import kolmogorov_smirnov
    >>> kolmogorov_smirnov([[50.0, 30.0, 20.0]], [[40.0, 30.0, 30.0]])
    array([1.])
    """
    found, mean = np.asarray(counts, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    total = np.add.reduce(np.abs(mean), axis=-1)
    steps = np.cumsum(found - mean, axis=-1)
    largest = np.abs(steps).max(axis=-1)
    scale = total * (1 + total * np.asarray(relative_variance, dtype=np.float64))
    return largest / np.sqrt(np.where(scale > 0, scale, 1.0))
