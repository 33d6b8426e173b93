"""The rows of an HDF5 file that grows."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

from skdqm.exceptions import DataError
from skdqm.streaming._layout import Layout
from skdqm.streaming._patience import Patience
from skdqm.streaming._rows import row_batches
from skdqm.streaming._source import MOST_ROWS, Batch, Position, Say
from skdqm.streaming._source_text import wait_for

if TYPE_CHECKING:
    import h5py
    import pandas as pd

    from skdqm.io._arrays import ArrayReader

# Size and times of a file: it has not changed if they have not.
Look = tuple[int, ...]


class GrowingHDF5:
    """An HDF5 file whose table grows.

    It is opened anew at each look, and not while a writer holds it: it may be written in HDF5's
    SWMR mode, or opened, extended and closed again and again. A reader that kept the file open and
    locked would make the next opening of the writer fail.

    Parameters
    ----------
    path : Path
        The file; it need not exist yet.
    layout : Layout
        What the model takes.
    patience : Patience
        How long to wait.
    key : str or None
        The table in a file with several.
    say : callable
        Takes messages.
    """

    def __init__(
        self, path: Path, layout: Layout, patience: Patience, key: str | None, say: Say
    ) -> None:
        self._path, self._layout, self._patience = path, layout, patience
        self._key, self._say = key, say
        self._row = 0
        self._is_said = False
        self._last: Look = ()
        self._known: Look = ()

    def seek(self, position: Position) -> None:
        """Begin at a row."""
        self._row = position["row"]

    def __iter__(self) -> Iterator[Batch]:
        """Yield batches."""
        if not wait_for(self._path, self._patience, self._say):
            return
        while not self._patience.is_stopped:
            found = self._looked()
            if found is not None:
                self._patience.found()
                yield from self._given(*found)
            elif not self._patience.wait():
                return

    def _given(self, X: "pd.DataFrame", carried: "pd.DataFrame | None") -> Iterator[Batch]:
        try:
            yield from row_batches(X, carried, self._path.name)
        except DataError as error:
            raise DataError(f"{self._path}: {error}") from error
        self._row += len(X)

    def _looked(self) -> "tuple[pd.DataFrame, pd.DataFrame | None] | None":
        """Return the next rows; None if there are none, or none that can be read now."""
        look = look_at(self._path)
        if look == self._known:
            return None
        try:
            with _opened(self._path, self._key) as (reader, is_swmr):
                found = self._next_rows(reader)
        except _NotYetError as error:
            self._wait_because(error)
            return None
        self._is_said = False
        if found is None:
            # Times of files are coarse: only the second look knows that nothing came in between.
            self._known, self._last = look if look == self._last else (), look
        elif not is_swmr and look_at(self._path) != look:
            return None  # it was changed while it was read
        return found

    def _next_rows(
        self, reader: "ArrayReader"
    ) -> "tuple[pd.DataFrame, pd.DataFrame | None] | None":
        if reader.n_rows < self._row:
            self._say(
                f"{self._path}: has {reader.n_rows:,} rows, and {self._row:,} were read before: it "
                "was replaced; reading it from the beginning"
            )
            self._row = 0
        if reader.n_rows == self._row:
            return None
        names, carried = self._columns(reader.columns)
        rows = slice(self._row, min(self._row + MOST_ROWS, reader.n_rows))
        frame = _frame(reader, [*names, *carried], rows)
        return frame[names], frame[carried] if carried else None

    def _columns(self, present: Sequence[str]) -> tuple[list[str], list[str]]:
        try:
            return self._layout.columns(present), self._layout.carried(present)
        except DataError as error:
            raise _WrongColumnsError(f"{self._path}: {error}") from error

    def _wait_because(self, reason: Exception) -> None:
        if not self._is_said:
            self._say(f"waiting for {self._path}: {' '.join(str(reason).split())}")
        self._is_said = True


class _NotYetError(Exception):
    """The file cannot be read now, but perhaps later."""


class _WrongColumnsError(DataError):
    """The table is another one: later it is no better."""


def look_at(path: Path) -> Look:
    """Return what changes when a file does; nothing of a file that is not there."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns


def is_locked(path: Path) -> bool:
    """Tell whether somebody holds the lock that HDF5 takes for writing."""
    try:
        import fcntl
    except ImportError:  # no such locks on this system
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(file, fcntl.LOCK_UN)
    return False


@contextmanager
def _opened(path: Path, key: str | None) -> "Iterator[tuple[ArrayReader, bool]]":
    """Open the table; tell whether the file is open for writing, in SWMR mode."""
    from skdqm.io._hdf5 import open_reader

    try:
        if is_locked(path):
            raise _NotYetError("a writer holds it; expected that it closes it, or uses SWMR mode")
        file, is_swmr = _file(path)
        # What is open already does as well as a path.
        with file, open_reader(cast("Path", file.id), key) as reader:
            yield reader, is_swmr
    except _WrongColumnsError:
        raise
    except (DataError, OSError, RuntimeError, KeyError) as error:
        raise _NotYetError(str(error)) from error


def _file(path: Path) -> "tuple[h5py.File, bool]":
    import h5py

    # Without a lock of our own: a writer that wants to open the file must be able to.
    try:
        return h5py.File(path, "r", locking=False), False
    except OSError:
        return h5py.File(path, "r", locking=False, swmr=True), True


def _frame(reader: "ArrayReader", names: Sequence[str], rows: slice) -> "pd.DataFrame":
    import pandas as pd

    wanted = frozenset(names)
    blocks = reader._blocks  # noqa: SLF001 (of this package)
    frames = [frame for block in blocks for frame in block.frames(rows, wanted)]
    frame = frames[0] if len(frames) == 1 else pd.concat(frames, axis=1)
    frame.index = pd.RangeIndex(rows.start, rows.start + len(frame))
    return frame[list(names)]
