"""Rows in blocks, from whatever holds them, again and again."""

from collections.abc import Callable, Iterable, Iterator
from os import PathLike
from typing import Any

import numpy as np
from scipy.sparse import issparse

from skdqm.exceptions import DataError, UsageError
from skdqm.io import Table, iter_batches

# What gives rows: see :class:`Blocks`.
Source = str | PathLike[str] | Callable[[], Iterable[Any]] | Iterable[Any]

# A block of the usual size: this many rows, of wide tables only so many that their numbers take
# 64 MiB in double precision.
ROWS = 50_000
VALUES = 2**23


def usual_rows(n_features: int) -> int:
    """Return the rows of a block of the usual size."""
    return max(1, min(ROWS, VALUES // n_features))


class Blocks:
    """Blocks of rows: arrays or frames of shape (n_rows, n_features), none of them empty.

    Parameters
    ----------
    source : path, callable or iterable
        A file for :func:`skdqm.io.iter_batches`; a function that returns an iterable of blocks; an
        iterable of blocks; or one table that is sliced: an array, mapped into memory or not, an
        HDF5 dataset, a frame. A block is an array, a frame or a :class:`skdqm.io.Table`.
    """

    def __init__(self, source: Source) -> None:
        self.source = source

    def __iter__(self) -> Iterator[Any]:
        """Go through the source once more."""
        width, columns, is_empty = None, None, True
        for block in _opened(self.source):
            rows = block.X if isinstance(block, Table) else block
            if width is None:
                width, columns = _width(rows), _columns(rows)
            _check_fits(rows, width, columns)
            if len(rows):
                is_empty = False
                yield rows
        if is_empty:
            raise DataError(
                "the source gives no rows; expected at least one block. A function has to return "
                "a new iterator at every call, and a generator gives its blocks only once"
            )

    def check_again(self, purpose: str) -> None:
        """Refuse a source that can be gone through once only, before hours of work."""
        if isinstance(self.source, Iterator):
            raise UsageError(
                f"{purpose} goes through the rows more than once, and the source is a "
                f"{type(self.source).__name__}, which gives them once; give a path, a list, or a "
                "function that returns a new iterator at every call"
            )


def _opened(source: Any) -> Iterable[Any]:
    if isinstance(source, str | PathLike):
        return iter_batches(source)
    if callable(source):
        return _opened(source())
    if isinstance(source, Table):
        return [source]
    if hasattr(source, "shape"):
        return _slices(source)
    if isinstance(source, Iterable):
        return source
    raise UsageError(
        f"the source is a {type(source).__name__}; expected a path, an array, a frame, an iterable "
        "of them, or a function that returns one"
    )


def _slices(table: Any) -> Iterator[Any]:
    """Cut one table; a mapped array or an HDF5 dataset is read slice by slice."""
    step = usual_rows(_width(table))
    rows = getattr(table, "iloc", table)
    for start in range(0, len(table), step):
        yield rows[start : start + step]


def _width(rows: Any) -> int:
    shape = np.shape(rows)
    if issparse(rows):
        raise DataError(f"found a sparse block of shape {shape}; expected dense rows: toarray()")
    if len(shape) != 2 or shape[1] == 0:
        raise DataError(
            f"found a block of shape {shape}; expected rows of shape (n_samples, n_features)"
        )
    return int(shape[1])


def _columns(rows: Any) -> list[Any] | None:
    return list(rows.columns) if hasattr(rows, "columns") else None


def _check_fits(rows: Any, width: int, columns: list[Any] | None) -> None:
    """Refuse a block with other features than the first one: they would be mixed up."""
    found = _width(rows)
    if found != width:
        raise DataError(
            f"found a block of {found} features behind others of {width}; expected the same "
            "features in all blocks"
        )
    names = _columns(rows)
    if names != columns:
        raise DataError(
            f"found a block with the columns {names} behind others with {columns}; expected the "
            "same columns in all blocks, in one order"
        )
