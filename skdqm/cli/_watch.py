"""``skdqm watch``: events as they come to alarms, until somebody stops it."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from skdqm.cli._model import Model
from skdqm.cli._options import QuietOption
from skdqm.cli._score import ANOMALIES_FOUND, STANDARD_OUTPUT
from skdqm.cli._terminal import messages
from skdqm.cli._watch_sinks import sinks_of


class Adaptive(StrEnum):
    """How a threshold follows."""

    EXTREME = "extreme"
    CONFORMAL = "conformal"
    QUANTILE = "quantile"


class WhenFull(StrEnum):
    """What happens when events come faster than they are judged."""

    BLOCK = "block"
    DROP_OLDEST = "drop-oldest"


class Form(StrEnum):
    """How lines of text are written."""

    CSV = "csv"
    JSONL = "jsonl"


def watch(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A file of CSV or JSON lines or an HDF5 file, which may grow; a folder whose "
            "files appear; - for CSV or JSON lines from standard input; or "
            "kafka://BROKER:PORT/TOPIC.",
        ),
    ],
    model: Annotated[
        Path, typer.Option("--model", "-m", metavar="MODEL", help="A file that train wrote.")
    ],
    *,
    alarms: Annotated[
        Path,
        typer.Option(
            "--alarms",
            "-a",
            metavar="FILE|-",
            help="Where flagged events are added: .jsonl, .sqlite, or a folder .parquet; - prints "
            "JSON lines.",
        ),
    ] = STANDARD_OUTPUT,
    malformed: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.jsonl", help="Where what is no event is added, with the reason."
        ),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keep there how far it is; started again, it goes on where it was, even after a "
            "kill.",
        ),
    ] = None,
    checkpoint_every: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Time between two checkpoints.")
    ] = 1.0,
    follow: Annotated[
        bool, typer.Option("--follow/--no-follow", help="Wait for more, or end with what is there.")
    ] = True,
    until_idle: Annotated[
        float | None,
        typer.Option(min=0, metavar="SECONDS", help="End when nothing has come for so long."),
    ] = None,
    n_events: Annotated[
        int | None, typer.Option("--events", min=1, metavar="N", help="End after N events.")
    ] = None,
    form: Annotated[
        Form | None,
        typer.Option("--format", help="How lines are written. [default: as the first one looks]"),
    ] = None,
    key: Annotated[
        str | None, typer.Option(metavar="NAME", help="The table, if an HDF5 file holds several.")
    ] = None,
    settle: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="SECONDS",
            help="A file in a folder is complete when it has not changed for so long.",
        ),
    ] = 2.0,
    adaptive: Annotated[
        Adaptive | None,
        typer.Option(
            help="Let the threshold follow the scores, so that the alarm rate is kept: of good "
            "events (extreme), or of all (conformal, quantile)."
        ),
    ] = None,
    alarm_rate: Annotated[
        float | None,
        typer.Option(help="Share of good events to flag. [default: that of the model]"),
    ] = None,
    learn_every: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Let the model learn, in the background, N events at a time."
        ),
    ] = None,
    latency_budget: Annotated[
        float,
        typer.Option(min=0, metavar="MS", help="Milliseconds that an event may wait for others."),
    ] = 5.0,
    batch_size: Annotated[
        int, typer.Option("--batch-size", "-b", min=1, help="Events judged at once, at most.")
    ] = 512,
    when_full: Annotated[
        WhenFull,
        typer.Option(
            help="What happens when events come faster than they are judged: the source waits, or "
            "the oldest are dropped, and counted."
        ),
    ] = WhenFull.BLOCK,
    fail_on_anomaly: Annotated[
        bool, typer.Option("--fail-on-anomaly", help="Exit with 1 when an event was flagged.")
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Judge the events of SOURCE as they come, and write those that are flagged, at once.

    Events are matched to the model by the names of columns or keys; a JSON array is taken in order.
    An alarm has the score, the p-value, the threshold, the features, and where the event comes
    from: file and line or row, and run, lumisection, event or id where it has them. What is no
    event is counted and said, and ends nothing. Control-C ends: what came is judged first.
    """
    from skdqm.cli._watch_detector import detector_of
    from skdqm.cli._watch_run import Watch
    from skdqm.streaming import EventSource, StreamingDetector, StreamWorker

    say = messages(quiet=quiet)
    sinks = sinks_of(alarms, malformed, checkpoint, [Path(source), model])
    detector = detector_of(Model.for_tables(model), adaptive, alarm_rate)
    stream = StreamingDetector(detector, learn_every=learn_every)
    run = Watch(source, stream, say)
    events = EventSource(
        source,
        stream.features,
        follow=follow,
        until_idle=until_idle,
        form=form,
        key=key,
        settle=settle,
        say=say.print,
        while_waiting=run.check,
    )
    worker = StreamWorker(
        stream,
        when_full=when_full.replace("-", "_"),
        latency_budget=latency_budget / 1000,
        batch_size=batch_size,
        callback=run.heard,
        sink=sinks,
        checkpoint=checkpoint,
        checkpoint_every=checkpoint_every,
    )
    code = run.through(events, worker, n_events)
    if code or (fail_on_anomaly and worker.report.n_anomalies):
        raise typer.Exit(code or ANOMALIES_FOUND)
