"""Turn raw columns into a Table: floats, integer labels, and a policy for NaN and infinity."""

import re
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skdqm._messages import listed
from skdqm.exceptions import DataError
from skdqm.io._columns import Choice
from skdqm.io._table import Table

NonFinite = Literal["error", "drop", "keep"]


def to_table(raw: pd.DataFrame, chosen: Choice, nonfinite: NonFinite, source: str) -> Table:
    """Convert a batch of raw columns whose index is the row number in the file."""
    X = _as_floats(raw[chosen.features] if len(raw.columns) > len(chosen.features) else raw)
    X = X if nonfinite == "keep" else _without_nonfinite(X, drop=nonfinite == "drop")
    kept = raw if len(X) == len(raw) else raw.loc[X.index]
    y = None if chosen.label is None else _as_labels(kept[chosen.label])
    carried = None if chosen.carried is None else _with_decoded_texts(kept[chosen.carried])
    return Table(X, y, source, n_dropped=len(raw) - len(X), carried=carried)


def _with_decoded_texts(raw: pd.DataFrame) -> pd.DataFrame:
    """Turn the bytes in which HDF5 and npz hold texts into texts."""
    texts = {name: raw[name].map(_text) for name, dtype in raw.dtypes.items() if dtype.kind in "OS"}
    return raw.assign(**texts) if texts else raw


def _text(value: object) -> object:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _as_floats(raw: pd.DataFrame) -> pd.DataFrame:
    floats = {dtype: _float_dtype(dtype) for dtype in set(raw.dtypes)}
    text = [name for name, dtype in raw.dtypes.items() if floats[dtype] is None]
    if text:
        raise DataError(
            f"columns {listed(text)} are not numbers, for example {_example(raw[text[0]])!r}; "
            f"{_advice(raw[text[0]])}"
        )
    if all(floats[dtype] == dtype for dtype in floats):
        return raw
    if len(floats) == 1:  # at once: column by column, thousands of pixels take seconds
        return raw.astype(*floats.values())
    return raw.astype({name: floats[dtype] for name, dtype in raw.dtypes.items()})


def _advice(column: pd.Series) -> str:
    if re.fullmatch(r"\s*[-+]?\d+,\d+\s*", str(_example(column))):
        return "it looks like a decimal comma, write decimal points"
    return "choose the columns to read (--columns on the command line)"


def _float_dtype(dtype: Any) -> np.dtype[Any] | None:
    """Return float32 where it holds all values, float64 for other numbers, None for the rest."""
    if not isinstance(dtype, np.dtype) or dtype.kind not in "biuf":
        return None
    return np.dtype(np.float32 if np.can_cast(dtype, np.float32) else np.float64)


def _example(column: pd.Series) -> object:
    """Return the first value that is not a number."""
    values = column.dropna()
    text = values[pd.to_numeric(values, errors="coerce").isna()]
    found = text if len(text) else values
    value = found.iloc[0] if len(found) else None
    return _text(value)


def _without_nonfinite(X: pd.DataFrame, *, drop: bool) -> pd.DataFrame:
    values = X.to_numpy()
    finite = np.isfinite(values)
    if finite.all():
        return X
    if drop:
        return X.loc[finite.all(axis=1)]
    raise DataError(_nonfinite_message(X, values, finite))


def _nonfinite_message(X: pd.DataFrame, values: NDArray[Any], finite: NDArray[np.bool_]) -> str:
    n_nan = int(np.isnan(values).sum())
    n_inf = int((~finite).sum()) - n_nan
    counts = pd.Series((~finite).sum(axis=0), index=X.columns).sort_values(ascending=False)
    worst = [f"{name}: {count}" for name, count in counts[counts > 0].items()]
    first = X.index[np.argmin(finite.all(axis=1))]
    return (
        f"{n_nan} NaN and {n_inf} infinite values in {len(worst)} columns ({listed(worst, 4)}), "
        f"first in row {first}; expected finite numbers, or drop such rows "
        f"(--nonfinite drop on the command line)"
    )


def _as_labels(column: pd.Series) -> NDArray[np.int64]:
    values = column.to_numpy()
    if values.dtype.kind not in "biuf":
        raise DataError(_label_message(column, f"not numbers, for example {_example(column)!r}"))
    with np.errstate(invalid="ignore"):
        labels: NDArray[np.int64] = values.astype(np.int64)
    wrong = labels != values
    if wrong.any():
        worst = values[wrong][0]
        where = f"row {column.index[np.argmax(wrong)]} holds {worst}"
        raise DataError(_label_message(column, f"not whole numbers, {where}"))
    return labels


def _label_message(column: pd.Series, found: str) -> str:
    return (
        f"the label column {column.name!r} holds values that are {found}; expected integers such "
        f"as 0 and 1; choose another label, or none (--label on the command line)"
    )
