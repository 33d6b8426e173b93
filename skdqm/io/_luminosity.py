"""What a certification costs: the luminosity of the lumisections that it leaves out."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skdqm.exceptions import DataError
from skdqm.io._lumisection_ranges import (
    LumisectionRanges,
    check_levels,
    check_once,
    check_verdicts,
    where,
)

_LOST_AS = {"lost_bad": "bad", "lost_not_enough_data": "not enough data", "lost_otherwise": "other"}


def lost_luminosity(
    good: LumisectionRanges,
    luminosity: pd.Series,
    within: LumisectionRanges | None = None,
    *,
    verdicts: pd.Series | None = None,
) -> pd.DataFrame:
    """Add up for each run the luminosity that is kept and that is lost.

    Parameters
    ----------
    good : LumisectionRanges
        The lumisections to keep.
    luminosity : pandas.Series of length n_rows
        Delivered or recorded luminosity of each lumisection, in any unit, indexed by ``run`` and
        ``lumisection``. A lumisection that is missing counts as none.
    within : LumisectionRanges, optional
        Count these lumisections only, for example those with the detector on.
    verdicts : pandas.Series, optional
        +1 good, -1 bad, 0 not enough data, indexed by ``run`` and ``lumisection``: tells why
        luminosity is lost.

    Returns
    -------
    table : pandas.DataFrame
        One row for each run and the row ``"total"``. Columns: ``lumisections`` (number counted),
        ``luminosity``, ``kept``, ``lost`` and ``lost_share`` (of the luminosity). With `verdicts`
        also ``lost_bad``, ``lost_not_enough_data`` and ``lost_otherwise`` (no verdict, or a good
        one that `good` leaves out all the same), and ``reason``: which of them is the largest,
        ``""`` where nothing is lost.

    Raises
    ------
    DataError
        When an index lacks the levels, names a lumisection twice, or a luminosity is no finite
        number.

    Examples
    --------
    >>> index = pd.MultiIndex.from_product([[1], [7, 8, 9]], names=["run", "lumisection"])
    >>> good = LumisectionRanges({1: [(7, 8)]})
    >>> lost_luminosity(good, pd.Series([0.5, 0.25, 0.25], index))
           lumisections  luminosity  kept  lost  lost_share
    run
    1                 3         1.0  0.75  0.25        0.25
    total             3         1.0  0.75  0.25        0.25
    """
    values = _checked(luminosity)
    counted = np.ones(len(values), bool) if within is None else within.contains(values.index)
    values = values[counted]
    is_kept = good.contains(values.index)
    parts = {"lumisections": np.ones(len(values), dtype=np.int64), "luminosity": values.to_numpy()}
    parts |= {"kept": values.to_numpy() * is_kept, "lost": values.to_numpy() * ~is_kept}
    if verdicts is not None:
        parts |= _by_verdict(values, ~is_kept, verdicts)
    return _summed(pd.DataFrame(parts, index=values.index))


def _checked(luminosity: pd.Series) -> pd.Series:
    check_levels(luminosity.index)
    check_once(luminosity.index)
    try:
        values = luminosity.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"the luminosity holds no numbers ({error}); expected numbers") from error
    finite = np.isfinite(values.to_numpy())
    if not finite.all():
        raise DataError(
            f"the luminosity is not finite in {(~finite).sum()} of {len(values)} lumisections, "
            f"first in {where(values.index[~finite])}; drop them, or put 0 where there was none"
        )
    return values


def _by_verdict(
    values: pd.Series, is_lost: NDArray[np.bool_], verdicts: pd.Series
) -> dict[str, NDArray[np.float64]]:
    check_levels(verdicts.index)
    check_once(verdicts.index)
    check_verdicts(verdicts)
    aligned = verdicts.reorder_levels(values.index.names).reindex(values.index).to_numpy()
    bad, too_few = is_lost & (aligned == -1), is_lost & (aligned == 0)
    masks = dict(zip(_LOST_AS, (bad, too_few, is_lost & ~bad & ~too_few), strict=True))
    return {name: values.to_numpy() * mask for name, mask in masks.items()}


def _summed(rows: pd.DataFrame) -> pd.DataFrame:
    runs = rows.groupby(level="run").sum()
    table = pd.concat([runs, runs.sum().to_frame("total").T]).rename_axis("run")
    table = table.astype({"lumisections": np.int64})
    whole, lost = table["luminosity"].to_numpy(), table["lost"].to_numpy()
    table.insert(4, "lost_share", np.divide(lost, whole, where=whole != 0, out=np.zeros_like(lost)))
    if "lost_bad" in table:
        largest = table[list(_LOST_AS)].idxmax(axis="columns").map(_LOST_AS)
        table["reason"] = largest.where(table["lost"] > 0, "")
    return table
