"""Limits of the charts: how often they are crossed when nothing has changed."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import chi2

Floats = NDArray[np.float64]
# Arguments: limits, margins, and what the reference leaves open; value: false alarms per block.
Rate = Callable[[Floats, Floats, Floats, Floats], Floats]

# How much further than the limit a sum of independent normal values lies when it crosses, for
# both of its ends, in standard deviations (Siegmund: 2 x 0.583).
OVERSHOOT = 1.166
MEAN_NODES, SPREAD_NODES, STEPS, HIGHEST = 33, 17, 60, 1e4
# Beyond, exp would leave the range of numbers.
LARGEST_EXPONENT = 600.0


def run_length(margin: Floats, limit: Floats) -> Floats:
    """Return the mean number of steps until a one-sided CUSUM of normal steps crosses a limit.

    Siegmund's approximation (D. Siegmund, "Sequential Analysis", Springer 1985, equation 2.56),
    for steps with standard deviation 1.

    Parameters
    ----------
    margin : ndarray
        What is taken off each step, less their mean: positive when nothing has changed.
    limit : ndarray
        The limit, with the overshoot already added.
    """
    power = np.clip(2 * margin * limit, -LARGEST_EXPONENT, LARGEST_EXPONENT)
    tiny = np.abs(power) < 1e-4
    safe = np.where(tiny, 1.0, power)
    curve = np.where(tiny, 1 + power / 3, 2 * (np.expm1(safe) - safe) / safe**2)
    return np.square(limit) * curve


def limits(rate: Rate, margins: Floats, n_blocks: int, wanted: float) -> Floats:
    """Find the limits that are crossed as often as wanted, on average over references.

    A reference of few blocks leaves open where the mean lies and how wide the spread is; the
    rate is averaged over both: the mean as the normal law has it, the spread by a chi-squared law.

    Parameters
    ----------
    rate : callable
        False alarms per block of a one-sided chart.
    margins : ndarray of shape (n_columns,)
        Of each column.
    n_blocks : int
        Blocks in the reference.
    wanted : float
        False alarms per block and side, of one column.

    Returns
    -------
    limits : ndarray of shape (n_columns,)
        By bisection.
    """
    means, spreads = _open(n_blocks)
    low, high = np.zeros(len(margins)), np.full(len(margins), HIGHEST)
    columns = margins[:, None, None]
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        found = rate(middle[:, None, None], columns, means[:, None], spreads)
        too_many = found.mean(axis=(1, 2)) > wanted
        low, high = np.where(too_many, middle, low), np.where(too_many, high, middle)
    return high


def _open(n_blocks: int) -> tuple[Floats, Floats]:
    """Return equally likely means and spreads, in units of the estimated ones."""
    means = ndtri(_shares(MEAN_NODES)) / np.sqrt(n_blocks)
    # An autoregression knows the long run about as well as a third of independent blocks would.
    freedom = max(n_blocks / 3, 2.0)
    return means, np.sqrt(freedom / chi2.ppf(_shares(SPREAD_NODES), freedom))


def _shares(n: int) -> Floats:
    return (np.arange(n) + 0.5) / n
