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
    if not hasattr(X, "columns"):
        return []
    texts = [str(name) for name in X.columns if not _is_numeric(X[name])]
    return [
        f"column {name!r} holds what is no number: encode it, or leave it out" for name in texts
    ]


def _is_numeric(column: Any) -> bool:
    try:
        np.asarray(column, dtype=np.float64)
    except (TypeError, ValueError):
        return False
    return True
