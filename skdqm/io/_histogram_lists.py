"""Columns of lists: all bins of a histogram in one field, in Arrow's types or as text."""

import json
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd

from skdqm.exceptions import DataError
from skdqm.io._histogram_rows import Floats, Ints, matrix_of


class Lists(NamedTuple):
    """Lists of numbers, one behind the other."""

    values: Floats
    starts: Ints
    lengths: Ints

    @classmethod
    def of_bins(cls, bins: pd.DataFrame, numbers: Ints) -> Self:
        """Take lists out of one column for each bin."""
        matrix = matrix_of(bins, numbers)
        lengths = np.full(len(matrix), matrix.shape[1], dtype=np.int64)
        return cls(matrix.ravel(), np.cumsum(lengths) - lengths, lengths)

    @classmethod
    def of(cls, column: pd.Series, numbers: Ints) -> Self:
        """Take the lists out of a column, or name the row that holds none."""
        missing = column.isna().to_numpy()
        if missing.any():
            raise DataError(
                f"row {numbers[np.argmax(missing)]}: {column.name} is empty; "
                "expected a list of bins"
            )
        stored = _arrow_lists(column)
        if stored is not None:
            return cls(*stored)
        arrays = [_parsed(text, column.name, numbers[i]) for i, text in enumerate(column)]
        lengths = np.array([len(array) for array in arrays], dtype=np.int64)
        return cls(np.concatenate([*arrays, np.empty(0)]), np.cumsum(lengths) - lengths, lengths)

    def spread(self, places: Ints, n_rows: int) -> Self:
        """Return them as those of the rows `places` of `n_rows`, the others being empty."""
        starts, lengths = np.zeros((2, n_rows), dtype=np.int64)
        starts[places], lengths[places] = self.starts, self.lengths
        return self._replace(starts=starts, lengths=lengths)

    def at(self, rows: Ints) -> Floats:
        """Return the lists of some rows, which are equally long, as a matrix."""
        length = int(self.lengths[rows[0]])
        if len(self.values) == length * len(self.lengths) and (self.lengths == length).all():
            whole = self.values.reshape(-1, length)
            return whole if len(rows) == len(whole) else whole[rows]
        return np.stack([self.values[start : start + length] for start in self.starts[rows]])


def _arrow_lists(column: pd.Series) -> tuple[Floats, Ints, Ints] | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not isinstance(column.dtype, pd.ArrowDtype):
        return None
    array = pa.array(column)
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    kind = array.type
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    if not is_list and not pa.types.is_fixed_size_list(kind):
        return None
    if not (pa.types.is_integer(kind.value_type) or pa.types.is_floating(kind.value_type)):
        raise DataError(f"{column.name} holds lists of {kind.value_type}; expected lists of bins")
    lengths = pc.list_value_length(array).to_numpy(zero_copy_only=False).astype(np.int64)
    values = array.flatten().to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
    return values, np.cumsum(lengths) - lengths, lengths


def _parsed(text: Any, name: Any, number: int) -> Floats:
    try:
        found = np.asarray(json.loads(text))
    except (ValueError, TypeError):
        found = np.empty(0, dtype=object)
    if found.ndim != 1 or found.dtype.kind not in "iuf":
        raise DataError(
            f"row {number}: {name} is {str(text)[:60]!r}; expected a list of numbers, [0, 12, 7]"
        )
    return found.astype(np.float64)
