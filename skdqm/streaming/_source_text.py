"""Lines of a growing file as events."""

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, BinaryIO
from zlib import crc32

from skdqm.exceptions import DataError
from skdqm.streaming._layout import Layout
from skdqm.streaming._lines import LONGEST_LINE, Line, LineCutter
from skdqm.streaming._patience import Patience
from skdqm.streaming._records import Record, Records, records_of
from skdqm.streaming._source import Batch, Gatherer, Position, Say

CHUNK = 2**18
BEGINNING: Position = {"line": 0, "offset": 0, "length": 0, "crc": 0}


class LineReader:
    """Turns pieces of text into batches of events.

    Parameters
    ----------
    layout : Layout
        What the model takes.
    form : {"csv", "jsonl"} or None
        How lines are written; None: the first one tells.
    about : dict
        What is said of each event beside its line.
    position : dict
        The lines and bytes before.
    """

    def __init__(
        self,
        layout: Layout,
        form: str | None,
        about: dict[str, Any],
        position: Position = BEGINNING,
    ) -> None:
        self.position = position
        self.cutter = LineCutter(position["line"], position["offset"])
        self._layout, self._form, self._about = layout, form, about
        self._records: Records | None = None

    def begin(self, first_line: bytes) -> bool:
        """Learn from the first line how lines are written; tell whether it is an event itself."""
        self._records, is_event = records_of(first_line, self._layout, self._form)
        return is_event

    def feed(self, data: bytes) -> list[Batch]:
        """Take more text, and return the events in the lines that have ended."""
        return self._batches(self.cutter.feed(data))

    def end(self) -> list[Batch]:
        """Take a last line without an end."""
        return self._batches(self.cutter.end())

    def _batches(self, lines: list[Line]) -> list[Batch]:
        gatherer = Gatherer()
        for line in lines:
            text = line.text.removesuffix(b"\r")
            self.position = _position_of(line)
            if text.strip() and (self._records is not None or self.begin(text)):
                self._take(gatherer, line, text)
        return gatherer.batches()

    def _take(self, gatherer: Gatherer, line: Line, text: bytes) -> None:
        about = {**self._about, "line": line.number}
        try:
            record = self._record(line, text)
        except DataError as error:
            gatherer.refuse(str(error), text, self.position, about)
        else:
            gatherer.add(record, self.position, about)

    def _record(self, line: Line, text: bytes) -> Record:
        assert self._records is not None  # noqa: S101 (for the type checker)
        if line.is_too_long:
            raise DataError(f"the line has {line.length:,} bytes, at most {LONGEST_LINE:,} can")
        return self._records.read(text)


def _position_of(line: Line) -> Position:
    # By the last line a file is recognised later: one of the same name may be another by then.
    return {
        "line": line.number,
        "offset": line.offset,
        "length": line.length,
        "crc": 0 if line.is_too_long else crc32(line.text),
    }


