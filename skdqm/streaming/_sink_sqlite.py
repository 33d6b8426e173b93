"""A data base in one file, through Python's sqlite3."""

import sqlite3
from collections.abc import Collection
from os import PathLike
from pathlib import Path
from typing import Any

from skdqm.exceptions import DataError, UsageError
from skdqm.streaming._results import Results
from skdqm.streaming._sinks import WRITTEN, Sink, as_text, checked_kinds

COLUMNS = {
    "kind": "TEXT NOT NULL",
    "ordinal": "INTEGER NOT NULL",
    "number": "INTEGER",
    "position": "TEXT",
    "about": "TEXT",
    "time": "TEXT NOT NULL",
    "anomaly_score": "REAL",
    "p_value": "REAL",
    "threshold": "REAL",
    "features": "TEXT",
    "reason": "TEXT",
    "raw": "TEXT",
}
TEXTS = ("position", "about", "features")
CREATE = (
    "CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY AUTOINCREMENT, "
    + ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    + ")"
)
INSERT = (
    f"INSERT INTO events ({', '.join(COLUMNS)}) "  # noqa: S608 (the names are ours)
    f"VALUES ({', '.join(f':{name}' for name in COLUMNS)})"
)
LAST = "SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'events'"
SECONDS_TO_WAIT = 30.0


class SQLiteSink(Sink):
    """Write records to the table ``events`` of a SQLite data base.

    Positions, features and what was submitted with an event are JSON text, which SQLite reads:
    ``SELECT features ->> 'pt1' FROM events WHERE kind = 'anomaly'``. Records appear when the worker
    commits, as a whole; readers never wait for it. Old ones may be deleted.

    Parameters
    ----------
    path : str or path-like
        The data base. Records are added to one that exists.
    kinds : collection of str, default=("anomaly", "malformed")
        What is written, out of ``"good"``, ``"anomaly"``, ``"undecided"`` and ``"malformed"``.

    See Also
    --------
    JSONLinesSink : A file that others can follow.
    ParquetSink : Tables for analysis.

    Examples
    --------
    >>> from skdqm.streaming import SQLiteSink
    >>> SQLiteSink("alarms.sqlite").kinds
    ('anomaly', 'malformed')
    """

    def __init__(self, path: str | PathLike[str], kinds: Collection[str] = WRITTEN) -> None:
        self.path, self.kinds = Path(path).resolve(), checked_kinds(kinds)
        self._connection: sqlite3.Connection | None = None

    @property
    def description(self) -> dict[str, Any]:
        """What tells it from other sinks."""
        return {"sink": "SQLiteSink", "path": str(self.path), "kinds": list(self.kinds)}

    def open(self, marker: Any) -> None:
        """Open the data base, or make it.

        Parameters
        ----------
        marker : dict or None
            What :meth:`commit` returned: records that came later are deleted.

        Raises
        ------
        UsageError
            When the folder does not exist.
        DataError
            When it is no data base, or not the one that it was.
        """
        if not self.path.parent.is_dir():
            raise UsageError(f"{self.path}: the folder does not exist; create it first")
        try:
            self._open(marker)
        except sqlite3.Error as error:
            raise DataError(f"{self.path} cannot be opened as a data base: {error}") from error

    def write(self, results: Results) -> None:
        """Add the records of a micro-batch.

        Parameters
        ----------
        results : Results
            Verdicts and malformed events.
        """
        records = results.records(self.kinds)
        if records:
            self._opened().executemany(INSERT, map(_as_row, records))

    def commit(self) -> dict[str, int]:
        """End the transaction.

        Returns
        -------
        marker : dict
            The latest ``id``.
        """
        self._opened().commit()
        return {"last_id": self._last_id()}

    def close(self) -> None:
        """Close the data base; what was not committed is taken back."""
        if self._connection is not None:
            self._connection.close()

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise UsageError("the sink is not open: call open first, as a worker does")
        return self._connection

    def _open(self, marker: Any) -> None:
        # It is opened in one thread and used in another, never in two at once.
        connection = sqlite3.connect(self.path, timeout=SECONDS_TO_WAIT, check_same_thread=False)
        self._connection = connection
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(CREATE)
        found = {row[1] for row in connection.execute("PRAGMA table_info(events)")}
        if found != {"id", *COLUMNS}:
            raise DataError(f"{self.path} has another table with the name 'events'; use a new file")
        if marker is not None:
            self._cut_back(int(marker["last_id"]))
        connection.commit()

    def _cut_back(self, last: int) -> None:
        if self._last_id() < last:
            raise DataError(
                f"{self.path} holds fewer records than at the checkpoint ({self._last_id()}, then "
                f"{last}): put that file back, or remove the checkpoint to begin anew"
            )
        connection = self._opened()
        connection.execute("DELETE FROM events WHERE id > ?", (last,))
        connection.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'events'", (last,))

    def _last_id(self) -> int:
        return int(self._opened().execute(LAST).fetchone()[0])


def _as_row(record: dict[str, Any]) -> dict[str, Any]:
    texts = {name: as_text(record.get(name)) for name in TEXTS}
    return {**dict.fromkeys(COLUMNS), **record, **texts}
