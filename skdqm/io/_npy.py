"""One array in an npy file, memory-mapped."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from skdqm.io._arrays import ArrayReader
from skdqm.io._layout import open_table, pick, tables_in


@contextmanager
def open_reader(path: Path, key: str | None) -> Iterator[ArrayReader]:
    """Map a 2-D array or records; the columns of a matrix are called x0, x1 ..."""
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    tables = [name for name in tables_in({"X": array}) if name]
    contents = [f"array {array.shape} {array.dtype}"]
    yield open_table({"X": array}, pick(tables, key, contents))
