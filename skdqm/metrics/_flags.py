"""Flags of lumisections in the order of time, and what hangs together in them."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from skdqm._lumisections import LUMISECTION, checked_runs_of_rows, runs_of
from skdqm.exceptions import DataError
from skdqm.metrics._validation import show_labels

Rows = NDArray[np.intp]


class Stretches(NamedTuple):
    """Rows that follow each other in a run: the first and the last of each, and how many."""

    first: Rows
    last: Rows
    length: Rows


def checked_flags(flags: ArrayLike) -> NDArray[np.int64]:
    """Return predictions -1, 0 and 1, or raise ``DataError``; True means flagged."""
    given = np.asarray(flags)
    if given.ndim != 1 or not given.size:
        raise DataError(f"flags have the shape {given.shape}; expected one per lumisection")
    if given.dtype == bool:
        return np.where(given, -1, 1)
    if given.dtype.kind not in "iuf" or not np.isin(given, (-1, 0, 1)).all():
        raise DataError(
            f"flags hold {show_labels(given)}; expected -1 (flagged), 1 (good) and 0 (not enough "
            "data), as predict of a detector gives them, or booleans with True = flagged"
        )
    return given.astype(np.int64)


def checked_labels(y_true: ArrayLike, n_rows: int, rows: Any = None) -> NDArray[np.bool_]:
    """Return which rows are faulty, or raise ``DataError``; one class may be missing.

    Labels with an index are those of `rows` only if these have the same one.
    """
    given = np.asarray(y_true)
    if given.shape != (n_rows,):
        raise DataError(f"y_true has the shape {given.shape}; expected one label per row, {n_rows}")
    if not np.isin(given, (0, 1)).all():
        raise DataError(
            f"y_true holds {show_labels(given)}; labels must be 1 (faulty) and 0 (good)"
        )
    if isinstance(y_true, pd.Series) and isinstance(rows, pd.Series):
        _check_index(y_true.index, rows.index)
    faulty: NDArray[np.bool_] = given == 1
    return faulty


def _check_index(of_labels: "pd.Index[Any]", of_flags: "pd.Index[Any]") -> None:
    if not of_labels.equals(of_flags):
        place = int(np.argmin([a == b for a, b in zip(of_labels, of_flags, strict=True)]))
        found, wanted = (np.asarray(index[place]).tolist() for index in (of_labels, of_flags))
        raise DataError(
            f"the index of y_true has {found} in row {place}, that of the flags {wanted}; expected "
            "the same rows in the same order: y_true.reindex(flags.index) puts them so"
        )


def checked_runs(runs: ArrayLike | None, rows: Any, n_rows: int) -> NDArray[Any]:
    """Return the run of each row: as given, else by the index of `rows`, else one for all."""
    known = runs_of(rows) if runs is None else runs
    if known is None:
        return np.zeros(n_rows, dtype=np.int64)
    return checked_runs_of_rows(known, n_rows)


def in_time(runs: NDArray[Any], rows: Any) -> Rows:
    """Return the order of rows by run, and in each by lumisection if the index of `rows` says."""
    index: Any = getattr(rows, "index", None)
    if LUMISECTION in (getattr(index, "names", None) or ()):
        return np.lexsort((np.asarray(index.get_level_values(LUMISECTION)), runs))
    return np.argsort(runs, kind="stable")


def times(rows: Any, order: Rows) -> NDArray[Any]:
    """Return the lumisection of each row, its place in `order` if the index does not say."""
    index: Any = getattr(rows, "index", None)
    if LUMISECTION in (getattr(index, "names", None) or ()):
        return np.asarray(index.get_level_values(LUMISECTION))
    places = np.empty(len(order), dtype=np.int64)
    places[order] = np.arange(len(order))
    return places


def stretches(marked: NDArray[np.bool_], runs: NDArray[Any], order: Rows) -> Stretches:
    """Find the marked rows that follow each other in `order` within a run."""
    marks, run = marked[order], runs[order]
    joined = np.append(False, marks[1:] & marks[:-1] & (run[1:] == run[:-1]))
    first = np.flatnonzero(marks & ~joined)
    last = np.flatnonzero(marks & ~np.append(joined[1:], False))
    return Stretches(order[first], order[last], last - first + 1)
