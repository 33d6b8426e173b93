"""``skdqm bench continual``: strategies of continual learning along streams."""

from pathlib import Path
from typing import Annotated

import typer

from skdqm.cli._bench_options import (
    FolderOption,
    SeedsOption,
    as_records,
    names_in,
    print_by_dataset,
    reporting,
    say_failures,
)
from skdqm.cli._options import JsonOption, QuietOption
from skdqm.cli._terminal import messages, print_json

# Columns of the result, and what the table calls them.
COLUMNS = {
    "contender": "contender",
    "n_seeds": "seeds",
    "windowed": "windowed ROC-AUC",
    "windowed_std": "+-",
    "normalised": "normalised",
    "normalised_std": "+-",
    "clean": "clean rows in the end",
    "forgetting": "forgetting",
    "forgetting_std": "+-",
    "lifelong": "lifelong ROC-AUC",
    "lifelong_std": "+-",
    "backward": "backward transfer",
    "backward_std": "+-",
    "backward_stepwise": "stepwise",
    "forward": "forward transfer",
    "final": "in the end",
    "false_alarms": "good flagged",
    "false_alarms_std": "+-",
    "worst_window": "worst 1,000 rows",
    "share_above_3x": "windows above 3x",
    "recall": "faulty flagged",
    "fault_learned": "long faults learned",
    "faulty_learned": "faulty learned",
    "held": "held",
    "recovery_rows": "rows to recover",
    "rows_per_second": "rows a second",
    "times_scoring": "times scoring",
    "n_failed": "failed",
}
EACH = "each"


def continual(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE]...",
            help="Labelled tables in the order of time. [default: generated streams]",
        ),
    ] = None,
    *,
    concepts: Annotated[
        bool,
        typer.Option(
            "--concepts", help="The files hold concepts: NAME_0__train, __test, __label and so on."
        ),
    ] = False,
    drift: Annotated[
        str | None,
        typer.Option("--drift", metavar="A,B,...", help="Generated streams. [default: recurring]"),
    ] = None,
    rows: Annotated[int, typer.Option(min=1, help="Rows of a generated stream.")] = 60_000,
    fault_length: Annotated[int, typer.Option(min=1, help="Rows of a generated long fault.")] = 400,
    fault_density: Annotated[
        float, typer.Option(help="Share of faulty rows in a long fault.")
    ] = 0.6,
    label: Annotated[
        str | None, typer.Option("--label", metavar="NAME", help="The column of labels.")
    ] = None,
    hold_out_class: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...|each",
            help="Classes that are the anomaly, each in turn. [default: 1, of 0 and 1]",
        ),
    ] = None,
    anomaly_share: Annotated[
        float | None, typer.Option(help="Thin out the anomalies of a file to this share.")
    ] = None,
    change: Annotated[
        list[int] | None,
        typer.Option("--change", metavar="ROW", help="Conditions change there; repeatable."),
    ] = None,
    first: Annotated[int, typer.Option(min=2, help="Rows that are learned first.")] = 2_000,
    contenders: Annotated[
        str | None,
        typer.Option(
            "--contenders",
            metavar="A,B,...",
            help="Such as default,static,naive,replay,refit,oracle,tagged,shifter.",
        ),
    ] = None,
    detector: Annotated[
        str | None,
        typer.Option("--detector", metavar="A,B,...", help="Detectors inside, of 'skdqm list'."),
    ] = None,
    passes: Annotated[
        int, typer.Option(min=1, help="Times that an update goes over its rows: for networks.")
    ] = 1,
    seeds: SeedsOption = 3,
    output: FolderOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Let strategies of continual learning go along streams: each row is scored, then learned."""
    from skdqm.benchmark import continual as measure

    console = messages(quiet=quiet)
    with reporting(console) as report:
        result = measure(
            files or (),
            concepts=concepts,
            drifts=names_in(drift),
            rows=rows,
            fault_length=fault_length,
            fault_density=fault_density,
            label=label,
            hold_out=_classes(hold_out_class),
            anomaly_share=anomaly_share,
            changes=change or (),
            first=first,
            contenders=names_in(contenders),
            detectors=names_in(detector),
            passes=passes,
            seeds=seeds,
            out=output,
            report=report,
        )
    if json:
        failed = list(result.failures)
        print_json({"seeds": seeds, "results": as_records(result.table), "failures": failed})
    else:
        print_by_dataset(result.table, COLUMNS)
    say_failures(console, result.failures)
    if output is not None:
        console.print(f"{output}: results.jsonl and continual.csv")


def _classes(text: str | None) -> list[int] | str | None:
    if text is None or text == EACH:
        return text
    try:
        return [int(each) for each in text.split(",")]
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r}: give whole numbers such as 2,5, or 'each'", param_hint="--hold-out-class"
        ) from error
