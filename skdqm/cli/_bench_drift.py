"""``skdqm bench drift``: false alarms and delay of drift monitors."""

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
    "contender": "detector",
    "n_seeds": "seeds",
    "false_alarms": "false alarms in 100,000",
    "false_alarms_std": "+-",
    "bursts_flagged": "bursts flagged",
    "delay_0.5": "delay at 0.5",
    "delay_0.5_std": "+-",
    "delay_1": "delay at 1",
    "delay_1_std": "+-",
    "delay_2": "delay at 2",
    "delay_2_std": "+-",
    "rows_per_second": "rows a second",
    "n_failed": "failed",
}


def drift(
    *,
    rows: Annotated[
        int, typer.Option(min=1, help="Stationary rows of each stream and seed.")
    ] = 100_000,
    reference: Annotated[
        int, typer.Option(min=256, help="Rows that a monitor is fitted to.")
    ] = 2_000,
    detectors: Annotated[
        str | None,
        typer.Option("--detectors", metavar="A,B,...", help="Such as cusum,adwin. [default: all]"),
    ] = None,
    seeds: SeedsOption = 5,
    output: FolderOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Count false alarms of drift monitors while nothing changes, and time how late they fire."""
    from skdqm.benchmark import drift as measure

    console = messages(quiet=quiet)
    with reporting(console) as report:
        result = measure(
            rows,
            reference=reference,
            detectors=names_in(detectors),
            seeds=seeds,
            out=output,
            report=report,
        )
    if json:
        settings = {"rows": rows, "reference": reference, "seeds": seeds}
        failed = list(result.failures)
        print_json({**settings, "results": as_records(result.table), "failures": failed})
    else:
        print_by_dataset(result.table, COLUMNS)
    say_failures(console, result.failures)
