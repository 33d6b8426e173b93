"""``skdqm bench tabular``, ``lhco`` and ``images``: how well detectors rank anomalies."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skdqm.cli._bench_options import (
    ContendersOption,
    FolderOption,
    JobsOption,
    SeedsOption,
    as_records,
    names_in,
    reporting,
    say_failures,
)
from skdqm.cli._options import JsonOption, QuietOption
from skdqm.cli._terminal import messages, print_json, print_table

if TYPE_CHECKING:
    import pandas as pd

    from skdqm.benchmark import BenchResult, Standing, TabularResult

# Columns of results, and what a table calls them.
EVENT_FIGURES = {
    "dataset": "events",
    "contender": "contender",
    "auroc": "AUROC",
    "auroc_std": "+-",
    "max_sic": "max SIC",
    "max_sic_std": "+-",
    "rejection_30": "rejection at 30 %",
    "rejection_50": "rejection at 50 %",
    "fit_seconds": "fit, s",
    "score_seconds": "score, s",
    "n_failed": "failed",
}


def tabular(
    *,
    data: Annotated[
        Path, typer.Option("--data", metavar="FOLDER", help="npz files with X and y (1 = anomaly).")
    ],
    published: Annotated[
        Path | None,
        typer.Option(
            "--published",
            metavar="FOLDER|CSV",
            help="Tables to rank along: dte_semi_aucroc.csv, dte_semi_aucpr.csv.",
        ),
    ] = None,
    contenders: ContendersOption = None,
    reference: Annotated[
        str | None,
        typer.Option("--reference", help="Whom to test against. [default: pyod:KNN]"),
    ] = None,
    seeds: SeedsOption = 5,
    max_rows: Annotated[
        int, typer.Option("--max-rows", min=1, help="Rows drawn of larger sets.")
    ] = 50_000,
    jobs: JobsOption = 2,
    output: FolderOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Rank detectors over sets of ADBench's format, by the protocol of DTE (ICLR 2024)."""
    from skdqm.benchmark import tabular as measure

    console = messages(quiet=quiet)
    with reporting(console) as report:
        result = measure(
            data,
            out=output,
            published=published,
            contenders=names_in(contenders),
            reference=reference,
            seeds=seeds,
            max_rows=max_rows,
            jobs=jobs,
            report=report,
        )
    if json:
        print_json({"data": str(data), "seeds": seeds, "max_rows": max_rows, **_figures(result)})
    else:
        _print_standings(result)
    say_failures(console, result.failures)
    _say_files(console, output, "results.jsonl, results.csv, ranks_auroc.png and ranks_aupr.png")


def _say_files(console: Any, folder: Path | None, names: str) -> None:
    if folder is not None:
        console.print(f"{folder}: {names}")


def _figures(result: "TabularResult") -> dict[str, Any]:
    return {
        "comparisons": {each.metric: asdict(each) for each in result.comparisons},
        "results": as_records(result.results),
        "failures": list(result.failures),
    }


def _print_standings(result: "TabularResult") -> None:
    auroc, aupr = result.comparisons
    by_name = {standing.contender: standing for standing in aupr.standings}
    means = _whole(result.results).groupby("contender").mean(numeric_only=True)
    rows = [_row(standing, by_name.get(standing.contender), means) for standing in auroc.standings]
    against = f"against {auroc.reference}"
    print_table(
        (
            f"contender ({len(auroc.sets)} sets)",
            *("AUROC", "rank", "AUPR", "rank"),
            *(f"wins/ties/losses {against}", f"p {against}", "p by Holm"),
            *("F1", "fit, s", "score, s", "sets failed"),
        ),
        rows,
    )
    for each in auroc, aupr:
        _print_tests(each)


def _print_tests(comparison: Any) -> None:
    rows = [
        ("Friedman's test, p", comparison.friedman_p),
        ("Nemenyi's critical distance, 5 %", comparison.critical_distance),
    ]
    print_table((comparison.metric.upper(), "value"), rows)


