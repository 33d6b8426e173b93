"""``skdqm score``: a file of rows to a file of rows with their anomaly scores."""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
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
    RowsOption,
)
from skdqm.cli._score_dask import Judged, judging
from skdqm.cli._source import Source, check_output
from skdqm.cli._terminal import messages, progress
from skdqm.exceptions import DataError, UsageError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from skdqm.io import Table

ROW = "row"
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
            metavar="auto|all|none|A,B",
            help="Columns to copy besides those that the model takes and the label; auto: all of a "
            "table, none of images and raw events.",
        ),
    ] = "auto",
    label: LabelOption = "auto",
    key: KeyOption = None,
    nonfinite: NonFiniteOption = NonFinite.ERROR,
    n_rows: RowsOption = None,
    batch_size: BatchSizeOption = None,
    flags: Annotated[
        bool, typer.Option("--flags", help=f"Also write {FLAG}, and {P_VALUE} if calibrated.")
    ] = False,
    fail_on_anomaly: Annotated[
        bool, typer.Option("--fail-on-anomaly", help="Exit with 1 when a row is flagged.")
    ] = False,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Score on the workers of a Dask scheduler (tcp://HOST:PORT), or on N processes of "
            "this machine (local:N; local for as many as it has cores).",
        ),
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Score DATA, batch after batch: its columns as they are, and anomaly_score (high = abnormal).

    The columns of the model are found by their names, in any order; others may hold anything. Of
    images and raw events only the label is copied. There, and with --nonfinite drop, a first
    column, row, says which rows of the file (from 0) they are.
    """
    say = messages(quiet=quiet)
    if output != STANDARD_OUTPUT:
        check_output(output, data, model)
    opened = Model.for_tables(model)
    source = Source(data, label, key, nonfinite, n_rows)
    keep = resolved(keep, source)
    source = with_label(source, opened, keep)
    carry = columns_to_copy(source, opened.columns_in(source), keep)
    with judging(opened, source.path, dask) as judged:
        scoring = Scoring(opened, source, judged, with_flags=flags)
        started = perf_counter()
        with progress(say, "scoring", n_rows or source.summary.n_rows) as advance:
            write(scoring.frames(carry, batch_size, advance), output)
        seconds = perf_counter() - started
    say.print(scoring.summary(seconds))
    if keep == "all" and scoring.left_out:
        say.print(f"left out, because they cannot be read: {', '.join(scoring.left_out)}")
    if fail_on_anomaly and scoring.n_flagged:
        raise typer.Exit(ANOMALIES_FOUND)


@dataclass
class Scoring:
    """One pass of a model over the batches of a file, and what it counts on the way."""

    model: Model
    source: Source
    judged: Judged
    with_flags: bool
    n_rows: int = 0
    n_flagged: int = 0
    n_dropped: int = 0
    left_out: list[str] = field(default_factory=list)

    def frames(
        self, carry: str | list[str], size: int | None, advance: Callable[[int], object]
    ) -> Iterator["pd.DataFrame"]:
        """Yield each batch with its scores."""
        features = self.model.columns_in(self.source)
        # Whatever the label holds, it is only copied.
        unlabelled = replace(self.source, label="none")
        for table, scores, labels in self.judged(unlabelled.batches(size, features, carry)):
            yield self._frame(table, scores, labels)
            advance(len(table) + table.n_dropped)

    def summary(self, seconds: float) -> str:
        """Say what was done."""
        dropped = f", {self.n_dropped:,} dropped (NaN or infinity)" if self.n_dropped else ""
        return (
            f"scored {self.n_rows:,} rows in {seconds:.1f} s ({self.n_rows / seconds:,.0f} rows/s)"
            f"{dropped}; {self.n_flagged:,} flagged ({self.n_flagged / self.n_rows:.2%})"
        )

    def _frame(
        self, table: "Table", scores: "NDArray[np.float64]", labels: "NDArray[np.int64]"
    ) -> "pd.DataFrame":
        import numpy as np

        detector = self.model.detector
        flagged = labels == -1
        self.n_rows += len(scores)
        self.n_flagged += int(flagged.sum())
        self.n_dropped += table.n_dropped
        new: dict[str, Any] = {SCORE: -scores}
        if self.with_flags:
            # Rows with too little data have no flag.
            has_verdict = labels != 0
            flags = flagged.astype(int)
            new[FLAG] = flags if has_verdict.all() else np.where(has_verdict, flags, np.nan)
            if hasattr(detector, "calibration_scores_"):
                new[P_VALUE] = self.model.p_values_of(scores)
        return self._extended(table, new)

    def _extended(self, table: "Table", new: dict[str, Any]) -> "pd.DataFrame":
        import pandas as pd

        copied = pd.DataFrame(table.carried)
        self.left_out = [name for name in self.source.summary.columns if name not in copied]
        is_numbered = self.source.nonfinite is NonFinite.DROP or self.source.summary.kind != "table"
        first = {ROW: table.X.index} if is_numbered else {}
        taken = [name for name in (*first, *new) if name in copied]
        if taken:
            raise DataError(
                f"{table.source}: the file already has a column {', '.join(taken)}; rename it, or "
                "leave it out with --keep"
            )
        return pd.concat(
            [pd.DataFrame(first, copied.index), copied, pd.DataFrame(new, copied.index)], axis=1
        )


def resolved(keep: str, source: Source) -> str:
    """Return what ``auto`` means: nobody wants thousands of pixels or particles again."""
    if keep != "auto":
        return keep
    return "all" if source.summary.kind == "table" else "none"


def with_label(source: Source, model: Model, keep: str) -> Source:
    """Settle which column is the label, where it matters."""
    is_table = source.summary.kind == "table" and model.features is not None
    # All columns are copied and the model names its own: nobody asks which one is the label.
    if is_table and keep == "all" and source.label == "auto":
        return replace(source, label="none")
    return model.settle_label(source)


def columns_to_copy(source: Source, features: list[str], keep: str) -> str | list[str]:
    """Return the columns to copy, in the order of the file: all, or those asked for."""
    if keep == "all":
        return "all"
    named = [] if keep == "none" else [name.strip() for name in keep.split(",")]
    label = source.label_name()
    taken = features if source.summary.kind == "table" else []
    wanted = dict.fromkeys([*taken, *([] if label is None else [label]), *named])
    present = dict.fromkeys(name for name in source.summary.columns if name in wanted)
    return list(present | wanted)


def write(frames: "Iterable[pd.DataFrame]", output: Path) -> None:
    """Write frames one below the other to a file, or as CSV to standard output."""
    from skdqm.io import write_batches

    if output != STANDARD_OUTPUT:
        write_batches(frames, output)
    elif sys.stdout is None:
        raise UsageError("-o -: standard output is closed; give the name of a file")
    else:
        write_batches(frames, sys.stdout)
