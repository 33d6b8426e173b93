"""Write frames to CSV or Parquet, batch after batch."""

import gzip
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from os import PathLike
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import pandas as pd

from skdqm.exceptions import DataError, UsageError
from skdqm.io._atomic import atomic_path
from skdqm.io._guard import listed

if TYPE_CHECKING:
    import pyarrow as pa

    _Writer = Callable[[Path, pa.Schema], AbstractContextManager[Any]]


def write_batches(batches: Iterable[pd.DataFrame], path: str | PathLike[str]) -> int:
    """Write frames one below the other into a CSV or Parquet file.

    At any time only one batch is in memory. The file appears when all of it is written; on an
    error nothing is left and an older file of that name stays. Numbers are written so that
    reading gives back the same values; NaN becomes an empty field. The index is not written.

    Parameters
    ----------
    batches : iterable of pandas.DataFrame
        Frames with the same columns and types.
    path : str or path-like
        Ends in ``.csv``, ``.csv.gz`` or ``.parquet``.

    Returns
    -------
    n_rows : int
        Number of rows written.

    Raises
    ------
    UsageError
        When the extension is another or the folder does not exist.
    DataError
        When there is no batch, when a batch has other columns or types than the first, or when
        the file cannot be written.

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
    target = Path(path)
    writer = _writer_for(target)
    try:
        with atomic_path(target) as temporary:
            return _write(iter(batches), temporary, writer, target)
    except OSError as error:
        raise DataError(f"{target}: cannot write: {error.strerror or error}") from error


def _writer_for(path: Path) -> "_Writer":
    writers = {".csv": _csv_writer, ".csv.gz": _csv_writer, ".parquet": _parquet_writer}
    for suffix, writer in writers.items():
        if path.name.lower().endswith(suffix):
            return writer
    raise UsageError(f"{path}: cannot write {path.suffix!r}; expected one of {' '.join(writers)}")


def _write(
    batches: Iterator[pd.DataFrame], temporary: Path, writer: "_Writer", target: Path
) -> int:
    first = next(batches, None)
    if first is None:
        raise DataError(f"{target}: nothing to write; expected at least one batch")
    table = _arrow_table(first, None, target)
    n_rows = len(first)
    with writer(temporary, table.schema) as sink:
        sink.write_table(table)
        for batch in batches:
            sink.write_table(_arrow_table(batch, table.schema, target))
            n_rows += len(batch)
    return n_rows


def _arrow_table(batch: pd.DataFrame, schema: "pa.Schema | None", target: Path) -> "pa.Table":
    import pyarrow as pa

    frame = batch.set_axis([str(name) for name in batch.columns], axis=1)
    expected = list(frame.columns) if schema is None else schema.names
    if list(frame.columns) != expected:
        raise DataError(
            f"{target}: a batch has the columns {listed(frame.columns)}; "
            f"expected {listed(expected)} as in the first one"
        )
    try:
        return pa.Table.from_pandas(frame, schema, preserve_index=False).replace_schema_metadata()
    except (ValueError, TypeError) as error:
        raise DataError(
            f"{target}: cannot write a batch: {' '.join(map(str, error.args))}"
        ) from error


@contextmanager
def _csv_writer(path: Path, schema: "pa.Schema") -> Iterator[Any]:
    from pyarrow import csv

    options = csv.WriteOptions(include_header=False, quoting_style="needed")
    with _binary_stream(path) as stream:
        stream.write(_header(schema.names))
        with csv.CSVWriter(stream, schema, write_options=options) as sink:
            yield sink


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


def _header(names: list[str]) -> bytes:
    """Return the header line, quoted only where needed (pyarrow would quote every name)."""
    header: str = pd.DataFrame(columns=names).to_csv(index=False, lineterminator="\n")
    return header.encode()


@contextmanager
def _parquet_writer(path: Path, schema: "pa.Schema") -> Iterator[Any]:
    from pyarrow import parquet

    with parquet.ParquetWriter(path, schema, write_page_checksum=True) as sink:
        yield sink
