"""Tables made of array-like blocks: HDF5 datasets, members of an npz, memory-mapped npy.

A block is anything with ``shape``, ``dtype`` and row slices. It holds one matrix, one column, or
records (a compound dtype) whose fields are matrices or columns again.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skdqm._messages import listed
from skdqm.exceptions import DataError
from skdqm.io._images import ImageShape


class ArrayLike(Protocol):
    """The part of an array, and of an h5py dataset, that reading needs."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths, rows first."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""

    def __getitem__(self, rows: slice, /) -> NDArray[Any]:
        """Read some rows."""


@dataclass(frozen=True)
class Part:
    """Columns stored together: one matrix, or one field of a compound dtype."""

    names: tuple[str, ...]
    field: str | None = None
    unusable: str = ""  # why the stored numbers are no numbers: dates, categories, pickles

    def frame(self, rows: NDArray[Any], wanted: Collection[str]) -> pd.DataFrame:
        """Cut the wanted columns out of some rows of the block."""
        values = rows if self.field is None else rows[self.field]
        # Files may hold numbers in another byte order, which writers of Parquet and CSV refuse.
        native = values.astype(values.dtype.newbyteorder("="), copy=False)
        matrix = native.reshape(len(values), -1)
        positions = [i for i, name in enumerate(self.names) if name in wanted]
        if len(positions) < len(self.names):
            matrix = matrix[:, positions]
        return pd.DataFrame(matrix, columns=[self.names[i] for i in positions])


@dataclass(frozen=True)
class Block:
    """One stored array and the columns in it."""

    array: ArrayLike
    parts: tuple[Part, ...]

    def frames(self, rows: slice, wanted: Collection[str]) -> Iterator[pd.DataFrame]:
        """Read rows once and yield the wanted columns; untouched if it has none of them."""
        parts = [part for part in self.parts if any(name in wanted for name in part.names)]
        if parts:
            values = self.array[rows]
            yield from (part.frame(values, wanted) for part in parts)


class ArrayReader:
    """Reader over blocks that have the same rows."""

    def __init__(
        self,
        blocks: Sequence[Block],
        columns: Sequence[str] | None = None,
        labels: Sequence[str] = (),
        n_rows: int | None = None,
        image_shape: ImageShape | None = None,
    ) -> None:
        self._parts = [part for block in blocks for part in block.parts]
        self._blocks = tuple(blocks)
        self.labels = tuple(labels)
        self.image_shape = image_shape
        self.unreadable = tuple(name for p in self._parts if p.unusable for name in p.names)
        self.columns = self._ordered(columns)
        self.n_rows = self._common_length() if n_rows is None else n_rows

    def _ordered(self, columns: Sequence[str] | None) -> tuple[str, ...]:
        stored = tuple(name for part in self._parts for name in part.names)
        if columns is None:
            return stored
        if sorted(columns) != sorted(stored):
            raise DataError(
                f"the header names the columns {listed(columns)}, the data holds {listed(stored)}"
            )
        return tuple(columns)

    def _common_length(self) -> int:
        readable = [block for block in self._blocks if not all(p.unusable for p in block.parts)]
        lengths = sorted({block.array.shape[0] for block in readable})
        if len(lengths) != 1:
            raise DataError(f"columns of different lengths: {listed(lengths)}; expected one length")
        return lengths[0]

    def batches(
        self, names: Sequence[str], size: int, exact: Collection[str] = ()
    ) -> Iterator[pd.DataFrame]:
        """Yield the named columns, ``size`` rows at a time, all in the types of the file."""
        del exact
        wanted = frozenset(names)
        self._refuse_unusable(wanted)
        for start in range(0, self.n_rows, size):
            rows = slice(start, min(start + size, self.n_rows))
            frames = [frame for block in self._blocks for frame in block.frames(rows, wanted)]
            frame = frames[0] if len(frames) == 1 else pd.concat(frames, axis=1)
            yield frame if list(frame.columns) == list(names) else frame[list(names)]

    def _refuse_unusable(self, wanted: Collection[str]) -> None:
        for part in self._parts:
            touched = [name for name in part.names if part.unusable and name in wanted]
            if touched:
                raise DataError(
                    f"columns {listed(touched)} hold {part.unusable}, expected numbers; "
                    f"choose the columns to read (--columns on the command line)"
                )


def numbered(name: str, count: int) -> tuple[str, ...]:
    """Names of the columns of a matrix that carries none."""
    return tuple(f"{name}_{i}" for i in range(count))


def decoded(name: object) -> str:
    """Turn a stored name (text, bytes or a number) into text."""
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