class TextFile:
    """A file of CSV or of JSON lines, which may grow.

    A line counts when it has ended. A file that was truncated, or replaced by another one, is read
    from its beginning; of one that was renamed the rest is read first, as log files are rotated.
    One that holds what was read before goes on, also when it is another copy.

    Parameters
    ----------
    path : Path
        The file; it need not exist yet.
    layout : Layout
        What the model takes.
    patience : Patience
        How long to wait.
    form : {"csv", "jsonl"} or None
        How lines are written; None: the first one tells.
    say : callable
        Takes messages.
    """

    def __init__(
        self, path: Path, layout: Layout, patience: Patience, form: str | None, say: Say
    ) -> None:
        self._path, self._layout, self._patience = path, layout, patience
        self._form, self._say = form, say
        self._position = BEGINNING

    def seek(self, position: Position) -> None:
        """Begin behind the event that this position belongs to."""
        self._position = {name: position[name] for name in BEGINNING}

    def __iter__(self) -> Iterator[Batch]:
        """Yield batches."""
        is_another = True
        while is_another and wait_for(self._path, self._patience, self._say):
            with self._path.open("rb") as file:
                try:
                    is_another = yield from self._read(file)
                except DataError as error:
                    raise DataError(f"{self._path}: {error}") from error

    def _read(self, file: BinaryIO) -> Generator[Batch, None, bool]:
        """Read the file until it is another one, and tell so, or until nobody waits for more."""
        reader, has_waited = self._continued(file), False
        while not self._patience.is_stopped:
            data = file.read(CHUNK)
            if data and has_waited and self._was_overwritten(file):
                return True
            if data:
                self._patience.found()
                yield from self._fed(reader, data)
            elif self._is_another(file):
                yield from self._rest(reader, file)
                return True
            elif not self._patience.wait():
                yield from self._ended(reader)
                return False
            has_waited = not data
        return False

    def _fed(self, reader: LineReader, data: bytes) -> Iterator[Batch]:
        yield from reader.feed(data)
        self._position = reader.position

    def _rest(self, reader: LineReader, file: BinaryIO) -> Iterator[Batch]:
        """Read what was written to a file before it was renamed."""
        while data := file.read(CHUNK):
            yield from self._fed(reader, data)
        if reader.cutter.n_waiting:
            self._say(
                f"{self._path}: was replaced before line {reader.cutter.number + 1} had ended; its "
                f"{reader.cutter.n_waiting:,} bytes are not read"
            )

    def _ended(self, reader: LineReader) -> Iterator[Batch]:
        n_waiting = reader.cutter.n_waiting
        if not self._patience.follow:
            yield from reader.end()
            self._position = reader.position
        elif n_waiting:
            self._say(
                f"{self._path}: line {reader.cutter.number + 1} has not ended; its {n_waiting:,} "
                "bytes are read the next time"
            )

    def _continued(self, file: BinaryIO) -> LineReader:
        """Return what reads on from where the last event ended."""
        if not _holds(file, self._position):
            self._say(
                f"{self._path}: was truncated or replaced after line {self._position['line']:,}; "
                "reading it from the beginning"
            )
            self._position = BEGINNING
        about = {"file": self._path.name}
        reader = LineReader(self._layout, self._form, about, self._position)
        if self._position["offset"]:
            reader.begin(_first_line(file))
        file.seek(self._position["offset"])
        return reader

    def _was_overwritten(self, file: BinaryIO) -> bool:
        """Tell whether the file was truncated, and is longer than before again."""
        place = file.tell()
        is_same = _holds(file, self._position)
        file.seek(place)
        return not is_same

    def _is_another(self, file: BinaryIO) -> bool:
        """Tell whether the name means another file by now, or this one has become shorter."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return False  # renamed, and the next one is not there yet
        same = os.path.samestat(found, os.fstat(file.fileno()))
        return not same or found.st_size < file.tell()


def wait_for(path: Path, patience: Patience, say: Say) -> bool:
    """Wait until a file exists; tell whether it does."""
    is_said = False
    while not path.exists():
        if not patience.follow:
            raise DataError(f"{path}: no such file")
        if not is_said:
            say(f"waiting for {path}, which does not exist")
            is_said = True
        if not patience.wait():
            return False
    return True


def _holds(file: BinaryIO, position: Position) -> bool:
    """Tell whether the line that was read last is in the file, at its place."""
    file.seek(position["offset"] - position["length"])
    n_bytes = position["length"]
    if n_bytes > LONGEST_LINE:
        return os.fstat(file.fileno()).st_size >= position["offset"]
    line = file.read(n_bytes)
    return len(line) == n_bytes and crc32(line.removesuffix(b"\n")) == position["crc"]


def _first_line(file: BinaryIO) -> bytes:
    """Return the first line that is not blank."""
    file.seek(0)
    while (line := file.readline(LONGEST_LINE)) and not line.strip():
        pass
    return line.rstrip(b"\r\n")
