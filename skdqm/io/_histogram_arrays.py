"""Arrays of histograms in HDF5 and npz: one array for each element, lumisections first."""

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from skdqm._messages import listed
from skdqm.exceptions import DataError
from skdqm.io._arrays import decoded
from skdqm.io._guard import guard
from skdqm.io._histogram_axes import numbered_edges
from skdqm.io._histogram_columns import columns_beside
from skdqm.io._histogram_rows import (
    Floats,
    Request,
    Rows,
    check_counts,
    entries_of,
    key_of,
)

_SUFFIX = ".npy"


@dataclass(frozen=True)
class _Arrays:
    """What a file holds: arrays by path, and the attributes around each, its own first."""

    arrays: Mapping[str, Any]
    attributes: Mapping[str, Mapping[str, Any]]


def rows_of_arrays(path: Path, format_name: str, request: Request) -> Iterator[Rows]:
    """Yield the histograms of each wanted array."""
    opened = _npz if format_name == "npz" else _hdf5
    with guard(path, format_name), opened(path) as found:
        names = [name for name, array in found.arrays.items() if _holds_histograms(array)]
        if not names:
            raise DataError(
                "found no histograms; expected an array of shape (n_lumisections, n_x) or "
                "(n_lumisections, n_x, n_y) for each monitoring element; the file holds "
                f"{listed(list(found.arrays)) or 'no array'}"
            )
        for name in names:
            if request.wants(name):
                yield _rows(path, name, found)


def is_pandas(path: Path) -> bool:
    """Tell whether an HDF5 file holds frames that pandas wrote, not plain arrays."""
    import h5py

    with guard(path, "HDF5"), h5py.File(path, "r") as file:
        groups = [file.get(name) for name in file]
        return any("pandas_type" in group.attrs for group in groups if group is not None)


@contextmanager
def _hdf5(path: Path) -> Iterator[_Arrays]:
    import h5py
    import hdf5plugin  # noqa: F401  registers Blosc

    with h5py.File(path, "r") as file:
        arrays: dict[str, Any] = {}
        attributes: dict[str, Mapping[str, Any]] = {}

        def collect(name: str, item: object) -> None:
            if isinstance(item, h5py.Dataset) and item.shape is not None:
                arrays[name] = item
                attributes[name] = {**file.attrs, **item.parent.attrs, **item.attrs}

        file.visititems(collect)
        yield _Arrays(arrays, attributes)


@contextmanager
def _npz(path: Path) -> Iterator[_Arrays]:
    from skdqm.io._npz import Member

    with zipfile.ZipFile(path) as archive:
        members = [name for name in archive.namelist() if name.endswith(_SUFFIX)]
        yield _Arrays({name.removesuffix(_SUFFIX): Member(archive, name) for name in members}, {})


def _holds_histograms(array: Any) -> bool:
    return len(array.shape) > 1 and array.dtype.kind in "biuf"


def _rows(path: Path, name: str, found: _Arrays) -> Rows:
    array = found.arrays[name]
    n_rows = array.shape[0]
    if 0 in array.shape:
        raise DataError(f"{name} has the shape {array.shape}; expected at least one histogram")
    numbers = np.arange(n_rows, dtype=np.int64)
    counts: Floats = np.ascontiguousarray(array[:], dtype=np.float64).reshape(n_rows, -1)
    check_counts(counts, lambda bin_: f"{name}{_place(bin_, array.shape[1:])}", numbers)
    beside = _beside(name, found)
    columns = columns_beside(list(beside), name.rpartition("/")[2])
    entries = counts.sum(axis=1)
    if columns.entries:
        entries = entries_of(beside[columns.entries], columns.entries, numbers)
    return Rows(
        name,
        str(path),
        numbers,
        key_of(beside, columns.run, numbers),
        key_of(beside, columns.lumisection, numbers),
        counts,
        entries,
        tuple(numbered_edges(length) for length in array.shape[1:]),
        pd.DataFrame({column: beside[column] for column in columns.conditions}, index=numbers),
    )


def _place(position: int, shape: tuple[int, ...]) -> str:
    return "[" + ",".join(str(index) for index in np.unravel_index(position, shape)) + "]"


def _beside(name: str, found: _Arrays) -> dict[str, Any]:
    """Return what else is known of each histogram in an array, by name.

    That is arrays of numbers or texts of the same length in its group or in those above, and the
    attributes ``run`` and ``lumisection``, where one number stands for all.
    """
    n_rows = found.arrays[name].shape[0]
    beside: dict[str, Any] = {}
    for key, value in found.attributes.get(name, {}).items():
        values = np.asarray(value)
        if values.shape == (n_rows,) or (values.shape == () and key in {"run", "run_number"}):
            beside[key] = np.broadcast_to(values, n_rows)
    # The nearest comes last and counts.
    for other in sorted(found.arrays, key=lambda other: other.count("/")):
        array = found.arrays[other]
        group, _, short = other.rpartition("/")
        is_around = f"{name}/".startswith(f"{group}/" if group else "")
        if is_around and array.shape == (n_rows,) and _is_plain(array):
            beside[short] = _native(array[:])
    return beside


def _is_plain(array: Any) -> bool:
    """Tell numbers and texts from records and pickled objects."""
    return array.dtype.kind in "biufSU" or (array.dtype.metadata or {}).get("vlen") in {str, bytes}


def _native(values: Any) -> Any:
    if values.dtype.kind in "biuf":
        return values.astype(values.dtype.newbyteorder("="), copy=False)
    return np.array([decoded(value) for value in values])
