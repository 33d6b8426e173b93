"""``skdqm bench growth``: how time grows with the number of rows."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skdqm.cli._bench_options import ContendersOption, names_in, reporting, say_failures
from skdqm.cli._options import JsonOption, QuietOption
from skdqm.cli._terminal import messages, print_json, print_table

if TYPE_CHECKING:
    from skdqm.benchmark import GrowthResult


def growth(
    *,
    rows: Annotated[int, typer.Option(min=1000, help="The largest number of rows.")] = 100_000,
    features: Annotated[int, typer.Option(min=2, help="Columns.")] = 14,
    contenders: ContendersOption = None,
    limit: Annotated[
        float, typer.Option(min=0.001, help="Seconds one fit with its scoring may take.")
    ] = 60.0,
    repeats: Annotated[int, typer.Option(min=1, help="Runs; medians are shown.")] = 1,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Time detectors from 1,000 rows up, and tell by which power of the rows time grows."""
    from skdqm.benchmark import growth as measure

    console = messages(quiet=quiet)
    with reporting(console) as report:
        results = measure(
            rows,
            features,
            contenders=names_in(contenders),
            limit=limit,
            repeats=repeats,
            report=report,
        )
    if json:
        settings = {"features": features, "limit": limit, "repeats": repeats}
        print_json({**settings, "contenders": [_figures(each) for each in results]})
    else:
        _print_tables(results)
    failed = [each for each in results if each.stopped and each.stopped.startswith("failed")]
    say_failures(console, [f"{each.contender}: {each.stopped}" for each in failed])


def _figures(result: "GrowthResult") -> dict[str, Any]:
    return {
        "contender": result.contender,
        "rows": result.rows,
        "fit_seconds": result.fit_seconds,
        "score_seconds": result.score_seconds,
        "fit_exponent": result.fit_exponent(),
        "score_exponent": result.score_exponent(),
        "stopped": result.stopped,
    }


def _print_tables(results: "list[GrowthResult]") -> None:
    sizes = sorted({size for each in results for size in each.rows})
    parts: dict[str, Callable[[GrowthResult], tuple[list[float], float | None]]] = {
        "fit, s": lambda each: (each.fit_seconds, each.fit_exponent()),
        "score, s": lambda each: (each.score_seconds, each.score_exponent()),
    }
    for title, part in parts.items():
        lines = [_line(each, *part(each), len(sizes)) for each in results]
        print_table((title, *(f"{size} rows" for size in sizes), "exponent"), lines)


def _line(
    result: "GrowthResult", seconds: list[float], exponent: float | None, n_sizes: int
) -> tuple[Any, ...]:
    """Return the cells of a contender; what was not measured says why, in a word or two."""
    why = (result.stopped or "").partition(",")[0]
    return (result.contender, *seconds, *[why] * (n_sizes - len(seconds)), exponent)
