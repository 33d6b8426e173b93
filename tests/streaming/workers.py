"""What the tests of workers share: a model that can be saved, events, and what sinks hold."""

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skdqm.detectors import HistogramDetector
from skdqm.streaming import (
    AdaptiveThreshold,
    JSONLinesSink,
    ParquetSink,
    SQLiteSink,
    StreamingDetector,
    Verdict,
)
from tests.streaming.streams import rows

SINKS = {"json": JSONLinesSink, "sqlite": SQLiteSink, "parquet": ParquetSink}
N_FEATURES = 3


def stream(*, adaptive: bool = False, names: list[str] | None = None) -> StreamingDetector:
    """Return a stream that flags a few per cent; the threshold moves often if it is adaptive."""
    X: Any = rows(500, N_FEATURES)
    data = X if names is None else pd.DataFrame(X, columns=names)
    detector = HistogramDetector(contamination=0.05)
    if not adaptive:
        return StreamingDetector(detector.fit(data))
    wrapped = AdaptiveThreshold(
        detector, block_size=16, drift_window=200, contamination=0.05, random_state=0
    )
    return StreamingDetector(wrapped.fit(data))


def events(n_events: int, *, malformed_every: int | None = None) -> NDArray[np.float64]:
    """Return events that drift, and of which every so many is malformed."""
    X = rows(n_events, N_FEATURES, seed=1) + np.linspace(0, 2, n_events)[:, None]
    if malformed_every:
        X[malformed_every - 1 :: malformed_every, 1] = np.nan
    return X


def read(sink: Any) -> list[dict[str, Any]]:
    """Return the records that a sink has written, with the same values whatever sink it is."""
    (reader,) = [reader for kind, reader in _READERS.items() if isinstance(sink, kind)]
    records = reader(sink)
    return [{key: value for key, value in each.items() if value is not None} for each in records]


def without_time(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in each.items() if key != "time"} for each in records]


def without_latency(verdicts: Iterable[Verdict]) -> list[str]:
    """Return verdicts in a form in which NaN equals NaN."""
    return [str(verdict[:-1]) for verdict in verdicts]


def _read_json(sink: JSONLinesSink) -> list[dict[str, Any]]:
    return [json.loads(line) for line in sink.path.read_text().splitlines()]


def _read_sqlite(sink: SQLiteSink) -> list[dict[str, Any]]:
    connection = sqlite3.connect(sink.path)
    connection.row_factory = sqlite3.Row
    found = [dict(row) for row in connection.execute("SELECT * FROM events ORDER BY id")]
    connection.close()
    for record in found:
        del record["id"]
        _parse(record, ("position", "about", "features"))
    return found


def _read_parquet(sink: ParquetSink) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    files: list[Path] = sorted(sink.folder.glob("*.parquet"))
    found = [record for file in files for record in pq.read_table(file).to_pylist()]
    for record in found:
        record["time"] = record["time"].isoformat(timespec="microseconds")
        _parse(record, ("position", "about"))
    return found


def _parse(record: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        if record[name] is not None:
            record[name] = json.loads(record[name])


_READERS: dict[type, Any] = {
    JSONLinesSink: _read_json,
    SQLiteSink: _read_sqlite,
    ParquetSink: _read_parquet,
}
