"""``skdqm confirm``, ``feedback`` and ``rollback``: what people say of a stream."""

from pathlib import Path
from typing import Annotated, Any

import typer

from skdqm.cli._model import Model
from skdqm.cli._monitor_stream import open_continual, write_changed
from skdqm.cli._options import ModelArgument, ModelOutput, QuietOption
from skdqm.cli._source import check_output
from skdqm.cli._terminal import messages
from skdqm.exceptions import UsageError

# Places that one word of --rows may name.
MOST_PLACES = 1_000_000


def confirm(
    model: ModelArgument,
    ticket: Annotated[int, typer.Argument(help="Its number; skdqm info MODEL shows all.")],
    output: ModelOutput,
    *,
    benign: Annotated[
        bool | None,
        typer.Option("--benign/--fault", help="A new condition, or something that was wrong."),
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Say what a TICKET of MODEL was: what was held is learned, or what was learned is undone."""
    check_output(output)
    if benign is None:
        raise UsageError("expected --benign or --fault: what was it?")
    opened = open_continual(model)
    detector: Any = opened.detector
    try:
        detector.confirm(ticket, benign=benign)
    except UsageError as error:
        raise UsageError(f"{model}: {error}; {tickets_in_words(detector)}") from error
    said = "benign" if benign else "a fault"
    _write(opened, output, {"ticket": ticket, "by": "confirm", "said": said}, quiet=quiet)


def rollback(
    model: ModelArgument,
    version: Annotated[int, typer.Argument(help="One of those that skdqm info MODEL shows.")],
    output: ModelOutput,
    *,
    quiet: QuietOption = False,
) -> None:
    """Go back to the experts that MODEL had at an earlier VERSION."""
    check_output(output)
    opened = open_continual(model)
    detector: Any = opened.detector
    try:
        detector.rollback(version)
    except UsageError as error:
        raise UsageError(f"{model}: {error}") from error
    _write(opened, output, {"version": version, "by": "rollback"}, quiet=quiet)


def feedback(
    model: ModelArgument,
    output: ModelOutput,
    *,
    good: Annotated[
        bool | None, typer.Option("--good/--bad", help="The verdict on all of the rows.")
    ] = None,
    rows: Annotated[
        str | None,
        typer.Option(
            metavar="A-B,C", help="Places in the stream, as monitor counts them: 1200-1299,1500."
        ),
    ] = None,
    lumisections: Annotated[
        str | None,
        typer.Option(
            metavar="RUN:A-B,...", help="Lumisections, as in 297050:12-40,297051:1-3; not --rows."
        ),
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Tell MODEL, late, that rows were good or bad: these are undone, and those are learned."""
    check_output(output)
    if good is None:
        raise UsageError("expected --good or --bad: what were they?")
    index = _index(rows, lumisections)
    opened = open_continual(model)
    detector: Any = opened.detector
    detector.feedback(index, 1 if good else -1)
    said = detector.events_[-1]
    step = {"rows": rows or lumisections, "by": "feedback", "said": "good" if good else "bad"}
    messages(quiet=quiet).print(f"{said['event']}: {said['n_rows']:,} rows ({said['reason']})")
    _write(opened, output, step, quiet=quiet)


def tickets_in_words(detector: Any) -> str:
    """Say which tickets there are."""
    tickets = detector.tickets_
    found = "; ".join(
        f"{each['number']} {each['state']}, rows {each['first_row']}-{each['last_row']}"
        for each in tickets[-8:]
    )
    return f"its latest tickets are: {found}" if tickets else "it has no ticket"


def _index(rows: str | None, lumisections: str | None) -> list[Any]:
    if (rows is None) == (lumisections is None):
        raise UsageError("expected either --rows or --lumisections, to say which rows are meant")
    if rows is not None:
        return [place for word in rows.split(",") for place in _range(word, "--rows")]
    pairs = []
    for word in str(lumisections).split(","):
        run, colon, inside = word.partition(":")
        if not (colon and run.strip().isdecimal()):
            raise UsageError(f"--lumisections {word}: expected RUN:A-B, as in 297050:12-40")
        pairs += [(int(run), number) for number in _range(inside, "--lumisections")]
    return pairs


def _range(word: str, option: str) -> range:
    first, dash, last = word.strip().partition("-")
    last = last if dash else first
    if not (first.isdecimal() and last.isdecimal() and int(first) <= int(last)):
        raise UsageError(f"{option} {word}: expected one whole number or two as in 1200-1299")
    if int(last) - int(first) >= MOST_PLACES:
        raise UsageError(f"{option} {word}: found more than {MOST_PLACES:,} of them; give fewer")
    return range(int(first), int(last) + 1)


def _write(model: Model, output: Path, step: dict[str, Any], *, quiet: bool) -> None:
    write_changed(model, output, step)
    messages(quiet=quiet).print(f"wrote {output}")
