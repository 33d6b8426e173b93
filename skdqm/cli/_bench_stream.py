"""``skdqm bench stream``: the time of an event, alarms under drift, learning beside the stream."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skdqm.cli._bench_options import SeedsOption, as_records, print_by_dataset, reporting
from skdqm.cli._options import JsonOption, QuietOption
from skdqm.cli._terminal import messages, print_json, print_table

if TYPE_CHECKING:
    import pandas as pd

    from skdqm.benchmark import StreamResult

# Columns of the results, and what the tables call them.
EVENTS = {
    "contender": "one event",
    "p50_us": "p50, us",
    "p99_us": "p99, us",
    "events_per_second": "events/s",
    "batch_events_per_second": "events/s in batches",
    "difference": "difference from the module",
}
THRESHOLDS = {
    "contender": "threshold",
    "n_seeds": "seeds",
    "alarms": "alarms / promised",
    "alarms_std": "+-",
    "worst_alarms": "worst 20,000",
    "good_flagged": "good flagged / promised beside 2 % anomalies",
    "good_flagged_std": "+-",
    "recall": "recall",
    "recall_std": "+-",
    "events_per_second": "events/s",
}
LEARNING = {
    "contender": "learning",
    "due_p50_ms": "from due: p50, ms",
    "due_p99_ms": "p99, ms",
    "due_max_ms": "max, ms",
    "call_p50_ms": "call: p50, ms",
    "call_p99_ms": "p99, ms",
    "call_max_ms": "max, ms",
    "lessons": "lessons",
}


class Part(StrEnum):
    """What can be measured."""

    EVENTS = "events"
    THRESHOLDS = "thresholds"
    LEARNING = "learning"


def stream(
    parts: Annotated[
        list[Part] | None, typer.Argument(metavar="[PART]...", help="[default: all]")
    ] = None,
    *,
    features: Annotated[int, typer.Option(min=2, help="Features of an event.")] = 14,
    calls: Annotated[int, typer.Option(min=1, help="events: single events of a run.")] = 2_000,
    rows: Annotated[int, typer.Option(min=1, help="thresholds: events of a stream.")] = 100_000,
    seconds: Annotated[float, typer.Option(min=0.001, help="learning: length of a run.")] = 10.0,
    seeds: SeedsOption = 3,
    repeats: Annotated[int, typer.Option(min=1, help="Runs; medians are shown.")] = 3,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Time events, count alarms of thresholds under drift, and time events beside learning."""
    from skdqm.benchmark import stream as measure

    console = messages(quiet=quiet)
    settings: dict[str, Any] = {
        "features": features,
        "calls": calls,
        "rows": rows,
        "seconds": seconds,
        "seeds": seeds,
        "repeats": repeats,
    }
    with reporting(console) as report:
        result = measure(parts or None, **settings, report=report)
    if json:
        print_json({**settings, **_figures(result)})
    else:
        _print_tables(result)


def _figures(result: "StreamResult") -> dict[str, Any]:
    tables = {part.value: getattr(result, part) for part in Part}
    return {part: as_records(table) for part, table in tables.items() if table is not None}


def _print_tables(result: "StreamResult") -> None:
    if result.events is not None:
        _print(result.events, EVENTS)
    if result.thresholds is not None:
        drifts = result.thresholds.assign(dataset="drift: " + result.thresholds["dataset"])
        print_by_dataset(drifts, THRESHOLDS)
    if result.learning is not None:
        _print(result.learning, LEARNING)


def _print(table: "pd.DataFrame", names: dict[str, str]) -> None:
    cells = [[record[name] for name in names] for record in as_records(table)]
    print_table(list(names.values()), cells)
