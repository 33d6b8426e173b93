"""Transformers, step by step, with an error that names the column whose values are too large."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skdqm._pipeline import Steps, name_of
from skdqm.exceptions import DataError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


def fit_transformers(
    steps: Steps, rows: "pd.DataFrame", path: Path, *, named: bool = True
) -> "NDArray[Any]":
    """Fit each step on what the one before gives, and return what the last one gives.

    Without steps that are the rows. Only the first step of a Pipeline sees names: to steps that
    come later in it, give the rows with `named` off.
    """
    return _through(steps, lambda step, X: step.fit_transform(X), rows, path, named)


def transformed(steps: Steps, rows: Any, path: Path, *, named: bool = True) -> "NDArray[Any]":
    """Send rows through fitted steps."""
    return _through(steps, lambda step, X: step.transform(X), rows, path, named)


def _through(
    steps: Steps,
    apply: Callable[[Any, Any], Any],
    rows: Any,
    path: Path,
    named: bool,  # noqa: FBT001 (private)
) -> "NDArray[Any]":
    X = rows if named else rows.to_numpy()
    for position, (_, step) in enumerate(steps, start=1):
        with quiet_overflow(), _data_errors(rows, path):
            X = apply(step, X)
        _check_scale(step, steps[:position], rows, path)
        check_finite(X, steps[:position], rows, path)
    result: NDArray[Any] = X
    return result


@contextmanager
def _data_errors(rows: Any, path: Path) -> Iterator[None]:
    """Name the file and the place in front of what a step finds wrong with its rows."""
    try:
        yield
    except DataError as error:
        first, last = row_number(rows, 0), row_number(rows, -1)
        raise DataError(f"{path}, from row {first} to row {last}: {error}") from error


def quiet_overflow() -> AbstractContextManager[object]:
    """Silence numpy, whose warnings name neither file nor column; results are checked instead."""
    return warnings.catch_warnings(action="ignore", category=RuntimeWarning)


def check_finite(X: Any, steps: Steps, rows: Any, path: Path) -> None:
    """Refuse what is not finite behind some steps."""
    import numpy as np

    finite = np.isfinite(np.asarray(X))
    if finite.all():
        return
    row, column = np.argwhere(~finite)[0]
    raise DataError(
        f"{path}: row {row_number(rows, row)} is too extreme: {name_of(column, steps, rows)!r} is "
        f"not finite behind {type(steps[-1][1]).__name__}; remove the row or correct its values"
    )


def _check_scale(step: Any, steps: Steps, rows: Any, path: Path) -> None:
    """Refuse a scale that overflowed: it would turn a column into zeros."""
    import numpy as np

    # scikit-learn replaces an infinite variance by a scale of 1.
    spread = getattr(step, "var_", None)
    if spread is None or np.isfinite(spread).all():
        return
    name = name_of(int(np.argmin(np.isfinite(spread))), steps, rows)
    raise DataError(f"{path}: the spread of {name!r} is too large to compute; rescale its values")


def row_number(rows: Any, row: int) -> int:
    """Return the number in the file of a row."""
    return int(rows.index[row]) if hasattr(rows, "index") else int(row)
