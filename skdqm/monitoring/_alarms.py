"""Alarms from verdicts: raised when a fault stays, cleared by themselves when it is gone."""

from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from skdqm._lumisections import RUN, cut_at_runs, lumisections_of, required_runs
from skdqm._sklearn import Interval, validate_params
from skdqm.exceptions import DataError

COLUMNS = [RUN, "first", "last", "n_flagged", "cleared"]


@validate_params(
    {
        "verdicts": "no_validation",
        "raise_after": [Interval(Integral, 1, None, closed="left")],
        "clear_after": [Interval(Integral, 1, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def find_alarms(verdicts: Any, *, raise_after: int = 1, clear_after: int = 1) -> pd.DataFrame:
    """Turn verdicts on lumisections into alarms.

    An alarm is raised by `raise_after` bad lumisections one after the other, and begins with the
    first of them; it clears by itself after `clear_after` good ones. "Not enough data" neither
    raises nor clears, and neither does a lumisection that is missing. The end of a run ends its
    alarms.

    Parameters
    ----------
    verdicts : Series of shape (n_samples,)
        +1 good, -1 bad, 0 not enough data, with the index levels ``run`` and ``lumisection``; such
        as the column ``verdict`` of what a detector's ``verdicts`` gives.
    raise_after : int, default=1
        Bad lumisections that an alarm needs.
    clear_after : int, default=1
        Good lumisections that end it.

    Returns
    -------
    alarms : DataFrame of shape (n_alarms, 5)
        ``run``, ``first`` and ``last`` bad lumisection, ``n_flagged``, how many were bad, and
        ``cleared``: the lumisection in which it cleared, <NA> where the run ended first.

    Raises
    ------
    DataError
        When rows do not say their run and lumisection, or hold another value.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdqm.monitoring import find_alarms
    >>> index = pd.MultiIndex.from_product([[7], range(1, 9)], names=["run", "lumisection"])
    >>> find_alarms(pd.Series([1, -1, 1, -1, -1, -1, 1, 1], index), raise_after=2, clear_after=2)
       run  first  last  n_flagged  cleared
    0    7      4     6          3        8
    """
    runs = required_runs(verdicts, "find_alarms")
    values, numbers = _checked(verdicts), lumisections_of(verdicts)
    order = np.lexsort((numbers, runs))
    found: list[list[Any]] = []
    for rows in cut_at_runs(runs, order):
        found += [
            [runs[rows[0]], *alarm]
            for alarm in _alarms(values[rows], numbers[rows], raise_after, clear_after)
        ]
    alarms = pd.DataFrame(found, columns=COLUMNS)
    kinds = {RUN: runs.dtype, **dict.fromkeys(COLUMNS[1:-1], np.int64), "cleared": "Int64"}
    return alarms.astype(kinds)


def _checked(verdicts: ArrayLike) -> NDArray[np.int64]:
    values = np.asarray(verdicts)
    if values.ndim != 1 or not np.isin(values, (-1, 0, 1)).all():
        raise DataError("verdicts must be a series of +1 (good), -1 (bad) and 0 (not enough data)")
    return values.astype(np.int64)


def _alarms(
    values: NDArray[np.int64], numbers: NDArray[Any], raise_after: int, clear_after: int
) -> list[list[Any]]:
    """Return first, last, number and clearing of the alarms of one run."""
    alarms: list[list[Any]] = []
    bad: list[int] = []
    n_good = 0
    for value, number in zip(values.tolist(), numbers.tolist(), strict=True):
        if value == -1:
            bad.append(number)
            n_good = 0
        elif value == 1 and bad:
            n_good += 1
            if len(bad) < raise_after:
                bad = []
            elif n_good >= clear_after:
                alarms.append([bad[0], bad[-1], len(bad), number])
                bad = []
    if len(bad) >= raise_after:
        alarms.append([bad[0], bad[-1], len(bad), pd.NA])
    return alarms
