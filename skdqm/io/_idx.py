"""Images in the idx format of the MNIST family, gzipped or not, with the labels beside them.

A file is two zero bytes, a byte for the type of the numbers and one for the number of axes, the
lengths of the axes as big-endian 32-bit integers, and then the numbers (Y. LeCun, C. Cortes and
C. J. C. Burges, "The MNIST database of handwritten digits"). The labels of the file
``train-images-idx3-ubyte.gz`` are in ``train-labels-idx1-ubyte.gz``.
"""

import gzip
import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from skdqm.exceptions import DataError
from skdqm.io._arrays import ArrayReader
from skdqm.io._layout import open_table, pick, tables_in

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
# The distributed files have a dash, some unpacked ones a point.
NAMES = {"images-idx3": "labels-idx1", "images.idx3": "labels.idx1"}
# Deflate cannot shrink by more (RFC 1951: 258 bytes in 2 bits).
HIGHEST_COMPRESSION = 1032


@contextmanager
def open_reader(path: Path, key: str | None) -> Iterator[ArrayReader]:
    """Open the images, and their labels if those lie beside them."""
    with ExitStack() as files:
        arrays = {"images": IdxArray(path, files.enter_context(_opened(path)))}
        beside = labels_beside(path)
        if beside is not None:
            arrays["label"] = IdxArray(beside, files.enter_context(_opened(beside)))
        contents = [f"{name} {array.shape} {array.dtype}" for name, array in arrays.items()]
        tables = [name for name in tables_in(arrays) if name == "images"]
        yield open_table(arrays, pick(tables, key, contents))


def labels_beside(path: Path) -> Path | None:
    """Return the file of the labels, if it is where the names of MNIST tell."""
    for images, labels in NAMES.items():
        found = path.with_name(path.name.replace(images, labels))
        if images in path.name and found.exists():
            return found
    return None


def _opened(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "rb")) if _is_packed(path) else path.open("rb")


def _is_packed(path: Path) -> bool:
    return path.suffix.lower() == ".gz"


class IdxArray:
    """The array in an idx file, read row by row as its rows are asked for."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self._name = path.name
        self._file = file
        head = file.read(4)
        if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in TYPES or not head[3]:
            raise DataError(
                f"{self._name} starts with {head!r}, expected the header of an idx file"
            )
        lengths = file.read(4 * head[3])
        if len(lengths) < 4 * head[3]:
            raise DataError(f"{self._name} ends within its header; fetch the file again")
        self.dtype = np.dtype(TYPES[head[2]])
        self.shape: tuple[int, ...] = tuple(np.frombuffer(lengths, ">u4").tolist())
        self._start = len(head) + len(lengths)
        self._row_size = math.prod(self.shape[1:]) * self.dtype.itemsize
        self._check_size(path)

    def _check_size(self, path: Path) -> None:
        """Refuse, before memory is asked for, lengths that the file cannot hold."""
        largest = path.stat().st_size * (HIGHEST_COMPRESSION if _is_packed(path) else 1)
        if self._start + self.shape[0] * self._row_size > largest:
            raise DataError(
                f"{self._name} has {path.stat().st_size:,} bytes, too few for the array of shape "
                f"{self.shape} that its header tells; fetch the file again"
            )

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        """Read some rows."""
        start, stop, _ = rows.indices(self.shape[0])
        n_bytes = (stop - start) * self._row_size
        # Reading on to the end makes gzip verify its checksum.
        beyond = 1 if stop == self.shape[0] else 0
        try:
            self._file.seek(self._start + start * self._row_size)
            content, more = self._file.read(n_bytes), self._file.read(beyond)
        except EOFError as error:
            raise DataError(f"{self._name} is cut short; fetch the file again") from error
        if len(content) < n_bytes or more:
            raise DataError(
                f"{self._name} holds another number of rows than the {self.shape[0]:,} that its "
                "header tells; fetch the file again"
            )
        return np.frombuffer(content, self.dtype).reshape(-1, *self.shape[1:])
