"""The files of a folder, as they appear."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

from skdqm.exceptions import DataError
from skdqm.streaming._patience import Patience
from skdqm.streaming._source import Batch, Position, Say, Source, malformed
from skdqm.streaming._source_hdf5 import Look, is_locked, look_at

# How writers call files that they have not finished.
_UNFINISHED = re.compile(r"^[._]|(\.(tmp|temp|part|partial|swp|lock)|~)$", re.IGNORECASE)

# Files that were read last, which must not change any more.
_LATEST = 100


class Folder:
    """The files of a folder, each read once, when it is complete.

    A file is complete when nobody has changed it for some seconds, as seen from here, and nobody
    holds HDF5's lock for writing. Names that begin with ``.`` or ``_`` or end as those of
    temporary files do are never read; best is to write a file under such a name and to rename it.
    Files that are complete at the same time are read in the order of their names, numbers in them
    as numbers. A file that cannot be read counts as one malformed event.

    Parameters
    ----------
    path : Path
        The folder.
    open_file : callable
        Returns the source of a file, or None for one that holds no events.
    patience : Patience
        How long to wait.
    settle : float
        Seconds without a change after which a file is complete.
    say : callable
        Takes messages.
    """

    def __init__(
        self,
        path: Path,
        open_file: Callable[[Path], Source | None],
        patience: Patience,
        settle: float,
        say: Say,
    ) -> None:
        self._path, self._open_file = path, open_file
        self._patience, self._settle, self._say = patience, settle, say
        # Replaced and never changed: the positions of many events share it.
        self._done: list[str] = []
        self._begun: Position | None = None
        # What new files look like, and since when; and what files looked like that were read.
        self._new: dict[str, tuple[Look, float]] = {}
        self._read: dict[str, Look] = {}

    def seek(self, position: Position) -> None:
        """Begin behind the event that this position belongs to."""
        self._done = list(position["done"])
        self._begun = position if position["file"] is not None else None

    def __iter__(self) -> Iterator[Batch]:
        """Yield batches."""
        if self._begun is not None:
            yield from self._finished(self._begun)
        while not self._patience.is_stopped:
            new = self._looked()
            names = [name for name in new if not self._patience.follow or self._is_settled(name)]
            for name in names:
                yield from self._file(name, None)
            if new:
                self._patience.found()
            if not names and not self._patience.wait():
                return

    def _finished(self, begun: Position) -> Iterator[Batch]:
        """Read the rest of the file that was being read."""
        name = begun["file"]
        if (self._path / name).exists():
            yield from self._file(name, begun["at"])
        else:
            self._say(f"{self._path / name}: was being read, and is gone; its rest is not read")

    def _looked(self) -> list[str]:
        """Return the names of the files that were not read, in order."""
        with os.scandir(self._path) as entries:
            names = {each.name for each in entries if each.is_file()}
        if not names.issuperset(self._done):
            # One that is gone may come again, and is another file then.
            self._done = [name for name in self._done if name in names]
        for name in [name for name in self._read if name in names]:
            self._check_unchanged(name)
        new = names.difference(self._done)
        return sorted((name for name in new if not _UNFINISHED.search(name)), key=_in_order)

    def _check_unchanged(self, name: str) -> None:
        look = look_at(self._path / name)
        if look != self._read[name]:
            self._read[name] = look
            self._say(f"{self._path / name}: has changed after it was read; it is not read again")

    def _is_settled(self, name: str) -> bool:
        now, look = monotonic(), look_at(self._path / name)
        before, since = self._new.get(name, ((), now))
        if look != before:
            since = now
            self._new[name] = look, now
        return now - since >= self._settle and not is_locked(self._path / name)

    def _file(self, name: str, at: Position | None) -> Iterator[Batch]:
        """Read one file."""
        done = [*self._done, name]
        self._remember(name)
        try:
            source = self._open_file(self._path / name)
            if source is not None and at is not None:
                source.seek(at)
            for batch in source or ():
                if self._patience.is_stopped:
                    return
                yield self._placed(batch, name)
        except (DataError, OSError) as error:
            after = {"file": None, "at": None, "done": done}
            yield malformed(str(error), name, after, {"file": name})
        self._done = done

    def _remember(self, name: str) -> None:
        self._new.pop(name, None)
        self._read[name] = look_at(self._path / name)
        if len(self._read) > _LATEST:
            del self._read[next(iter(self._read))]

    def _placed(self, batch: Batch, name: str) -> Batch:
        done = self._done
        positions = [{"file": name, "at": each, "done": done} for each in batch.positions]
        return batch._replace(positions=positions)


def _in_order(name: str) -> list[tuple[int, str]]:
    """Return what sorts names with numbers in them as people do: ls9 before ls10."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
