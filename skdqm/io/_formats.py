"""The file formats: which extension and which first bytes belong to which reader."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import cast

from skdqm.exceptions import DataError, UsageError
from skdqm.io._columns import check_names
from skdqm.io._guard import guard
from skdqm.io._reader import Reader


@dataclass(frozen=True)
class Format:
    """One file format and the private module that reads it."""

    name: str
    suffixes: tuple[str, ...]
    magic: bytes
    module: str
    has_keys: bool = False


FORMATS = (
    Format("HDF5", (".h5", ".hdf5", ".hdf"), b"\x89HDF\r\n\x1a\n", "_hdf5", has_keys=True),
    Format("Parquet", (".parquet", ".pq"), b"PAR1", "_parquet"),
    Format("npz", (".npz",), b"PK", "_npz", has_keys=True),
    # The zero belongs to the version that follows; a CSV may begin with a column called root.
    Format("ROOT", (".root",), b"root\0", "_root", has_keys=True),
    Format("npy", (".npy",), b"\x93NUMPY", "_npy"),
    Format("idx", ("idx3-ubyte", "idx4-ubyte", ".idx"), b"\0\0", "_idx"),
    Format("gzipped idx", ("idx3-ubyte.gz", "idx4-ubyte.gz", ".idx.gz"), b"\x1f\x8b", "_idx"),
    Format("gzipped CSV", (".csv.gz", ".tsv.gz", ".txt.gz"), b"\x1f\x8b", "_delimited"),
    Format("CSV", (".csv", ".tsv", ".txt"), b"", "_delimited"),
)

_Opener = Callable[[Path, str | None], AbstractContextManager[Reader]]


@contextmanager
def open_reader(path: Path, key: str | None) -> Iterator[tuple[Format, Reader]]:
    """Open a file by extension and content; inside, every error names the file."""
    chosen = detect(path)
    if key is not None and not chosen.has_keys:
        raise UsageError(
            f"{path}: key {key!r} chooses a table in HDF5 or npz, not in {chosen.name}; leave it "
            "out (in ROOT it chooses a tree)"
        )
    # Imported here, so that `import skdqm.io` stays cheap: h5py and pyarrow take a while.
    opener = cast("_Opener", import_module(f"skdqm.io.{chosen.module}").open_reader)
    with guard(path, chosen.name), opener(path, key) as reader:
        check_names(reader.columns)
        yield chosen, reader


def detect(path: Path) -> Format:
    """Return the format that both the extension and the first bytes agree on."""
    head = _first_bytes(path)
    chosen = next((f for f in FORMATS if path.name.lower().endswith(f.suffixes)), None)
    if chosen is None:
        known = " ".join(suffix for f in FORMATS for suffix in f.suffixes)
        raise DataError(f"{path}: unknown extension {path.suffix!r}; expected one of {known}")
    if not head:
        raise DataError(f"{path}: the file is empty (0 bytes); expected {chosen.name}")
    found = [f for f in FORMATS if f.magic and head.startswith(f.magic)]
    if chosen not in found and (found or chosen.magic):
        what = " or ".join(f.name for f in found) or f"a file that starts with {head!r}"
        raise DataError(
            f"{path}: found {what}, expected {chosen.name}; "
            f"rename the file to its true extension or fetch it again"
        )
    return chosen


def _first_bytes(path: Path) -> bytes:
    try:
        if path.is_fifo():
            raise DataError(f"{path}: found a FIFO, which can be read only once; expected a file")
        with path.open("rb") as file:
            return file.read(8)
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"{path}: cannot open: {reason}; expected a readable file") from error
