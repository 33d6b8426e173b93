"""A folder of Parquet files, through pyarrow."""

from collections.abc import Collection
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skdqm.exceptions import DataError, UsageError
from skdqm.io import atomic_path
from skdqm.streaming._durable import remove_leftovers, sync_folder
from skdqm.streaming._results import Results
from skdqm.streaming._sinks import WRITTEN, Sink, as_text, checked_kinds

if TYPE_CHECKING:
    import pyarrow as pa

PARTS = "part-*.parquet"
# Records that wait for a commit at most; a file is written then.
MOST_WAITING = 50_000


class ParquetSink(Sink):
    """Write records to a folder of Parquet files, which readers take as one table.

    Each commit of a worker writes one file, if there is something to write; so records appear then,
    and a long stream wants a longer ``checkpoint_every``. Positions and what was submitted with an
    event are JSON text; features are a struct, or a list if they have no names.

    Parameters
    ----------
    folder : str or path-like
        The folder; it is made if need be. Files are added to one that exists.
    kinds : collection of str, default=("anomaly", "malformed")
        What is written, out of ``"good"``, ``"anomaly"``, ``"undecided"`` and ``"malformed"``.

    See Also
    --------
    JSONLinesSink : A file that others can follow.
    SQLiteSink : A data base that answers questions.

    Examples
    --------
    >>> from skdqm.streaming import ParquetSink
    >>> ParquetSink("alarms", ["anomaly"]).kinds
    ('anomaly',)
    """

    def __init__(self, folder: str | PathLike[str], kinds: Collection[str] = WRITTEN) -> None:
        self.folder, self.kinds = Path(folder).resolve(), checked_kinds(kinds)
        self._n_parts = 0
        self._waiting: list[dict[str, Any]] = []
        self._names: list[str] | None = None

    @property
    def description(self) -> dict[str, Any]:
        """What tells it from other sinks."""
        return {"sink": "ParquetSink", "path": str(self.folder), "kinds": list(self.kinds)}

    def open(self, marker: Any) -> None:
        """Begin to write, behind the files that are there.

        Parameters
        ----------
        marker : dict or None
            What :meth:`commit` returned: files that came later are removed.

        Raises
        ------
        UsageError
            When the folder cannot be made.
        DataError
            When its last file is not there any more.
        """
        try:
            self.folder.mkdir(exist_ok=True)
        except OSError as error:
            raise UsageError(f"{self.folder}: expected a folder, or a new name: {error}") from error
        remove_leftovers(self.folder, PARTS)
        self._waiting = []
        present = sorted(self.folder.glob(PARTS))
        self._n_parts = int(present[-1].stem.partition("-")[2]) + 1 if present else 0
        if marker is not None:
            self._cut_back(int(marker["n_files"]))

    def write(self, results: Results) -> None:
        """Take the records of a micro-batch.

        Parameters
        ----------
        results : Results
            Verdicts and malformed events.
        """
        self._names = results.names
        self._waiting += results.records(self.kinds)
        if len(self._waiting) >= MOST_WAITING:
            self._write_part()

    def commit(self) -> dict[str, int]:
        """Write what waits.

        Returns
        -------
        marker : dict
            The number of files.
        """
        if self._waiting:
            self._write_part()
            sync_folder(self.folder)
        return {"n_files": self._n_parts}

    def close(self) -> None:
        """Forget what waits."""
        self._waiting = []

    def _part(self, number: int) -> Path:
        return self.folder / PARTS.replace("*", f"{number:08d}")

    def _cut_back(self, n_parts: int) -> None:
        if n_parts and not self._part(n_parts - 1).exists():
            raise DataError(
                f"{self._part(n_parts - 1)} was there at the checkpoint and is missing: put it "
                "back, or remove the checkpoint to begin anew"
            )
        for number in range(n_parts, self._n_parts):
            self._part(number).unlink(missing_ok=True)
        self._n_parts = n_parts

    def _write_part(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = [_as_row(record) for record in self._waiting]
        table = pa.Table.from_pylist(rows, _schema(self._names))
        with atomic_path(self._part(self._n_parts)) as unfinished:
            pq.write_table(table, unfinished, write_page_checksum=True)
        self._n_parts += 1
        self._waiting = []


def _schema(names: list[str] | None) -> "pa.Schema":
    import pyarrow as pa

    number, text = pa.float64(), pa.string()
    fields = None if names is None else [(name, number) for name in names]
    return pa.schema(
        [
            ("kind", text),
            ("ordinal", pa.int64()),
            ("number", pa.int64()),
            ("position", text),
            ("about", text),
            ("time", pa.timestamp("us", "UTC")),
            ("anomaly_score", number),
            ("p_value", number),
            ("threshold", number),
            ("features", pa.list_(number) if fields is None else pa.struct(fields)),
            ("reason", text),
            ("raw", text),
        ]
    )


def _as_row(record: dict[str, Any]) -> dict[str, Any]:
    texts = {name: as_text(record.get(name)) for name in ("position", "about")}
    return {**record, **texts, "time": datetime.fromisoformat(record["time"])}
