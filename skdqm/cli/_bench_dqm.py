"""``skdqm bench dqm``: detectors as monitors of data quality, forward in time."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skdqm.cli._bench_options import (
    FolderOption,
    SeedsOption,
    as_records,
    names_in,
    print_averages,
    reporting,
    say_failures,
)
from skdqm.cli._options import JsonOption, QuietOption
from skdqm.cli._terminal import messages, print_json

if TYPE_CHECKING:
    import pandas as pd

    from skdqm.benchmark import DqmResult

# Columns of results, and what a table calls them.
OVER_RUNS = {
    "contender": "detector/reference",
    "n_seeds": "seeds",
    "auroc": "ROC-AUC",
    "auroc_std": "+-",
    "auroc_by_run": "within runs",
    "tpr_at_1_percent": "TPR at 1 % FPR",
    "tpr_at_1_percent_std": "+-",
    "detected": "faulty flagged",
    "false_alarm_rate": "good flagged",
    "alarms_per_run": "alarms a run",
    "false_alarms_per_day": "false alarms a day",
    "false_alarms_per_day_std": "+-",
    "seconds": "seconds",
    "n_failed": "failed",
}
FDR, LOCALISED = "fdr_", "localised_"


def dqm(
    histograms: Annotated[
        Path | None,
        typer.Argument(
            metavar="[HISTOGRAMS]",
            help="A file of histograms per lumisection with labels. [default: generated ones]",
        ),
    ] = None,
    *,
    label: Annotated[
        str | None, typer.Option("--label", metavar="NAME", help="The column of labels.")
    ] = None,
    good: Annotated[
        str, typer.Option("--good", metavar="VALUE", help="The label of good lumisections.")
    ] = "1",
    where: Annotated[
        list[str] | None,
        typer.Option("--where", metavar="NAME=VALUE", help="Take these rows only; repeatable."),
    ] = None,
    detectors: Annotated[
        str | None,
        typer.Option(
            "--detectors",
            metavar="A,B,...",
            help="Such as max_pull, max_pull/rolling or '*/static'. [default: all]",
        ),
    ] = None,
    seeds: SeedsOption = 3,
    faults: Annotated[
        str | None,
        typer.Option("--faults", metavar="A,B,...", help="Kinds of generated faults."),
    ] = None,
    maps: Annotated[
        str | None,
        typer.Option("--maps", metavar="NxM", help="Cells of generated maps. [default: 16x32]"),
    ] = None,
    min_entries: Annotated[
        float, typer.Option("--min-entries", min=0, help="Entries that a verdict needs.")
    ] = 200,
    output: FolderOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Let detectors watch run after run, learning good lumisections of runs that are over."""
    from skdqm.benchmark import dqm as measure

    console = messages(quiet=quiet)
    with reporting(console) as report:
        result = measure(
            histograms,
            label=label,
            good=good,
            where=where or (),
            detectors=names_in(detectors),
            seeds=seeds,
            faults=names_in(faults),
            maps=_sides(maps),
            min_entries=min_entries,
            out=output,
            report=report,
        )
    if json:
        print_json(_as_json(result, histograms, seeds))
    else:
        _print_tables(result)
    say_failures(console, result.failures)
    if output is not None:
        console.print(f"{output}: results.jsonl, runs.csv and maps.csv")


def _sides(maps: str | None) -> list[int] | None:
    if maps is None:
        return None
    sides = maps.lower().split("x")
    if not all(side.isdecimal() for side in sides):
        raise typer.BadParameter(f"{maps!r} is no shape; give for example 16x32", param_hint="maps")
    return [int(side) for side in sides]


def _as_json(result: "DqmResult", data: Path | None, seeds: int) -> dict[str, Any]:
    return {
        "data": None if data is None else str(data),
        "seeds": seeds,
        "runs": as_records(result.runs),
        "maps": as_records(result.maps),
        "failures": list(result.failures),
    }


def _print_tables(result: "DqmResult") -> None:
    if len(result.runs):
        print_averages(_with_seconds(result.runs), OVER_RUNS)
    if len(result.maps):
        kinds = [name.removeprefix(FDR) for name in result.maps if _is_rate(name)]
        names = {"contender": f"detector ({result.maps['dataset'].iloc[0]})", "n_seeds": "seeds"}
        for kind in kinds:
            names[FDR + kind] = f"{kind}: FDR at 99 %"
            names[f"{FDR}{kind}_std"] = "+-"
            names[LOCALISED + kind] = "localised"
        print_averages(
            _with_seconds(result.maps), names | {"seconds": "seconds", "n_failed": "failed"}
        )


def _is_rate(name: str) -> bool:
    return name.startswith(FDR) and not name.endswith("_std")


def _with_seconds(table: "pd.DataFrame") -> "pd.DataFrame":
    return table.assign(seconds=table["fit_seconds"] + table["score_seconds"])
