"""Where the alarms of ``skdqm watch`` go."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skdqm.cli._score import STANDARD_OUTPUT
from skdqm.cli._source import check_folder
from skdqm.exceptions import UsageError

if TYPE_CHECKING:
    from skdqm.streaming import Results

LINES = (".jsonl", ".ndjson")
TABLES = (".sqlite", ".sqlite3", ".db")
FOLDERS = (".parquet",)
ANOMALY, MALFORMED = "anomaly", "malformed"


class PrintedLines:
    """Alarms as lines of JSON on standard output, each at once.

    What was printed cannot be taken back: after a kill the alarms of the last moment are printed
    again; their numbers tell.
    """

    description: dict[str, Any] = {"sink": "standard output"}  # noqa: RUF012

    def open(self, marker: Any) -> None:
        """Nothing is to be opened."""

    def write(self, results: "Results") -> None:
        """Print the alarms of a micro-batch."""
        records = results.records([ANOMALY])
        if records:
            # Looked up now: what shows itself in a terminal lets others print above it.
            sys.stdout.write("".join(f"{json.dumps(record)}\n" for record in records))
            sys.stdout.flush()

    def commit(self) -> None:
        """Nothing can be promised."""

    def close(self) -> None:
        """Nothing is to be closed."""


def sinks_of(
    alarms: Path, malformed: Path | None, checkpoint: Path | None, inputs: Sequence[Path]
) -> list[Any]:
    """Return the sinks that the names of files stand for."""
    from skdqm.streaming import JSONLinesSink

    _check([alarms, malformed, checkpoint], inputs)
    sinks = [_alarms(alarms)]
    if malformed is not None:
        if not malformed.name.lower().endswith(LINES):
            raise UsageError(f"--malformed {malformed}: expected the name of a .jsonl file")
        sinks.append(JSONLinesSink(malformed, [MALFORMED]))
    return sinks


def _alarms(path: Path) -> Any:
    from skdqm.streaming import JSONLinesSink, ParquetSink, SQLiteSink

    if path == STANDARD_OUTPUT:
        if sys.stdout is None:
            raise UsageError("standard output is closed; give --alarms the name of a file")
        return PrintedLines()
    name = path.name.lower()
    if name.endswith(LINES):
        return JSONLinesSink(path, [ANOMALY])
    if name.endswith(TABLES):
        return SQLiteSink(path, [ANOMALY])
    if name.endswith(FOLDERS):
        return ParquetSink(path, [ANOMALY])
    known = " ".join((*LINES, *TABLES, *FOLDERS))
    raise UsageError(f"--alarms {path}: expected -, or a name that ends in one of {known}")


def _check(outputs: Sequence[Path | None], inputs: Sequence[Path]) -> None:
    """Refuse, before a model is loaded, what cannot be written, and one name for two things."""
    seen = {path.resolve() for path in inputs if path.exists()}
    for path in outputs:
        if path is None or path == STANDARD_OUTPUT:
            continue
        check_folder(path)
        if path.resolve() in seen:
            raise UsageError(f"{path}: this name stands for two files; give each its own")
        seen.add(path.resolve())
