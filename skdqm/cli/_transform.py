"""Transformers, step by step, with an error that names the column whose values are too large."""

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skdqm.exceptions import DataError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


def fit_transformers(transformers: Any, rows: "pd.DataFrame", path: Path) -> "NDArray[Any]":
    """Fit each step on what the one before gives, and return what the last one gives."""
    return _through(transformers, lambda step, X: step.fit_transform(X), rows, path)


def transformed(transformers: Any, rows: Any, path: Path) -> "NDArray[Any]":
    """Send rows through fitted transformers."""
    return _through(transformers, lambda step, X: step.transform(X), rows, path)


def _through(
    transformers: Any, apply: Callable[[Any, Any], Any], rows: Any, path: Path
) -> "NDArray[Any]":
    X = rows
    for position, (_, step) in enumerate(transformers.steps, start=1):
        with quiet_overflow():
            X = apply(step, X)
        _check_scale(step, transformers[:position], rows, path)
        check_finite(X, transformers[:position], rows, path)
    result: NDArray[Any] = X
    return result


def quiet_overflow() -> AbstractContextManager[object]:
    """Silence numpy, whose warnings name neither file nor column; results are checked instead."""
    return warnings.catch_warnings(action="ignore", category=RuntimeWarning)


def check_finite(X: Any, steps: Any, rows: Any, path: Path) -> None:
    """Refuse what is not finite behind some steps."""
    import numpy as np

    finite = np.isfinite(np.asarray(X))
    if finite.all():
        return
    row, column = np.argwhere(~finite)[0]
    raise DataError(
        f"{path}: row {row_number(rows, row)} is too extreme: {name_of(column, steps, rows)!r} is "
        f"not finite behind {type(steps[-1]).__name__}; remove the row or correct its values"
    )


def _check_scale(step: Any, steps: Any, rows: Any, path: Path) -> None:
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


def name_of(column: int, steps: Any, rows: Any) -> str:
    """Return the name of a column behind some steps (None: of the rows themselves)."""
    names = list(getattr(rows, "columns", []))
    for _, step in [] if steps is None else steps.steps:
        try:
            names = list(step.get_feature_names_out(names or None))
        except (AttributeError, ValueError):
            names = []
    return str(names[column]) if column < len(names) else f"x{column}"
