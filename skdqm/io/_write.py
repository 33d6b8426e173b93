"""Write frames to CSV or Parquet, batch after batch."""

import gzip
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from os import PathLike
from pathlib import Path
from typing import IO, TYPE_CHECKING, TextIO, cast

import pandas as pd

from skdqm._messages import listed
from skdqm.exceptions import DataError, UsageError
from skdqm.io._atomic import atomic_path

if TYPE_CHECKING:
    import pyarrow as pa

    _Sink = Callable[[pa.Table], object]
    _Writer = Callable[[Path, pa.Schema], AbstractContextManager[_Sink]]


def write_batches(batches: Iterable[pd.DataFrame], path: str | PathLike[str] | TextIO) -> int:
    """Write frames one below the other into a CSV or Parquet file.

    At any time only one batch is in memory. The file appears when all of it is written; on an
    error nothing is left and an older file of that name stays. Numbers are written so that
    reading gives back the same values; NaN becomes an empty field. The index is not written.

    Parameters
    ----------
    batches : iterable of pandas.DataFrame
        Frames with the same columns, for Parquet with the same types as well.
    path : str, path-like or text stream
        Ends in ``.csv``, ``.csv.gz`` or ``.parquet``. An open stream gets CSV, as it comes.

    Returns
    -------
    n_rows : int
        Number of rows written.

    Raises
    ------
    UsageError
        When the extension is another or the folder does not exist.
    DataError
        When there is no batch, when a batch has other columns than the first or values that the
        format cannot hold, or when the file cannot be written. Errors of a stream are not changed.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "scores.csv"
    >>> write_batches([pd.DataFrame({"row": [0, 1], "score": [0.5, 0.1]})], path)
    2
    >>> print(path.read_text().strip())
    row,score
    0,0.5
    1,0.1
    """
    if not isinstance(path, str | PathLike):
        return _write(iter(batches), partial(_stream_writer, path), Path("-"), Path("-"))
    target = Path(path)
    writer = _writer_for(target)
    try:
        with atomic_path(target) as temporary:
            return _write(iter(batches), writer, temporary, target)
    except OSError as error:
        raise DataError(f"{target}: cannot write: {error.strerror or error}") from error


def _writer_for(path: Path) -> "_Writer":
    writers = {".csv": _csv_writer, ".csv.gz": _csv_writer, ".parquet": _parquet_writer}
    for suffix, writer in writers.items():
        if path.name.lower().endswith(suffix):
            return writer
    raise UsageError(f"{path}: cannot write {path.suffix!r}; expected one of {' '.join(writers)}")


def _write(
    batches: Iterator[pd.DataFrame], writer: "_Writer", temporary: Path, target: Path
) -> int:
    first = next(batches, None)
    if first is None:
        raise DataError(f"{target}: nothing to write; expected at least one batch")
    with _write_errors(target):
        table = _arrow_table(first, None)
    n_rows = len(first)
    with writer(temporary, table.schema) as sink:
        with _write_errors(target):
            sink(table)
        for batch in batches:
            with _write_errors(target):
                sink(_arrow_table(batch, table.schema.names))
            n_rows += len(batch)
    return n_rows


@contextmanager
def _write_errors(target: Path) -> Iterator[None]:
    """Name the file in front of what is wrong with a batch."""
    try:
        yield
    except (ValueError, TypeError, NotImplementedError) as error:
        reason = " ".join(" ".join(map(str, error.args)).split())
        raise DataError(f"{target}: cannot write a batch: {reason}") from error


def _arrow_table(batch: pd.DataFrame, expected: list[str] | None) -> "pa.Table":
    import pyarrow as pa

    frame = batch.set_axis([str(name) for name in batch.columns], axis=1)
    if expected is not None and list(frame.columns) != expected:
        raise DataError(
            f"it has the columns {listed(frame.columns)}; "
            f"expected {listed(expected)} as in the first one"
        )
    return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata()


@contextmanager
def _csv_writer(path: Path, schema: "pa.Schema") -> Iterator["_Sink"]:
    with _binary_stream(path) as stream:
        stream.write(_header(schema.names).encode())
        yield lambda table: stream.write(_csv_lines(table))


@contextmanager
def _stream_writer(stream: TextIO, path: Path, schema: "pa.Schema") -> Iterator["_Sink"]:
    del path
    stream.write(_header(schema.names))
    yield lambda table: stream.write(_csv_lines(table).decode())


def _csv_lines(table: "pa.Table") -> bytes:
    # Each batch by itself: in a CSV, types may change from one batch to the next.
    import pyarrow as pa

    try:
        return _formatted(table, "none")
    except pa.ArrowInvalid:  # a text holds a comma, a quote or a line break: quote all texts
        return _formatted(table, "needed")


def _formatted(table: "pa.Table", quoting_style: str) -> bytes:
    import pyarrow as pa
    from pyarrow import csv

    options = csv.WriteOptions(include_header=False, quoting_style=quoting_style)
    sink = pa.BufferOutputStream()
    csv.write_csv(table, sink, options)
    lines: bytes = sink.getvalue().to_pybytes()
    return lines


@contextmanager
def _binary_stream(path: Path) -> Iterator[IO[bytes]]:
    with path.open("wb") as file:
        if path.suffix.lower() != ".gz":
            yield file
            return
        # Digits hardly shrink further at level 9, which took 14 times as long as level 1. No name
        # and no time in the header: the same rows give the same bytes.
        with gzip.GzipFile("", "wb", compresslevel=1, fileobj=file, mtime=0) as packed:
            yield cast("IO[bytes]", packed)


def _header(names: list[str]) -> str:
    """Return the header line, quoted only where needed (pyarrow would quote every name)."""
    header: str = pd.DataFrame(columns=names).to_csv(index=False, lineterminator="\n")
    return header


@contextmanager
def _parquet_writer(path: Path, schema: "pa.Schema") -> Iterator["_Sink"]:
    from pyarrow import parquet

    with parquet.ParquetWriter(path, schema, write_page_checksum=True) as file:
        yield lambda table: file.write_table(table.cast(schema))
