"""Arrays in an npz archive: a matrix with labels next to it, or named columns."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from skdqm.exceptions import DataError
from skdqm.io._arrays import ArrayReader
from skdqm.io._layout import named_tables, open_table, pick, tables_in

_SUFFIX = ".npy"
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


@contextmanager
def open_reader(path: Path, key: str | None) -> Iterator[ArrayReader]:
    """Open an archive and read the headers of its arrays."""
    with zipfile.ZipFile(path) as archive:
        members = {
            name.removesuffix(_SUFFIX): Member(archive, name)
            for name in archive.namelist()
            if name.endswith(_SUFFIX)
        }
        contents = [f"{name} {member.shape} {member.dtype}" for name, member in members.items()]
        name = pick(tables_in(members), key, contents, named_tables(members))
        yield open_table(members, name)


class Member:
    """One array of an archive, loaded when its rows are asked for."""

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        self._archive = archive
        self._name = name
        with archive.open(name) as file:
            self.shape, self.dtype = _read_header(file)

    @cached_property
    def _array(self) -> NDArray[Any]:
        if self.dtype.hasobject:
            raise DataError(
                f"array {self._name.removesuffix(_SUFFIX)!r} holds pickled objects, which are "
                f"never read; expected numbers, save it with a numeric dtype"
            )
        with self._archive.open(self._name) as file:
            return npy.read_array(file, allow_pickle=False)

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        """Return some rows."""
        return self._array[rows]


def _read_header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = npy.read_magic(file)
    if version not in _HEADERS:
        raise DataError(f"npy format {version} is unknown; expected 1.0 or 2.0")
    shape, _, dtype = _HEADERS[version](file)
    return shape, dtype
