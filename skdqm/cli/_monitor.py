"""``skdqm monitor``: a stream of rows to verdicts, by a model that goes on learning."""

from pathlib import Path
from typing import Annotated, Any

import typer

from skdqm.cli._dqm_options import VERDICT_SUFFIXES, check_outputs
from skdqm.cli._model import Model
from skdqm.cli._monitor_log import EventLog, opened_log
from skdqm.cli._monitor_pass import Pass
from skdqm.cli._monitor_stream import Columns, Stream, write_changed
from skdqm.cli._options import (
    KeyOption,
    NonFinite,
    NonFiniteOption,
    QuietOption,
    RowsOption,
)
from skdqm.cli._score import ANOMALIES_FOUND, STANDARD_OUTPUT
from skdqm.cli._source import Source
from skdqm.cli._terminal import messages
from skdqm.exceptions import UsageError

PICTURES = (".png", ".svg", ".pdf")


def monitor(
    stream: Annotated[
        Path,
        typer.Argument(metavar="STREAM", help="HDF5, ROOT, CSV, Parquet or npz: rows in time."),
    ],
    model: Annotated[
        Path,
        typer.Option(
            "--model", "-m", metavar="MODEL", help="A file that train --detector continual wrote."
        ),
    ],
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="A table of verdicts, .csv, .csv.gz or .parquet; - prints CSV. Of each row its "
            "number in the file, place in the stream, run and lumisection if the file has these "
            "columns, score, verdict (1 good, -1 bad, 0 not enough data), p-value, the status of "
            "its block, and the expert and the version that judged.",
        ),
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.jsonl",
            help="Every decision as a line of JSON, as it comes; - prints them.",
        ),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="A picture, .png, .svg or .pdf.")
    ] = None,
    update: Annotated[
        Path | None,
        typer.Option(
            metavar="NEWMODEL",
            help="Write the model as it is after the stream, which the next stream goes on with.",
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Labels, 1 = anomaly and 0 = good: for figures at the end, never to learn from.",
        ),
    ] = None,
    verdicts: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="What may be believed of rows: 1 good, -1 bad, 0 or empty not known.",
        ),
    ] = None,
    condition: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Tags of run conditions.")
    ] = None,
    learn: Annotated[
        bool, typer.Option("--learn/--no-learn", help="Follow the stream, or only judge its rows.")
    ] = True,
    fail_on_anomaly: Annotated[
        bool,
        typer.Option(
            "--fail-on-anomaly",
            help="Exit with 1 when a ticket was opened or still is, or the last block is an "
            "anomaly; single flagged rows, a promised share of all, do not count. With --no-learn, "
            "when a row is flagged.",
        ),
    ] = False,
    key: KeyOption = None,
    nonfinite: NonFiniteOption = NonFinite.ERROR,
    n_rows: RowsOption = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            "--batch-size",
            "-b",
            min=1,
            help="Rows read at a time. [default: 50,000, fewer of wide tables]",
        ),
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Follow STREAM: judge its rows, then learn what may be learned; a long anomaly is one ticket.

    Rows are in the order of time, and each is judged by what was known before it. Other columns
    than those of the model are not looked at. A file of any size takes the same memory, but for 10
    bytes a row with --label.
    """
    say = messages(quiet=quiet)
    _check_outputs(output, log, picture, update, [stream, model])
    if not learn:
        _check_static(log, update, verdicts, condition)
    opened = Model.for_tables(model)
    source = Source(stream, "none", key, nonfinite, n_rows)
    rows = Stream.of(opened, source, Columns(label, verdicts, condition))
    with opened_log(log) as sink:
        run = Pass(rows, EventLog(opened.detector, sink), learn=learn, draws=picture is not None)
        seconds = run.through(output, batch_size, say)
    if picture is not None:
        run.draw(picture)
    if update is not None:
        step = {"data": stream.name, "n_rows": run.tally.n_rows, "by": "monitor"}
        write_changed(opened, update, step)
    run.report(seconds, say)
    if update is not None:
        say.print(f"wrote {update}")
    if fail_on_anomaly and run.is_anomalous():
        raise typer.Exit(ANOMALIES_FOUND)


def _check_outputs(
    output: Path | None,
    log: Path | None,
    picture: Path | None,
    update: Path | None,
    inputs: list[Path],
) -> None:
    if output == log == STANDARD_OUTPUT:
        raise UsageError("-o - and --log -: both print; give one of them the name of a file")
    targets: list[tuple[Path | None, tuple[str, ...]]] = [(picture, PICTURES), (update, ())]
    targets += [] if output == STANDARD_OUTPUT else [(output, VERDICT_SUFFIXES)]
    targets += [] if log == STANDARD_OUTPUT else [(log, ())]
    check_outputs(targets, inputs)


def _check_static(*following: Any) -> None:
    names = ("--log", "--update", "--verdicts", "--condition")
    given = [name for name, value in zip(names, following, strict=True) if value is not None]
    if given:
        raise UsageError(f"--no-learn decides and learns nothing; leave out {', '.join(given)}")
