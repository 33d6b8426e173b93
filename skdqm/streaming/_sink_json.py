"""JSON lines: a record a line, to be followed by others as it grows."""

import json
import os
from collections.abc import Collection
from contextlib import suppress
from io import FileIO
from os import PathLike
from pathlib import Path
from typing import Any
from zlib import crc32

from skdqm.exceptions import DataError, UsageError
from skdqm.streaming._durable import sync_folder
from skdqm.streaming._results import Results
from skdqm.streaming._sinks import WRITTEN, Sink, checked_kinds

READ_AT_ONCE = 1 << 20


class JSONLinesSink(Sink):
    """Write records to a file of JSON lines.

    A line is in the file as soon as its micro-batch is judged. On resume the file must begin with
    what it held at the checkpoint, and is cut back to that.

    Parameters
    ----------
    path : str or path-like
        The file. Lines are added to one that exists.
    kinds : collection of str, default=("anomaly", "malformed")
        What is written, out of ``"good"``, ``"anomaly"``, ``"undecided"`` and ``"malformed"``.

    See Also
    --------
    SQLiteSink : A data base that answers questions.
    ParquetSink : Tables for analysis.

    Examples
    --------
    >>> from skdqm.streaming import JSONLinesSink
    >>> JSONLinesSink("alarms.jsonl", ["anomaly"]).description["kinds"]
    ['anomaly']
    """

    def __init__(self, path: str | PathLike[str], kinds: Collection[str] = WRITTEN) -> None:
        self.path, self.kinds = Path(path).resolve(), checked_kinds(kinds)
        self._file: FileIO | None = None
        self._size = self._checksum = 0

    @property
    def description(self) -> dict[str, Any]:
        """What tells it from other sinks."""
        return {"sink": "JSONLinesSink", "path": str(self.path), "kinds": list(self.kinds)}

    def open(self, marker: Any) -> None:
        """Begin to write at the end.

        Parameters
        ----------
        marker : dict or None
            What :meth:`commit` returned: the file is cut back to that.

        Raises
        ------
        UsageError
            When the folder does not exist, or it is not a regular file.
        DataError
            When the file does not hold what it did.
        """
        if not self.path.parent.is_dir():
            raise UsageError(f"{self.path}: the folder does not exist; create it first")
        if self.path.exists() and not self.path.is_file():
            raise UsageError(f"{self.path}: expected a regular file or a new name")
        # Without a buffer: what failed to be written must not be tried again when it is closed.
        self._file = FileIO(self.path, "a+")
        sync_folder(self.path.parent)
        size = self._file.seek(0, os.SEEK_END)
        self._size = size if marker is None else int(marker["size"])
        self._checksum = self._read_checksum()
        if marker is None:
            self._end_the_last_line()
        else:
            self._check(size, marker)
            self._file.truncate(self._size)

    def write(self, results: Results) -> None:
        """Add the lines of a micro-batch.

        Parameters
        ----------
        results : Results
            Verdicts and malformed events.
        """
        records = results.records(self.kinds)
        lines = [json.dumps(record, allow_nan=False) + "\n" for record in records]
        self._append("".join(lines).encode())

    def commit(self) -> dict[str, int]:
        """Let all lines reach the disk.

        Returns
        -------
        marker : dict
            Size and checksum of the file.
        """
        os.fsync(self._opened().fileno())
        return {"size": self._size, "crc32": self._checksum}

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _opened(self) -> FileIO:
        if self._file is None:
            raise UsageError("the sink is not open: call open first, as a worker does")
        return self._file

    def _append(self, data: bytes) -> None:
        """Write all, or leave the file as it was."""
        file, left = self._opened(), memoryview(data)
        try:
            while left:
                left = left[file.write(left) :]
        except OSError:
            with suppress(OSError):
                file.truncate(self._size)
            raise
        self._size += len(data)
        self._checksum = crc32(data, self._checksum)

    def _read_checksum(self) -> int:
        """Return the checksum of the file, as far as its size is known."""
        file, checksum, left = self._opened(), 0, self._size
        file.seek(0)
        while left and (data := file.read(min(left, READ_AT_ONCE))):
            checksum = crc32(data, checksum)
            left -= len(data)
        return checksum

    def _end_the_last_line(self) -> None:
        """Do not join a new line to what a killed process left of one."""
        if self._size:
            file = self._opened()
            file.seek(self._size - 1)
            if file.read(1) != b"\n":
                self._append(b"\n")

    def _check(self, size: int, marker: dict[str, int]) -> None:
        if size < self._size or self._checksum != marker["crc32"]:
            raise DataError(
                f"{self.path} does not begin with the {self._size} bytes that it held at the "
                f"checkpoint (it has {size}): put that file back, or remove the checkpoint to "
                "begin anew"
            )
