"""Parquet files, through pyarrow in record batches."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq


@contextmanager
def open_reader(path: Path, key: str | None) -> Iterator["ParquetReader"]:
    """Open a Parquet file and read its footer."""
    del key
    # Checksums are verified in files that have them; skdqm writes them.
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        yield ParquetReader(file)


class ParquetReader:
    """Reader of one open Parquet file."""

    labels = ()
    unreadable = ()
    image_shape = None

    def __init__(self, file: pq.ParquetFile) -> None:
        self._file = file
        schema = file.schema_arrow
        # The index that pandas stored is no column (a RangeIndex is a dict there, not a name).
        index = (schema.pandas_metadata or {}).get("index_columns", [])
        self.columns = tuple(name for name in schema.names if name not in index)
        self.n_rows: int | None = file.metadata.num_rows

    def batches(
        self, names: Sequence[str], size: int, exact: Collection[str] = ()
    ) -> Iterator[pd.DataFrame]:
        """Yield the named columns, ``size`` rows at a time; those of `exact` in Arrow's types."""
        plain = [name for name in names if name not in exact]
        for table in _rebatched(self._record_batches(list(names), size), size):
            frame = table.select(plain).to_pandas(ignore_metadata=True)
            if exact:
                others = table.select(list(exact))
                carried = others.to_pandas(ignore_metadata=True, types_mapper=pd.ArrowDtype)
                frame = pd.concat([frame, carried], axis=1)
            yield frame[list(names)]

    def _record_batches(self, names: list[str], size: int) -> Iterator[pa.RecordBatch]:
        # One pass over all row groups keeps the buffers of every group read so far (measured with
        # pyarrow 26: memory grows with the file); one pass for each group gives them back.
        for group in range(self._file.num_row_groups):
            yield from self._file.iter_batches(size, row_groups=[group], columns=names)


def _rebatched(batches: Iterable[pa.RecordBatch], size: int) -> Iterator[pa.Table]:
    """Cut batches of at most ``size`` rows into tables of exactly that size, but the last."""
    held: pa.Table | None = None
    for batch in batches:
        table = pa.Table.from_batches([batch])
        held = table if held is None else pa.concat_tables([held, table])
        if len(held) >= size:
            yield held.slice(0, size)
            held = held.slice(size)
    if held is not None:
        yield held
