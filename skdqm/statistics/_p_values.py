"""P-values of many tests at once: of bins, of channels, of monitoring elements."""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr
from scipy.stats import cauchy, chi2, false_discovery_control

from skdqm.exceptions import UsageError

Floats = NDArray[np.float64]
Correction = Literal["bonferroni", "holm", "fdr"]
Combination = Literal["fisher", "union", "cauchy"]

# P-values below are taken for this: their logarithm stays finite.
SMALLEST_P_VALUE = 1e-300
# P-values above are taken for this in Cauchy's combination.
LARGEST_P_VALUE = 0.999


def two_sided_p_values(residuals: ArrayLike) -> Floats:
    """Return the chance that a normal variable is at least as far from 0.

    Parameters
    ----------
    residuals : array-like of any shape
        Distances in standard deviations.

    Returns
    -------
    p_values : ndarray of the same shape
        In [0, 1].

    Examples
    --------
    >>> from skdqm.statistics import two_sided_p_values
    >>> two_sided_p_values([0.0, -1.96]).round(3)
    array([1.  , 0.05])
    """
    p_values: Floats = 2 * ndtr(-np.abs(np.asarray(residuals, dtype=np.float64)))
    return p_values


def adjust_p_values(p_values: ArrayLike, method: Correction = "holm") -> Floats:
    """Correct p-values along the last axis for their number.

    Parameters
    ----------
    p_values : array-like of shape (..., n_tests)
        In [0, 1].
    method : {"holm", "bonferroni", "fdr"}, default="holm"
        ``"holm"`` [1]_ and ``"bonferroni"``: the chance of any false alarm among the tests of a
        row is at most the level at which they are cut, however they depend on each other.
        ``"fdr"`` [2]_: the share of false ones among all alarms of a row is, on average.

    Returns
    -------
    adjusted : ndarray of shape (..., n_tests)
        In [0, 1], each at least as large as before.

    Raises
    ------
    UsageError
        When there is no such method, or a value is outside of [0, 1].

    References
    ----------
    .. [1] S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal
           of Statistics 6 (1979) 65.
    .. [2] Y. Benjamini and Y. Hochberg, "Controlling the false discovery rate", Journal of the
           Royal Statistical Society B 57 (1995) 289.

    Examples
    --------
    >>> from skdqm.statistics import adjust_p_values
    >>> adjust_p_values([0.01, 0.04, 0.03])
    array([0.03, 0.06, 0.06])
    """
    found = _checked(p_values)
    if method not in CORRECTIONS:
        raise UsageError(f"method={method!r}: expected one of {list(CORRECTIONS)}")
    return CORRECTIONS[method](found)


def combine_p_values(p_values: ArrayLike, method: Combination = "cauchy") -> Floats:
    """Make one p-value of those along the last axis.

    Parameters
    ----------
    p_values : array-like of shape (..., n_tests)
        In [0, 1].
    method : {"cauchy", "union", "fisher"}, default="cauchy"
        ``"cauchy"`` [1]_ holds, for small p-values, whatever the tests depend on each other.
        ``"union"`` is the smallest, corrected for their number: one test is enough.
        ``"fisher"`` [2]_ adds up what all of them say, and holds only if they are independent.

    Returns
    -------
    combined : ndarray of shape (...,)
        In [0, 1].

    Raises
    ------
    UsageError
        When there is no such method, or a value is outside of [0, 1].

    References
    ----------
    .. [1] Y. Liu and J. Xie, "Cauchy combination test", Journal of the American Statistical
           Association 115 (2020) 393.
    .. [2] R. A. Fisher, "Statistical methods for research workers", 4th ed. (1932), section 21.1.

    Examples
    --------
    >>> from skdqm.statistics import combine_p_values
    >>> combine_p_values([0.001, 0.4, 0.9], "union").round(4)
    np.float64(0.003)
    """
    found = _checked(p_values)
    if method not in COMBINATIONS:
        raise UsageError(f"method={method!r}: expected one of {list(COMBINATIONS)}")
    return COMBINATIONS[method](np.maximum(found, SMALLEST_P_VALUE))


def _checked(p_values: ArrayLike) -> Floats:
    found = np.asarray(p_values, dtype=np.float64)
    if found.ndim == 0 or found.shape[-1] == 0 or not ((found >= 0) & (found <= 1)).all():
        raise UsageError("p_values must be numbers in [0, 1], at least one along the last axis")
    return found


def _bonferroni(p_values: Floats) -> Floats:
    return np.minimum(p_values * p_values.shape[-1], 1.0)


def _holm(p_values: Floats) -> Floats:
    order = np.argsort(p_values, axis=-1, kind="stable")
    factors = np.arange(p_values.shape[-1], 0, -1)
    stepped = np.take_along_axis(p_values, order, axis=-1) * factors
    adjusted = np.empty_like(stepped)
    climbing = np.minimum(np.maximum.accumulate(stepped, axis=-1), 1.0)
    np.put_along_axis(adjusted, order, climbing, axis=-1)
    return adjusted


def _false_discovery(p_values: Floats) -> Floats:
    adjusted: Floats = false_discovery_control(p_values, axis=-1)
    return adjusted


def _fisher(p_values: Floats) -> Floats:
    total = -2 * np.add.reduce(np.log(p_values), axis=-1)
    combined: Floats = chi2.sf(total, 2 * p_values.shape[-1])
    return combined


def _union(p_values: Floats) -> Floats:
    # Sidak's form of 1 - (1 - p) ** n, exact where p is tiny.
    smallest = p_values.min(axis=-1)
    below_one = np.minimum(smallest, np.nextafter(1.0, 0.0))
    return np.where(smallest < 1, -np.expm1(p_values.shape[-1] * np.log1p(-below_one)), 1.0)


def _cauchy(p_values: Floats) -> Floats:
    if p_values.shape[-1] == 1:
        return p_values[..., 0]
    # A p-value of 1 would be minus infinity, and outvote everything else.
    deviates = cauchy.isf(np.minimum(p_values, LARGEST_P_VALUE))
    combined: Floats = cauchy.sf(np.add.reduce(deviates, axis=-1) / p_values.shape[-1])
    return combined


CORRECTIONS: dict[str, Callable[[Floats], Floats]] = {
    "bonferroni": _bonferroni,
    "holm": _holm,
    "fdr": _false_discovery,
}
COMBINATIONS: dict[str, Callable[[Floats], Floats]] = {
    "cauchy": _cauchy,
    "fisher": _fisher,
    "union": _union,
}
