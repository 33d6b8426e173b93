"""HDF5 files: pandas frames, plain arrays and named columns, found by walking the groups."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401  registers Blosc, in which PyTables likes to compress

from skdqm.io._arrays import ArrayReader, decoded
from skdqm.io._layout import Arrays, named_tables, open_table, pick, tables_in
from skdqm.io._pandas_hdf5 import open_fixed_frame, open_table_frame

_FRAMES = {"frame": open_fixed_frame, "frame_table": open_table_frame}

_Opener = Callable[[], ArrayReader]


@contextmanager
def open_reader(path: Path, key: str | None) -> Iterator[ArrayReader]:
    """Open the one table of the file, or the one that ``key`` names."""
    with h5py.File(path, "r") as file:
        tables: dict[str, _Opener] = {}
        named: dict[str, _Opener] = {}
        contents: list[str] = []
        for name, group in _groups(file).items():
            tables.update(_tables_of(name, group, tables_in))
            named.update(_tables_of(name, group, named_tables))
            contents.extend(_contents_of(name, group))
        chosen = pick(tables, key and (key.strip("/") or "/"), contents, named)
        yield (tables | named)[chosen]()


def _groups(file: h5py.File) -> dict[str, h5py.Group]:
    """All groups by path, without what lies inside an object that pandas wrote."""
    groups: dict[str, h5py.Group] = {"": file}

    def collect(name: str, item: object) -> None:
        if isinstance(item, h5py.Group):
            groups[name] = item

    file.visititems(collect)
    opaque = tuple(f"{name}/" for name, group in groups.items() if "pandas_type" in group.attrs)
    return {name: group for name, group in groups.items() if not name.startswith(opaque)}


def _tables_of(
    name: str, group: h5py.Group, find: Callable[[Arrays], list[str]]
) -> Iterator[tuple[str, _Opener]]:
    if "pandas_type" in group.attrs:
        opener = _FRAMES.get(decoded(group.attrs["pandas_type"]))
        if opener is not None:
            yield name, partial(opener, group)
        return
    arrays = _arrays_in(group)
    for table in find(arrays):
        yield f"{name}/{table}".strip("/") or "/", partial(open_table, arrays, table)


def _contents_of(name: str, group: h5py.Group) -> Iterator[str]:
    if "pandas_type" in group.attrs:
        yield f"{name} (pandas {decoded(group.attrs['pandas_type'])})"
        return
    for key, array in _arrays_in(group).items():
        yield f"{name}/{key} {array.shape} {array.dtype}".lstrip("/")


def _arrays_in(group: h5py.Group) -> dict[str, h5py.Dataset]:
    items = ((key, group.get(key)) for key in group)  # get: None for a broken link
    return {
        key: item
        for key, item in items
        if isinstance(item, h5py.Dataset) and item.shape is not None
    }
