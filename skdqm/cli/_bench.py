"""``skdqm bench``: measurements beside other packages."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from skdqm.cli import (
    _bench_continual,
    _bench_dqm,
    _bench_drift,
    _bench_growth,
    _bench_ranking,
    _bench_stream,
)
from skdqm.cli._options import JsonOption, QuietOption
from skdqm.cli._terminal import messages, print_json, print_table

if TYPE_CHECKING:
    from skdqm.benchmark import SpeedResult

app = typer.Typer(help="Measure skdqm beside other packages, in one run.")

REFERENCES = ("skdqm AutoencoderDetector", "bare torch loop")
HEADER = ("fit, s", "score, s", "one event, us", "peak memory, MiB")


@app.callback()
def _group() -> None:
    """Measure skdqm beside other packages, in one run."""


app.command("tabular")(_bench_ranking.tabular)
app.command("lhco")(_bench_ranking.lhco)
app.command("images")(_bench_ranking.images)
app.command("dqm")(_bench_dqm.dqm)
app.command("continual")(_bench_continual.continual)
app.command("drift")(_bench_drift.drift)
app.command("growth")(_bench_growth.growth)
app.command("stream")(_bench_stream.stream)


@app.command()
def speed(
    *,
    rows: Annotated[int, typer.Option(min=100, help="Rows to fit and to score.")] = 100_000,
    features: Annotated[int, typer.Option(min=2, help="Columns.")] = 14,
    batch_size: Annotated[int, typer.Option(min=1, help="Rows of a training step.")] = 1024,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the rows.")] = 10,
    repeats: Annotated[int, typer.Option(min=1, help="Runs; medians are shown.")] = 3,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Time our autoencoders beside PyOD's and beside a bare torch loop, on the same arrays."""
    from skdqm.benchmark import speed as measure

    say = messages(quiet=quiet)
    results = measure(
        rows, features, batch_size=batch_size, epochs=epochs, repeats=repeats, report=say.print
    )
    if json:
        settings = {"rows": rows, "features": features, "batch_size": batch_size, "epochs": epochs}
        print_json({**settings, "repeats": repeats, **_figures(results)})
    else:
        _print_tables(results)


def _figures(results: "list[SpeedResult]") -> dict[str, Any]:
    by_name = {result.contender: result for result in results}
    ratios = {
        reference: {each.contender: each.relative_to(by_name[reference]) for each in results}
        for reference in REFERENCES
    }
    return {"measured": {each.contender: each.measures() for each in results}, "ratios": ratios}


def _print_tables(results: "list[SpeedResult]") -> None:
    figures = _figures(results)
    tables = {"contender": figures["measured"]} | {
        f"relative to {reference}": table for reference, table in figures["ratios"].items()
    }
    for title, table in tables.items():
        rows = [(name, *measures.values()) for name, measures in table.items()]
        print_table((title, *HEADER), rows)
