"""Which tower and which module is at fault, from the pulls of their channels."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtr, chdtrc, ndtri

from skdqm._messages import listed
from skdqm.exceptions import DataError, UsageError

# Smaller p-values would have no deviate.
SMALLEST_P_VALUE = 1e-300
EXCESSES = ("pulls", "deviations")


def roll_up(
    feature_scores: Any, groups: Mapping[str, ArrayLike] | ArrayLike, *, of: str = "deviations"
) -> pd.DataFrame:
    """Combine the pulls of channels into those of towers, modules and other groups of hardware.

    Parameters
    ----------
    feature_scores : DataFrame or array-like of shape (n_samples, n_channels)
        Pulls of channels, as a detector's ``feature_scores`` gives.
    groups : array-like of shape (n_channels,) or mapping of str to array-like
        The group that each channel belongs to, or such an array for each level of the hardware,
        ``{"tower": ..., "module": ...}``. A channel whose group is missing (None, NaN) is left out.
    of : {"deviations", "pulls"}, default="deviations"
        ``"deviations"``: the sum of squares, a chi-squared law with as many degrees of freedom as
        there are channels, as the normal deviate that is as rare; high where channels deviate,
        whatever their signs, about 0 where they only fluctuate.
        ``"pulls"``: the sum divided by the root of the number of channels, which keeps its sign: a
        loss that a whole module shares.

    Returns
    -------
    combined : DataFrame of shape (n_samples, n_groups)
        A column for each group, in standard deviations; with several levels, columns have the
        levels ``level`` and ``group``. The index is that of `feature_scores`.

    Raises
    ------
    UsageError
        When there is not one group for each channel, or no such `of`.
    DataError
        When a pull is not finite.

    Examples
    --------
    >>> from skdqm.monitoring import roll_up
    >>> roll_up([[-2.0, -3.0, 0.1, 1.0]], ["A", "A", "B", "B"], of="pulls").round(2)
          A     B
    0 -3.54  0.78
    """
    if of not in EXCESSES:
        raise UsageError(f"of={of!r}: expected one of {list(EXCESSES)}")
    index = feature_scores.index if isinstance(feature_scores, pd.DataFrame) else None
    pulls = np.asarray(feature_scores, dtype=np.float64)
    if not np.isfinite(pulls).all():
        raise DataError("feature scores that are not finite; expected numbers for every channel")
    if not isinstance(groups, Mapping):
        return _combined(pulls, _checked(groups, pulls), of, index)
    if not groups:
        raise UsageError("groups is empty; expected a level of the hardware at least")
    levels = {
        level: _combined(pulls, _checked(each, pulls), of, index) for level, each in groups.items()
    }
    return pd.concat(levels, axis=1, names=["level", "group"])


def _checked(groups: ArrayLike, pulls: NDArray[np.float64]) -> NDArray[Any]:
    given = np.asarray(groups, dtype=object)
    if pulls.ndim != 2 or given.shape != pulls.shape[1:]:
        raise UsageError(
            f"groups of shape {given.shape} for feature scores of shape {pulls.shape}; expected "
            "one group for each of their columns"
        )
    if pd.isna(given).all():
        raise UsageError(f"no channel belongs to a group, found {listed(list(given))}")
    return given


def _combined(
    pulls: NDArray[np.float64], groups: NDArray[Any], of: str, index: Any
) -> pd.DataFrame:
    codes, names = pd.factorize(groups, sort=True)
    sums = np.empty((len(pulls), len(names)))
    summed = np.square(pulls) if of == "deviations" else pulls
    for code in range(len(names)):
        sums[:, code] = np.add.reduce(summed[:, codes == code], axis=1)
    counts = np.bincount(codes[codes >= 0])
    values = _deviates(sums, counts) if of == "deviations" else sums / np.sqrt(counts)
    return pd.DataFrame(values, index=index, columns=names)


def _deviates(sums: NDArray[np.float64], counts: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return normal deviates as rare as sums of squares; beyond all digits, the root of the sum."""
    p_values = np.asarray(chdtrc(counts, sums))
    # Either tail has its digits near 0: sums of almost nothing are finite deviates, too.
    above = -ndtri(np.maximum(p_values, SMALLEST_P_VALUE))
    below = ndtri(np.maximum(chdtr(counts, sums), SMALLEST_P_VALUE))
    deviates = np.where(p_values < 0.5, above, below)
    return np.where(p_values > SMALLEST_P_VALUE, deviates, np.maximum(deviates, np.sqrt(sums)))