def _whole(results: "pd.DataFrame") -> "pd.DataFrame":
    """Leave out contenders that failed somewhere: means over different sets do not compare."""
    failed = results.loc[results["n_failed"] > 0, "contender"]
    return results[~results["contender"].isin(failed)]


def _row(auroc: "Standing", aupr: "Standing | None", means: "pd.DataFrame") -> tuple[Any, ...]:
    counts = auroc.wins, auroc.ties, auroc.losses
    own = means.loc[auroc.contender] if auroc.contender in means.index else {}
    return (
        auroc.contender,
        auroc.mean,
        auroc.rank,
        aupr.mean if aupr else None,
        aupr.rank if aupr else None,
        None if None in counts else "/".join(map(str, counts)),
        auroc.p_value,
        auroc.p_holm,
        own.get("f1"),
        own.get("fit_seconds"),
        own.get("score_seconds"),
        auroc.n_missing,
    )


def lhco(
    *,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="FILE", help="A feature file. [default: generated events]"),
    ] = None,
    contenders: ContendersOption = None,
    seeds: SeedsOption = 5,
    forward: Annotated[
        bool, typer.Option("--forward", help="Learn the first half of the file, with every seed.")
    ] = False,
    jobs: JobsOption = 2,
    output: FolderOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Find signal among LHC Olympics events, as 14 columns and as jet features."""
    from skdqm.benchmark import lhco as measure

    console = messages(quiet=quiet)
    with reporting(console) as report:
        result = measure(
            data,
            out=output,
            contenders=names_in(contenders),
            seeds=seeds,
            forward=forward,
            jobs=jobs,
            report=report,
        )
    if json:
        print_json(_as_json(result, data, seeds))
    else:
        columns = [name for name in EVENT_FIGURES if name in result.results]
        print_table(
            [EVENT_FIGURES[name] for name in columns],
            [[row[name] for name in columns] for row in as_records(result.results)],
        )
    say_failures(console, result.failures)
    _say_files(console, output, "results.jsonl and results.csv")


def images(
    *,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="FILE", help="Images with labels, such as idx. [default: jets]"
        ),
    ] = None,
    contenders: ContendersOption = None,
    seeds: SeedsOption = 1,
    n_train: Annotated[
        int, typer.Option("--train", min=1, help="The first images of a class, to be learned.")
    ] = 500,
    n_test: Annotated[
        int, typer.Option("--test", min=1, help="The last images of every class, to be ranked.")
    ] = 500,
    jobs: JobsOption = 2,
    output: FolderOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Find images of other classes, with each class in turn as the normal one."""
    from skdqm.benchmark import images as measure

    console = messages(quiet=quiet)
    with reporting(console) as report:
        result = measure(
            data,
            out=output,
            contenders=names_in(contenders),
            seeds=seeds,
            n_train=n_train,
            n_test=n_test,
            jobs=jobs,
            report=report,
        )
    if json:
        print_json(_as_json(result, data, seeds))
    else:
        _print_classes(result)
    say_failures(console, result.failures)
    _say_files(console, output, "results.jsonl and results.csv")


def _as_json(result: "BenchResult", data: Path | None, seeds: int) -> dict[str, Any]:
    return {
        "data": None if data is None else str(data),
        "seeds": seeds,
        "results": as_records(result.results),
        "failures": list(result.failures),
    }


def _print_classes(result: "BenchResult") -> None:
    """Print AUROC: contenders in rows, the mean over classes and each class in columns."""
    found = result.results
    table = found.pivot_table("auroc", "contender", "dataset", sort=False, dropna=False)
    rows = as_records(table.assign(mean=table.mean(axis=1, skipna=False)).reset_index())
    names = ["contender", "mean", *table.columns]
    print_table(names, [[row[name] for name in names] for row in rows])
