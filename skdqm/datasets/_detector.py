"""A generator of detector readings with faulty channels."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from numbers import Integral, Real
from typing import Literal, NamedTuple, overload

import numpy as np
import pandas as pd
from numpy.random import RandomState
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from skdqm._sklearn import Interval, validate_params
from skdqm.datasets._detector_drift import DRIFT_KINDS, ChannelDrift, check_drift_kinds
from skdqm.exceptions import UsageError

__all__ = ["DetectorFaults", "make_detector_data"]

Floats = NDArray[np.float64]

N_CONDITIONS = 3
# Share of a channel's variance that is its own noise, not the common conditions.
NOISE_SHARE = 0.2
# Standard deviation of a healthy channel, as a share of its baseline.
SPREAD = 0.1
FAULT_KINDS = ("dead", "hot", "noisy", "shifted", "decorrelated")

# What a fault makes of healthy readings in units of the channel's standard deviation, around 0.
_FAULTS: dict[str, Callable[[Floats, RandomState], Floats]] = {
    "dead": lambda z, rng: np.full_like(z, -1 / SPREAD),
    "hot": lambda z, rng: z + 1 / SPREAD,
    "noisy": lambda z, rng: z + 5 * rng.standard_normal(z.shape),
    "shifted": lambda z, rng: z + 3 * rng.choice((-1, 1), size=z.shape),
    "decorrelated": lambda z, rng: rng.standard_normal(z.shape),
}


class DetectorFaults(NamedTuple):
    """What is wrong in each reading, and which channels drift, which is not wrong.

    Attributes
    ----------
    kind : ndarray of str of shape (n_samples,)
        The kind of fault of the row, "" for a healthy row.
    mask : ndarray of bool of shape (n_samples, n_channels)
        True where a channel is faulty.
    drifts : ndarray of bool of shape (n_channels,)
        True where the gain or the baseline of a channel drifts.
    """

    kind: NDArray[np.str_]
    mask: NDArray[np.bool_]
    drifts: NDArray[np.bool_]


def _healthy(n_samples: int, n_channels: int, rng: RandomState) -> Floats:
    """Draw correlated readings of mean 0 and variance 1."""
    loadings = rng.standard_normal((n_channels, N_CONDITIONS))
    loadings *= np.sqrt((1 - NOISE_SHARE) / np.square(loadings).sum(axis=1, keepdims=True))
    conditions = rng.standard_normal((n_samples, N_CONDITIONS))
    noise = rng.standard_normal((n_samples, n_channels))
    readings: Floats = conditions @ loadings.T + np.sqrt(NOISE_SHARE) * noise
    return readings


def _choose_faults(
    shape: tuple[int, int], fraction: float, kinds: Sequence[str], rng: RandomState
) -> DetectorFaults:
    """Choose faulty rows, a kind for each, and up to a quarter of its channels."""
    n_samples, n_channels = shape
    n_faulty = round(fraction * n_samples)
    rows = rng.permutation(n_samples)[:n_faulty]
    kind = np.full(n_samples, "", dtype=f"U{max(map(len, FAULT_KINDS))}")
    kind[rows] = rng.choice(np.array(kinds), size=n_faulty)
    n_bad = rng.randint(1, max(1, n_channels // 4) + 1, size=(n_faulty, 1))
    mask = np.zeros(shape, dtype=bool)
    ranks = rng.uniform(size=(n_faulty, n_channels)).argsort(axis=1).argsort(axis=1)
    mask[rows] = ranks < n_bad
    return DetectorFaults(kind, mask, np.zeros(n_channels, dtype=bool))


def _inject(z: Floats, faults: DetectorFaults, kinds: Sequence[str], rng: RandomState) -> None:
    for kind in kinds:
        cells = faults.mask & (faults.kind == kind)[:, None]
        z[cells] = _FAULTS[kind](z[cells], rng)


def _check_kinds(kinds: Sequence[str], fraction: float) -> None:
    unknown = [kind for kind in kinds if kind not in _FAULTS]
    if isinstance(kinds, str) or unknown or len(set(kinds)) < len(kinds):
        raise UsageError(
            f"faults={kinds!r} must be a sequence of different kinds out of {list(FAULT_KINDS)}"
        )
    if fraction and len(kinds) == 0:
        raise UsageError(
            f"faults is empty but fault_fraction={fraction}; name a kind of fault out of "
            f"{list(FAULT_KINDS)}, or set fault_fraction=0"
        )


@overload
def make_detector_data(
    n_samples: int = ...,
    n_channels: int = ...,
    *,
    fault_fraction: float = ...,
    faults: Sequence[str] = ...,
    drift: float = ...,
    drift_kinds: Sequence[str] = ...,
    random_state: int | RandomState | None = ...,
    return_faults: Literal[False] = ...,
) -> tuple[pd.DataFrame, NDArray[np.int64]]: ...
@overload
def make_detector_data(
    n_samples: int = ...,
    n_channels: int = ...,
    *,
    fault_fraction: float = ...,
    faults: Sequence[str] = ...,
    drift: float = ...,
    drift_kinds: Sequence[str] = ...,
    random_state: int | RandomState | None = ...,
    return_faults: Literal[True],
) -> tuple[pd.DataFrame, NDArray[np.int64], DetectorFaults]: ...
@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "n_channels": [Interval(Integral, 2, None, closed="left")],
        "fault_fraction": [Interval(Real, 0, 1, closed="both")],
        "faults": ["array-like"],
        "drift": [Interval(Real, 0, 1, closed="left")],
        "drift_kinds": ["array-like"],
        "random_state": ["random_state"],
        "return_faults": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def make_detector_data(
    n_samples: int = 1000,
    n_channels: int = 16,
    *,
    fault_fraction: float = 0.05,
    faults: Sequence[str] = FAULT_KINDS,
    drift: float = 0.0,
    drift_kinds: Sequence[str] = DRIFT_KINDS,
    random_state: int | RandomState | None = None,
    return_faults: bool = False,
) -> (
    tuple[pd.DataFrame, NDArray[np.int64]] | tuple[pd.DataFrame, NDArray[np.int64], DetectorFaults]
):
    """Generate readings of detector channels, some of them faulty.

    Healthy channels fluctuate by 10 % around their own baselines, between 50 and 150 counts: most
    of it follows three common conditions (as luminosity, temperature and voltage would), the rest
    is noise of the channel. In a faulty row, between one and a quarter of the channels have one
    kind of fault:

    ``"dead"``
        the channel reads 0;
    ``"hot"``
        one baseline, ten standard deviations, is added;
    ``"noisy"``
        five times the usual spread is added as noise, which is 0 on average;
    ``"shifted"``
        three standard deviations up or down;
    ``"decorrelated"``
        mean and spread are right, but the channel no longer follows the common conditions: only
        the comparison with other channels can tell.

    A detector also ages. With `drift`, healthy readings are as before in the first half of the
    rows, and then change evenly until the last one, which is not labelled: in the order of rows a
    model is fitted, tested, and then has to follow.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of rows, each a reading of all channels.
    n_channels : int, default=16
        Number of channels, at least 2.
    fault_fraction : float, default=0.05
        Share of faulty rows, in [0, 1].
    faults : sequence of str, default=all kinds
        Kinds of fault to draw from, with equal probability.
    drift : float, default=0.0
        How much a channel that drifts has changed in the last row, relative, in [0, 1).
    drift_kinds : sequence of str, default=("gain", "baseline")
        What drifts, each in half of the channels: ``"gain"``, readings shrink by that share, or
        ``"baseline"``, they move up or down by that share of the baseline. A dead channel reads 0
        all the same.
    random_state : int, RandomState instance or None, default=None
        Seed: the same one gives the same readings. The healthy readings do not depend on
        `fault_fraction` and `faults`, nor the faults on `drift`.
    return_faults : bool, default=False
        Also return which channels are faulty, and how.

    Returns
    -------
    X : DataFrame of shape (n_samples, n_channels), float64
        Readings in counts, columns ``channel_00``, ``channel_01`` and so on.
    y : ndarray of shape (n_samples,), int64
        1 = some channel is faulty, 0 = all are healthy.
    faults : DetectorFaults
        Only with `return_faults`: ``kind`` per row, ``mask`` per cell, and which channels drift.

    Raises
    ------
    UsageError
        When a kind of fault or drift is unknown, repeated or missing.

    Examples
    --------
    >>> from skdqm.datasets import make_detector_data
    >>> X, y, faults = make_detector_data(
    ...     200, 8, faults=["dead"], random_state=0, return_faults=True
    ... )
    >>> X.shape, int(y.sum())
    ((200, 8), 10)
    >>> bool((X.to_numpy()[faults.mask] == 0).all())
    True
    """
    _check_kinds(faults, fault_fraction)
    check_drift_kinds(drift_kinds, drift)
    rng = check_random_state(random_state)
    baseline = rng.uniform(50, 150, size=n_channels)
    z = _healthy(n_samples, n_channels, rng)
    # From a copy: nothing that is drawn later depends on the drift, nor the drift on it.
    seed = int(deepcopy(rng).randint(2**31 - 1))
    truth = _choose_faults((n_samples, n_channels), fault_fraction, faults, rng)
    _inject(z, truth, faults, rng)
    width = max(2, len(str(n_channels - 1)))
    names = [f"channel_{channel:0{width}d}" for channel in range(n_channels)]
    readings = baseline * (1 + SPREAD * z)
    if drift:
        change = ChannelDrift(n_channels, drift, drift_kinds, seed)
        dead = truth.mask & (truth.kind == "dead")[:, None]
        readings = np.where(dead, readings, change.applied(readings, baseline))
        truth = truth._replace(drifts=change.drifts)
    X = pd.DataFrame(readings, columns=names)
    y = np.where(truth.kind == "", 0, 1)
    return (X, y, truth) if return_faults else (X, y)
