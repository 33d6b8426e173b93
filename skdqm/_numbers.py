"""Rows as numbers, with a note on what scikit-learn's message leaves open."""

from typing import Any

import numpy as np
from sklearn.utils.validation import validate_data

FLOATS = (np.float64, np.float32)


def validated_numbers(estimator: Any, X: Any, **options: Any) -> Any:
    """Return what ``validate_data`` returns; an error has a note that says where and what to do."""
    try:
        return validate_data(estimator, X, dtype=FLOATS, **options)
    except ValueError as error:
        for note in _notes_on(X):
            error.add_note(note)
        raise


def _notes_on(X: Any) -> list[str]:
    if getattr(X, "ndim", 2) > 2:
        return [f"give each row as one line of numbers: X.reshape({len(X)}, -1)"]
    # The columns of an Arrow table are not their names.
    names = list(getattr(X, "column_names", getattr(X, "columns", [])))
    texts = [name for name in names if not _is_numeric(X[name])]
    if texts:
        return [f"column {name!r} holds no numbers: encode it, or leave it out" for name in texts]
    return _note_on_missing(X, names)


def _note_on_missing(X: Any, names: list[Any]) -> list[str]:
    if not _is_numeric(X):
        return []
    is_missing = ~np.isfinite(np.asarray(X, dtype=np.float64))
    if is_missing.ndim != 2 or not is_missing.any():
        return []
    row, column = (int(place) for place in np.argwhere(is_missing)[0])
    name = repr(names[column]) if names else column
    return [f"the first one is in row {row}, column {name} (from 0)"]


def _is_numeric(values: Any) -> bool:
    try:
        table = np.asarray(values)
        table.astype(np.float64, casting="unsafe" if table.dtype == object else "same_kind")
    except (TypeError, ValueError):
        return False
    return True
