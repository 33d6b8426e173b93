"""How soon after a change a stream is judged well again, and how soon a fault of it is flagged."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from skdqm._lumisections import LUMISECTION, RUN
from skdqm._messages import listed
from skdqm.exceptions import DataError, UsageError
from skdqm.metrics._alarms import DetectionDelays, detection_delay
from skdqm.metrics._flags import checked_flags
from skdqm.metrics._stream_alarms import judged_good
from skdqm.metrics._stream_windows import pairs_in, sliding_wins, sums_in
from skdqm.metrics._validation import check_number, check_scores

__all__ = ["RecoveryTimes", "recovery_time", "time_to_detection"]

Floats = NDArray[np.float64]
# Returns the figure of every full window of some length in a stretch of rows, NaN where undefined.
Figures = Callable[[slice, int], Floats]


@dataclass(frozen=True, eq=False)
class RecoveryTimes:
    """How long after each change of a stream it was judged as well as before.

    Attributes
    ----------
    recovered : DataFrame of shape (n_recovered, 4) or (n_recovered, 5) or (n_recovered, 6)
        ``change``, the position of the row where the change is; ``before``, the figure before it;
        ``worst``, the worst one of a window behind it; and ``rows`` until a window begins whose
        figure is back, 0 if nothing was lost. Where an index tells, also ``runs`` and
        ``lumisections``: how many different ones these rows are of.
    unrecovered : DataFrame of shape (n_unrecovered, 4)
        Changes after which no window is back before the next change or the end: ``change``,
        ``before``, ``worst``, and ``watched``, the number of rows until then.
    """

    recovered: pd.DataFrame
    unrecovered: pd.DataFrame


class _Figure(NamedTuple):
    """A figure of merit in windows, and whether it is good when it is low."""

    of: Figures
    low_is_good: bool
    rows: Any
    needs: str


def _false_alarm_rates(y_true: ArrayLike, flags: ArrayLike) -> _Figure:
    good, false = judged_good(y_true, flags)

    def rates(rows: slice, window: int) -> Floats:
        n_judged, n_false = sums_in(good[rows], window), sums_in(false[rows], window)
        return np.divide(n_false, n_judged, out=np.full(len(n_false), np.nan), where=n_judged > 0)

    return _Figure(rates, low_is_good=True, rows=flags, needs="a good row with a verdict")


def _roc_areas(y_true: ArrayLike, anomaly_score: ArrayLike) -> _Figure:
    labels, scores = check_scores(y_true, anomaly_score)

    def areas(rows: slice, window: int) -> Floats:
        wins = sliding_wins(labels[rows], scores[rows], window)[window - 1 :]
        pairs = pairs_in(labels[rows], window)[window - 1 :]
        return np.divide(wins, pairs, out=np.full(len(wins), np.nan), where=pairs > 0)

    return _Figure(areas, low_is_good=False, rows=anomaly_score, needs="both classes")


def _checked_changes(change_points: ArrayLike, n_rows: int) -> NDArray[np.int64]:
    changes = np.asarray(change_points)
    is_positions = changes.ndim == 1 and (changes.dtype.kind in "iu" or not changes.size)
    if not is_positions or (np.diff(changes, prepend=0, append=n_rows) <= 0).any():
        raise DataError(
            f"change_points are {listed(np.ravel(changes).tolist())}; expected increasing "
            f"positions of rows, whole numbers from 1 to {n_rows - 1}"
        )
    return changes.astype(np.int64)


def _measured(figure: _Figure, rows: slice, window: int) -> Floats:
    """Return the figure of each window of a stretch, or say that none has it."""
    found = figure.of(rows, min(window, rows.stop - rows.start))
    if np.isnan(found).all():
        raise DataError(
            f"no window of {window} rows from row {rows.start} to {rows.stop - 1} holds "
            f"{figure.needs}: widen the window, or leave out the change point beside it"
        )
    return found


def _recovery(figure: _Figure, around: tuple[int, int, int], window: int, margin: float) -> Any:
    """Return what happened after one change, given it and the changes beside it."""
    previous, change, following = around
    sign = 1 if figure.low_is_good else -1
    before = _measured(figure, slice(max(previous, change - window), change), window)[-1]
    after = _measured(figure, slice(change, following), window)
    is_back = sign * after <= sign * before + margin + 1e-12
    worst = np.nanmax(after) if figure.low_is_good else np.nanmin(after)
    found = {"change": change, "before": float(before), "worst": float(worst)}
    if is_back.any():
        return found | {"rows": int(is_back.argmax())}
    return found | {"watched": following - change}


def _counted(table: pd.DataFrame, rows: Any) -> pd.DataFrame:
    """Add of how many runs and lumisections the rows until recovery are, if an index tells."""
    index: Any = getattr(rows, "index", None)
    names = list(getattr(index, "names", None) or ())
    levels = {RUN: [RUN], LUMISECTION: [RUN, LUMISECTION]}
    stretches = list(zip(table["change"], table["rows"], strict=True))
    for name, keys in levels.items():
        if set(keys) <= set(names):
            parts = index.droplevel([n for n in names if n not in keys])
            table[name + "s"] = [len(parts[at : at + n].unique()) for at, n in stretches]
    return table


def recovery_time(
    y_true: ArrayLike,
    change_points: ArrayLike,
    *,
    flags: ArrayLike | None = None,
    anomaly_score: ArrayLike | None = None,
    window: int = 1000,
    margin: float = 0.02,
) -> RecoveryTimes:
    """Measure how long after each change a stream is judged as well as before it.

    The level before is the figure of the `window` rows up to the change, or fewer if another
    change lies among them. The stream has recovered at the first row from which on the figure of
    the next `window` rows is within `margin` of that level. What is asked is when a window first
    is back, not whether all later ones are.

    Parameters
    ----------
    y_true : array-like of shape (n_rows,)
        Labels in the order of time: 1 = anomaly, 0 = good.
    change_points : array-like of shape (n_changes,), int
        Positions of the rows with which something new begins, increasing, from 1 on.
    flags : array-like of shape (n_rows,), default=None
        Predictions, -1 = flagged, 1 = good, 0 = no verdict, or booleans: the figure is the
        false-alarm rate.
    anomaly_score : array-like of shape (n_rows,), default=None
        Scores, high = abnormal: the figure is the area under the ROC curve. Give one of the two. A
        Series whose index has the levels ``run`` and ``lumisection`` adds these units.
    window : int, default=1000
        Rows in a window, at least 2. If less follows before the next change, that is the window.
    margin : float, default=0.02
        How much worse than before counts as back, at least 0: of a rate or an area.

    Returns
    -------
    times : RecoveryTimes
        Changes that were ``recovered`` from, with their ``rows`` (and ``runs`` and
        ``lumisections``), and ``unrecovered`` ones apart. A mean over the recovered alone flatters
        what does not recover: quote the number of the others beside it.

    Raises
    ------
    DataError
        When labels, flags, scores or change points are anything else or do not match, or no window
        beside a change has the figure.
    UsageError
        When not exactly one of `flags` and `anomaly_score` is given, or window or margin is no
        such number.

    Examples
    --------
    >>> import numpy as np
    >>> from skdqm.metrics import recovery_time
    >>> flags = np.ones(600)
    >>> flags[300:350] = -1
    >>> times = recovery_time(np.zeros(600), [300], flags=flags, window=100, margin=0.01)
    >>> times.recovered
       change  before  worst  rows
    0     300     0.0    0.5    49
    """
    check_number("window", window, at_least=2)
    if not 0 <= margin < np.inf:
        raise UsageError(f"margin={margin!r}; give a number of 0 or more, such as 0.02")
    if flags is not None and anomaly_score is None:
        figure = _false_alarm_rates(y_true, flags)
    elif anomaly_score is not None and flags is None:
        figure = _roc_areas(y_true, anomaly_score)
    else:
        raise UsageError(
            "give flags, for the false-alarm rate, or anomaly_score, for the area under the ROC "
            "curve, and not both"
        )
    n_rows = len(np.asarray(y_true))
    edges = [0, *_checked_changes(change_points, n_rows).tolist(), n_rows]
    found = [
        _recovery(figure, around, window, margin)
        for around in zip(edges[:-2], edges[1:-1], edges[2:], strict=True)
    ]
    tables = {
        last: pd.DataFrame(
            [change for change in found if last in change],
            columns=["change", "before", "worst", last],
        ).astype({"change": np.int64, last: np.int64, "before": float, "worst": float})
        for last in ("rows", "watched")
    }
    return RecoveryTimes(_counted(tables["rows"], figure.rows), tables["watched"])


def _checked_faults(faults: Any, n_rows: int) -> NDArray[np.int64]:
    if isinstance(faults, pd.DataFrame) and {"start", "stop"} <= set(faults.columns):
        faults = faults[["start", "stop"]]
    given = np.asarray(faults)
    if given.size == 0:
        return np.empty((0, 2), dtype=np.int64)
    if given.ndim != 2 or given.shape[1] != 2 or given.dtype.kind not in "iu":
        raise DataError(
            f"faults have the shape {given.shape} and the type {given.dtype}; expected pairs of "
            "whole numbers, the first row of each fault and the row behind its last"
        )
    if (np.diff(given.ravel()) < 0).any() or (given[:, 0] >= given[:, 1]).any():
        raise DataError("faults overlap, are empty or not in the order of time; sort or join them")
    if given[0, 0] < 0 or given[-1, 1] > n_rows:
        raise DataError(
            f"faults reach from row {given[0, 0]} to {given[-1, 1]}; there are only {n_rows} rows"
        )
    return given.astype(np.int64)


def time_to_detection(faults: Any, flags: ArrayLike) -> DetectionDelays:
    """Measure how many rows pass from the beginning of each fault of a stream to its first flag.

    :func:`detection_delay` finds faults in the labels, where one that comes and goes is many. Here
    it is said where each begins and ends, and a flag anywhere between detects it.

    Parameters
    ----------
    faults : array-like of shape (n_faults, 2), int, or DataFrame
        The first row of each fault and the row behind its last one, in the order of time and apart;
        or a frame with the columns ``start`` and ``stop``, as
        :func:`skdqm.datasets.make_drift_stream` tells them.
    flags : array-like of shape (n_rows,)
        Predictions in the order of time: -1 = flagged, 1 = good, 0 = no verdict; or booleans, True
        = flagged.

    Returns
    -------
    delays : DetectionDelays
        As :func:`detection_delay` returns it, in rows, with the number of the ``fault`` in place of
        the run.

    Raises
    ------
    DataError
        When flags or faults are anything else, or faults overlap or leave the rows.

    Examples
    --------
    >>> from skdqm.metrics import time_to_detection
    >>> found = time_to_detection([(1, 4), (6, 8)], [1, 1, 1, -1, 1, 1, 0, 1, -1])
    >>> found.detected
       fault  first  last  length  delay
    0      0      1     3       3      2
    >>> found.undetected
       fault  first  last  length
    0      1      6     7       2
    """
    checked = checked_flags(flags)
    number = np.full(len(checked), -1)
    for fault, (start, stop) in enumerate(_checked_faults(faults, len(checked))):
        number[start:stop] = fault
    delays = detection_delay(number >= 0, checked, runs=number)
    detected, undetected = (
        table.rename(columns={RUN: "fault"}) for table in (delays.detected, delays.undetected)
    )
    return DetectionDelays(detected, undetected)
