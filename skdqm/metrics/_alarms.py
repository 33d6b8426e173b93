"""How often a detector calls somebody, and how soon after a fault begins."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from skdqm._lumisections import RUN, required_runs
from skdqm.exceptions import DataError, UsageError
from skdqm.metrics._flags import (
    checked_flags,
    checked_labels,
    checked_runs,
    in_time,
    stretches,
    times,
)

__all__ = [
    "DetectionDelays",
    "alarms_per_day",
    "alarms_per_run",
    "detection_delay",
    "false_alarms_per_day_scorer",
]

# A lumisection lasts 23.3 s.
LUMISECTIONS_PER_DAY = 3_700
COUNTS = ("alarms", "lumisections")


@dataclass(frozen=True, eq=False)
class DetectionDelays:
    """How long after its beginning each fault was flagged.

    A fault is what is labelled faulty without a break in a run.

    Attributes
    ----------
    detected : DataFrame of shape (n_detected, 5)
        Faults with a flag: ``run``; ``first`` and ``last``, the positions of the rows where the
        fault begins and ends; ``length`` in lumisections; and ``delay``, the number of
        lumisections from the first one of the fault to the first flagged one: 0 if it was flagged
        at once. Both are differences of the index level ``lumisection``, if there is one, so that
        lumisections without a row count; otherwise rows are counted.
    undetected : DataFrame of shape (n_undetected, 4)
        Faults without any flag: the same columns but ``delay``, which they do not have.
    """

    detected: pd.DataFrame
    undetected: pd.DataFrame


def _alarms(flags: NDArray[np.int64], runs: NDArray[Any], rows: Any) -> list[NDArray[np.intp]]:
    """Return the flagged rows of each alarm."""
    order = in_time(runs, rows)
    # Where there is not enough data, an alarm is neither raised nor cleared.
    judged = order[flags[order] != 0]
    found = stretches(flags == -1, runs, judged)
    flagged = judged[flags[judged] == -1]
    return np.split(flagged, np.cumsum(found.length)[:-1]) if len(found.first) else []


def alarms_per_run(flags: ArrayLike, runs: ArrayLike | None = None) -> pd.DataFrame:
    """Count alarms, flagged lumisections and those without enough data in each run.

    A *flagged lumisection* is one row that the detector calls bad. An *alarm* is what somebody is
    called for: flagged lumisections of one run that follow each other. A good lumisection, or the
    end of the run, ends it; one without enough data neither begins nor ends one, so an alarm goes
    on across it.

    Parameters
    ----------
    flags : array-like of shape (n_lumisections,)
        Predictions: -1 = flagged, 1 = good, 0 = not enough data; or booleans, True = flagged. In
        the order of time, unless they are a Series whose index has the level ``lumisection``.
    runs : array-like of shape (n_lumisections,), default=None
        The number of the run of each; None: the index level ``run`` of `flags`.

    Returns
    -------
    counts : DataFrame of shape (n_runs, 4), int64
        A row per run, in their order: ``lumisections``, ``flagged``, ``not_enough_data`` and
        ``alarms``.

    Raises
    ------
    DataError
        When flags are anything else, do not match the runs, or do not tell theirs.

    See Also
    --------
    alarms_per_day : One number.

    Examples
    --------
    >>> from skdqm.metrics import alarms_per_run
    >>> alarms_per_run([-1, -1, 0, -1, 1, -1, -1, 1], runs=[7, 7, 7, 7, 7, 7, 9, 9])
         lumisections  flagged  not_enough_data  alarms
    run
    7               6        4                1       2
    9               2        1                0       1
    """
    checked = checked_flags(flags)
    known = required_runs(flags, "alarms per run without runs") if runs is None else runs
    run_of_row = checked_runs(known, flags, len(checked))
    numbers, run = np.unique(run_of_row, return_inverse=True)
    begins = [alarm[0] for alarm in _alarms(checked, run_of_row, flags)]
    rows = {
        "lumisections": run,
        "flagged": run[checked == -1],
        "not_enough_data": run[checked == 0],
        "alarms": run[np.array(begins, dtype=np.intp)],
    }
    counts = {name: np.bincount(of, minlength=len(numbers)) for name, of in rows.items()}
    return pd.DataFrame(counts, index=pd.Index(numbers, name=RUN))


def alarms_per_day(
    flags: ArrayLike,
    runs: ArrayLike | None = None,
    *,
    y_true: ArrayLike | None = None,
    count: Literal["alarms", "lumisections"] = "alarms",
) -> float:
    """Compute the alarms in 24 hours of data taking, which are 3,700 lumisections.

    Parameters
    ----------
    flags : array-like of shape (n_lumisections,)
        Predictions: -1 = flagged, 1 = good, 0 = not enough data; or booleans, True = flagged. In
        the order of time, unless they are a Series whose index has the level ``lumisection``.
    runs : array-like of shape (n_lumisections,), default=None
        The number of the run of each, at whose end an alarm ends; None: the index level ``run`` of
        `flags` if there is one, otherwise all are of one run.
    y_true : array-like of shape (n_lumisections,), default=None
        Labels, 1 = faulty, 0 = good, with the index of `flags` if both have one. With them only
        *false* alarms count, those whose first flagged lumisection is good, and only the time of
        the good lumisections. An alarm that runs on into a fault is false too: somebody was called
        before there was a fault.
    count : {"alarms", "lumisections"}, default="alarms"
        Count alarms, or flagged lumisections: :func:`alarms_per_run` defines both.

    Returns
    -------
    rate : float
        Number in 3,700 lumisections, those without enough data among them.

    Raises
    ------
    DataError
        When flags, labels or runs are anything else or do not match, or no lumisection is good.
    UsageError
        When `count` is another word.

    Examples
    --------
    >>> import numpy as np
    >>> from skdqm.metrics import alarms_per_day
    >>> flags = np.ones(370)
    >>> flags[[10, 11, 12, 200]] = -1
    >>> alarms_per_day(flags), alarms_per_day(flags, count="lumisections")
    (20.0, 40.0)
    """
    if count not in COUNTS:
        raise UsageError(f"count={count!r}; expected one of {', '.join(map(repr, COUNTS))}")
    checked = checked_flags(flags)
    n_rows = len(checked)
    labels = np.zeros(n_rows) if y_true is None else y_true
    is_faulty = checked_labels(labels, n_rows, flags)
    n_good = n_rows - int(is_faulty.sum())
    if not n_good:
        raise DataError("y_true calls every lumisection faulty; false alarms need good ones")
    if count == "lumisections":
        n_found = int(((checked == -1) & ~is_faulty).sum())
    else:
        alarms = _alarms(checked, checked_runs(runs, flags, n_rows), flags)
        n_found = sum(not is_faulty[alarm[0]] for alarm in alarms)
    return LUMISECTIONS_PER_DAY * n_found / n_good


def detection_delay(
    y_true: ArrayLike, flags: ArrayLike, runs: ArrayLike | None = None
) -> DetectionDelays:
    """Measure how many lumisections pass from the beginning of each fault to its first flag.

    A *fault* is what is labelled faulty without a break in a run: rows that follow each other,
    where nothing is known of lumisections between them. A flag before it begins, or after it
    ended, does not detect it.

    Parameters
    ----------
    y_true : array-like of shape (n_lumisections,)
        Labels: 1 = faulty, 0 = good; with the index of `flags` if both have one.
    flags : array-like of shape (n_lumisections,)
        Predictions: -1 = flagged, 1 = good, 0 = not enough data; or booleans, True = flagged. In
        the order of time, unless they are a Series whose index has the level ``lumisection``.
    runs : array-like of shape (n_lumisections,), default=None
        The number of the run of each; None: the index level ``run`` of `flags` if there is one,
        otherwise all are of one run.

    Returns
    -------
    delays : DetectionDelays
        ``detected`` faults with their ``delay``, and ``undetected`` ones apart, both in the order
        of time. A mean over the detected ones alone flatters a detector that misses faults:
        quote the number of the others beside it.

    Raises
    ------
    DataError
        When flags, labels or runs are anything else or do not match.

    Examples
    --------
    >>> from skdqm.metrics import detection_delay
    >>> found = detection_delay([0, 1, 1, 1, 0, 0, 1, 1, 0], [1, 1, 1, -1, 1, 1, 0, 1, -1])
    >>> found.detected
       run  first  last  length  delay
    0    0      1     3       3      2
    >>> found.undetected
       run  first  last  length
    0    0      6     7       2
    """
    checked = checked_flags(flags)
    run_of_row = checked_runs(runs, flags, len(checked))
    is_faulty = checked_labels(y_true, len(checked), flags)
    order = in_time(run_of_row, flags)
    faults = stretches(is_faulty, run_of_row, order)
    # Beside each place in time the next flagged one; beyond the last there is none.
    places = np.arange(len(order))
    flagged = np.append(np.where(checked[order] == -1, places, len(order)), len(order))
    following = np.minimum.accumulate(flagged[::-1])[::-1]
    begins = np.flatnonzero(np.isin(order, faults.first))
    is_found = following[begins] < begins + faults.length
    time = times(flags, order)
    table = pd.DataFrame({RUN: run_of_row[faults.first], **faults._asdict()})
    table["length"] = time[faults.last] - time[faults.first] + 1
    # Of faults without a flag any row will do: they have no delay.
    flag = order[np.minimum(following[begins], len(order) - 1)]
    table["delay"] = time[flag] - time[faults.first]
    return DetectionDelays(
        table[is_found].reset_index(drop=True),
        table[~is_found].drop(columns="delay").reset_index(drop=True),
    )


def false_alarms_per_day_scorer(estimator: Any, X: Any, y: ArrayLike) -> float:
    """Score a detector by its false alarms in 24 hours of good data taking; for ``scoring=``.

    Parameters
    ----------
    estimator : object
        A fitted detector, or a Pipeline that ends in one.
    X : DataFrame or array-like of shape (n_lumisections, n_features)
        Lumisections. Alarms end with the run, if the index tells it.
    y : array-like of shape (n_lumisections,)
        Labels: 1 = faulty, 0 = good.

    Returns
    -------
    score : float
        The negative of :func:`alarms_per_day`, so that larger is better. A detector that never
        flags has the best one: score the detection beside it.

    Raises
    ------
    DataError
        When labels are anything else, or no lumisection is good.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import IsolationForest
    >>> from skdqm.metrics import false_alarms_per_day_scorer
    >>> X = np.array([[0.0], [0.1], [0.2], [0.3], [9.0]])
    >>> detector = IsolationForest(contamination=0.2, random_state=0).fit(X)
    >>> false_alarms_per_day_scorer(detector, X, [0, 0, 0, 0, 1])
    -0.0
    """
    flags = np.asarray(estimator.predict(X))
    rows = pd.Series(flags, index=X.index) if hasattr(X, "iloc") else flags
    return -alarms_per_day(rows, y_true=np.asarray(y))
