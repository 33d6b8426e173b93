"""``skdqm score``: a file of rows to a file of rows with their anomaly scores."""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skdqm.cli._model import Model
from skdqm.cli._options import (
    BatchSizeOption,
    DataArgument,
    KeyOption,
    LabelOption,
    ModelArgument,
    NonFinite,
    NonFiniteOption,
    QuietOption,
)
from skdqm.cli._source import Source, check_output
from skdqm.cli._terminal import messages, progress
from skdqm.exceptions import DataError

if TYPE_CHECKING:
    import pandas as pd

    from skdqm.io import Table

SCORE = "anomaly_score"
FLAG = "is_anomaly"
P_VALUE = "p_value"
STANDARD_OUTPUT = Path("-")
ANOMALIES_FOUND = 1


def score(
    model: ModelArgument,
    data: DataArgument,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="A .csv, .csv.gz or .parquet file; - prints CSV."),
    ],
    *,
    keep: Annotated[
        str,
        typer.Option(
            metavar="all|none|A,B", help="Columns to copy besides those that the model takes."
        ),
    ] = "all",
    label: LabelOption = "auto",
    key: KeyOption = None,
    nonfinite: NonFiniteOption = NonFinite.ERROR,
    batch_size: BatchSizeOption = 50_000,
    flags: Annotated[
        bool, typer.Option("--flags", help=f"Also write {FLAG}, and {P_VALUE} if calibrated.")
    ] = False,
    fail_on_anomaly: Annotated[
        bool, typer.Option("--fail-on-anomaly", help="Exit with 1 when a row is flagged.")
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Score DATA, batch after batch: its columns, its label, and anomaly_score (high = abnormal).

    Columns are matched by name, in any order.
    """
    say = messages(quiet=quiet)
    source = Source(data, label, key, nonfinite)
    if output != STANDARD_OUTPUT:
        check_output(output)
    opened = Model.open(model)
    scoring = Scoring(opened, opened.columns_in(source), source.label_name(), with_flags=flags)
    columns = columns_to_read(scoring.features, keep)
    started = perf_counter()
    with progress(say, "scoring", source.summary().n_rows) as advance:
        write(scoring.frames(source.batches(batch_size, columns), advance), output)
    say.print(scoring.summary(perf_counter() - started))
    if fail_on_anomaly and scoring.n_flagged:
        raise typer.Exit(ANOMALIES_FOUND)


@dataclass
class Scoring:
    """One pass of a model over the batches of a file, and what it counts on the way."""

    model: Model
    features: list[str]
    label: str | None
    with_flags: bool
    n_rows: int = 0
    n_flagged: int = 0
    n_dropped: int = 0

    def frames(
        self, tables: Iterable["Table"], advance: Callable[[int], object]
    ) -> Iterator["pd.DataFrame"]:
        """Yield each batch with its scores."""
        for table in tables:
            yield self._frame(table)
            advance(len(table) + table.n_dropped)

    def summary(self, seconds: float) -> str:
        """Say what was done."""
        dropped = f", {self.n_dropped:,} dropped (NaN or infinity)" if self.n_dropped else ""
        return (
            f"scored {self.n_rows:,} rows in {seconds:.1f} s ({self.n_rows / seconds:,.0f} rows/s)"
            f"{dropped}; {self.n_flagged:,} flagged ({self.n_flagged / self.n_rows:.2%})"
        )

    def _frame(self, table: "Table") -> "pd.DataFrame":
        detector = self.model.detector
        rows = self.model.transform(table.X[self.features])
        scores = detector.score_samples(rows)
        flagged = scores - detector.offset_ < 0
        self.n_rows += len(scores)
        self.n_flagged += int(flagged.sum())
        self.n_dropped += table.n_dropped
        new: dict[str, Any] = {} if self.label is None else {self.label: table.y}
        new[SCORE] = -scores
        if self.with_flags:
            new[FLAG] = flagged.astype(int)
            if hasattr(detector, "calibration_scores_"):
                new[P_VALUE] = detector.p_values(rows)
        return _extended(table, new)


def columns_to_read(features: list[str], keep: str) -> list[str] | None:
    """Return the columns to read, the model's first unless all are kept (None)."""
    if keep == "all":
        return None
    kept = [] if keep == "none" else [name.strip() for name in keep.split(",")]
    return [*features, *(name for name in kept if name not in features)]


def write(frames: "Iterable[pd.DataFrame]", output: Path) -> None:
    """Write frames one below the other to a file, or as CSV to standard output."""
    from skdqm.io import write_batches

    if output != STANDARD_OUTPUT:
        write_batches(frames, output)
        return
    for number, frame in enumerate(frames):
        frame.to_csv(sys.stdout, index=False, header=number == 0, lineterminator="\n")


def _extended(table: "Table", new: dict[str, Any]) -> "pd.DataFrame":
    taken = [name for name in new if name in table.X.columns]
    if taken:
        raise DataError(
            f"{table.source}: the file already has a column {', '.join(taken)}; rename it, or "
            "leave it out with --keep"
        )
    return table.X.assign(**new)
