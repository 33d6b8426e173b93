"""What users say of rows: verdicts, tags of conditions, and which rows they mean."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from skdqm.continual._rows import Integers, Rows
from skdqm.exceptions import UsageError


def checked_verdicts(y: ArrayLike | None, n_rows: int) -> Integers:
    """Return +1, -1 or 0 for every row; other labels mean nothing here, and are taken for 0.

    Raises
    ------
    UsageError
        When there is not one label per row.
    """
    if y is None:
        return np.zeros(n_rows, dtype=np.int64)
    try:
        labels = np.asarray(y, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"y is {y!r:.80}; expected numbers: +1 (good), -1 (bad) or 0 (not known)"
        ) from error
    if labels.shape != (n_rows,):
        raise UsageError(f"y has the shape {labels.shape}; expected one verdict per row, {n_rows}")
    return np.where(np.abs(labels) == 1, labels, 0).astype(np.int64)


def checked_conditions(condition: Any, n_rows: int) -> NDArray[np.str_]:
    """Return a tag for every row, "" where there is none.

    Raises
    ------
    UsageError
        When there is not one tag per row, or one for all.
    """
    if condition is None:
        return np.full(n_rows, "", dtype=np.str_)
    given = np.asarray(condition, dtype=object)
    if given.ndim == 0:
        given = np.full(n_rows, condition, dtype=object)
    if given.shape != (n_rows,):
        raise UsageError(
            f"condition has the shape {given.shape}; expected one tag, or one per row, {n_rows}"
        )
    return np.array(["" if _is_missing(tag) else str(tag) for tag in given], dtype=np.str_)


def _is_missing(tag: Any) -> bool:
    return bool(pd.api.types.is_scalar(tag) and pd.isna(tag))


def positions_of(index: Any, known: Rows) -> Integers:
    """Return the places in the stream of rows that are meant.

    Parameters
    ----------
    index : array-like
        Places in the stream, or pairs of run and lumisection, such as the index of a data frame.
    known : Rows
        Rows that are still kept somewhere.

    Returns
    -------
    positions : ndarray of int of shape (n_rows,)
        Of rows named by run and lumisection, only those that are kept.

    Raises
    ------
    UsageError
        When they are neither.
    """
    given = np.atleast_1d(np.asarray(index, dtype=object))
    if given.ndim == 1 and len(given) and isinstance(given[0], tuple):
        given = np.array([list(pair) for pair in given], dtype=object)
    try:
        numbers = given.astype(np.int64)
    except (TypeError, ValueError) as error:
        raise UsageError(_expected(index)) from error
    # Neither a mask nor halves of rows.
    if any(isinstance(item, (bool, np.bool_)) for item in given.flat) or (numbers != given).any():
        raise UsageError(_expected(index))
    if numbers.ndim == 1:
        return numbers
    if numbers.ndim != 2 or numbers.shape[1] != 2:
        raise UsageError(_expected(index))
    wanted = {(int(run), int(lumisection)) for run, lumisection in numbers}
    meant = [(int(run), int(lumisection)) in wanted for run, lumisection in known.keys]
    return np.unique(known.positions[np.array(meant, dtype=bool)])


def _expected(index: Any) -> str:
    return (
        f"index is {index!r:.80}; expected places in the stream, whole numbers from 0, or pairs of "
        "run and lumisection"
    )
