"""Rows of tables as batches of events."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skdqm.exceptions import DataError
from skdqm.streaming._layout import plain
from skdqm.streaming._source import Batch, malformed

if TYPE_CHECKING:
    import pandas as pd


def row_batches(X: "pd.DataFrame", carried: "pd.DataFrame | None", file: str) -> Iterator[Batch]:
    """Yield rows in order, those apart that hold NaN or infinity.

    Parameters
    ----------
    X : DataFrame of shape (n_rows, n_features)
        The features; the index counts the rows of the file.
    carried : DataFrame of shape (n_rows, n_carried) or None
        What is carried beside them.
    file : str
        The name of the file.
    """
    try:
        values = X.to_numpy(dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"the features must be numbers: {error}") from error
    about = _about(X, carried, file)
    positions = [{"row": each["row"] + 1} for each in about]
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1)).tolist()
    start = 0
    for place in [*bad, len(values)]:
        if place > start:
            part = slice(start, place)
            yield Batch(values[part], positions[part], about[part])
        if place < len(values):
            reason, raw = _wrong(values[place], list(X.columns))
            yield malformed(reason, raw, positions[place], about[place])
        start = place + 1


def _about(X: "pd.DataFrame", carried: "pd.DataFrame | None", file: str) -> list[dict[str, Any]]:
    rows = X.index.tolist()
    if carried is None:
        return [{"file": file, "row": row} for row in rows]
    names = [str(name) for name in carried.columns]
    columns = [map(plain, carried[name].tolist()) for name in carried.columns]
    return [
        {"file": file, "row": row, **dict(zip(names, values, strict=True))}
        for row, *values in zip(rows, *columns, strict=True)
    ]


def _wrong(values: NDArray[np.float64], names: list[Any]) -> tuple[str, str]:
    column = int(np.argmin(np.isfinite(values)))
    reason = f"feature {str(names[column])!r} is {values[column]}, expected a finite number"
    return reason, " ".join(map(str, values.tolist()))
