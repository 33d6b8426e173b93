"""Results as JSON lines, each appended at once, so that a run goes on where a kill ended it."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skdqm.benchmark._trial import Record
from skdqm.exceptions import DataError

# What tells one result from another; all else in a line is what was measured.
KEY = ("task", "protocol", "seed", "contender", "package", "parameters", "libraries")


class Journal:
    """The results in a file, those of other definitions included.

    Parameters
    ----------
    path : path-like or None
        The file, made with the first result. None remembers in memory alone. A last line that a
        kill cut is removed.

    Raises
    ------
    DataError
        When a line is not one of ours.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._records: dict[str, Record] = {}
        if path is not None and path.exists():
            self._records = {_key(record): record for record in _read(path)}

    def get(self, key: Mapping[str, Any]) -> Record | None:
        """Return the last result of a key.

        Parameters
        ----------
        key : mapping
            The fields of ``KEY``.

        Returns
        -------
        record : dict or None
            With all that was measured, or ``error``.
        """
        return self._records.get(_key(key))

    def add(self, record: Record) -> None:
        """Append a result and hand it to the disk.

        Parameters
        ----------
        record : dict
            The fields of ``KEY`` and what was measured.
        """
        self._records[_key(record)] = record
        if self.path is None:
            return
        with self.path.open("ab") as file:
            file.write(json.dumps(record).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


def _key(record: Mapping[str, Any]) -> str:
    return json.dumps([record[name] for name in KEY], sort_keys=True)


def _read(path: Path) -> list[Record]:
    with path.open("rb+") as file:
        *lines, cut = file.read().split(b"\n")
        if cut:
            file.truncate(file.tell() - len(cut))
    return [_parsed(path, number, line) for number, line in enumerate(lines, 1)]


def _parsed(path: Path, number: int, line: bytes) -> Record:
    try:
        record: Record = json.loads(line)
        _key(record)
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path}: line {number} is not a result ({type(error).__name__}: {error}); expected "
            "what skdqm bench wrote; remove the line, or choose another folder"
        ) from error
    return record
