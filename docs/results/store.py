"""Measure what the page of results shows, and store it beside this file.

``python docs/results/store.py thresholds drift dqm speed events``, or some of them; histograms of
one's own by ``dqm=FILE:LABEL:NAME=VALUE``. Times depend on the machine: of those only ratios within
a run are stored.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from skdqm.benchmark import dqm, drift, speed, stream

HERE = Path(__file__).parent
RUNS = 5
# Of one run each; the ratios of several runs tell how far they can be trusted.
SPEED = {"n_rows": 20_000, "batch_size": 512, "repeats": 1}


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 (a script)


def kept(table: pd.DataFrame, name: str) -> None:
    """Write a table, without its times."""
    times = [column for column in table if "second" in column]
    table.drop(columns=times).to_csv(HERE / f"{name}.csv", index=False, float_format="%.6g")


def ratios(runs: list[pd.DataFrame], name: str) -> None:
    """Write ratios to the first contender, with mean and standard deviation over runs."""
    relative = pd.concat([run / run.iloc[0] for run in runs]).groupby(level=0, sort=False)
    table = relative.mean().join(relative.std(ddof=0).add_suffix("_std"))
    table.insert(0, "n_runs", len(runs))
    table.rename_axis("contender").to_csv(HERE / f"{name}.csv", float_format="%.4g")


def store_thresholds(_: str) -> None:
    kept(stream(["thresholds"], seeds=RUNS, report=say).thresholds, "thresholds")


def store_drift(_: str) -> None:
    kept(drift(seeds=RUNS, report=say).table, "drift")


def store_dqm(about: str) -> None:
    if not about:
        result = dqm(report=say)
        kept(result.runs, "dqm")
        kept(result.maps, "dqm_maps")
        return
    path, label, *where = about.split(":")
    kept(dqm(path, label=label, where=where, report=say).runs, "dqm_file")


def store_speed(_: str) -> None:
    runs = [speed(**SPEED, report=say) for _ in range(RUNS)]
    ratios([pd.DataFrame({r.contender: r.measures() for r in run}).T for run in runs], "speed")


def store_events(_: str) -> None:
    tables = [stream(["events"], repeats=1, report=say).events for _ in range(RUNS)]
    columns = ["p50_us", "batch_events_per_second"]
    ratios([table.set_index("contender")[columns] for table in tables], "events")


STORE: dict[str, Callable[[str], None]] = {
    "thresholds": store_thresholds,
    "drift": store_drift,
    "dqm": store_dqm,
    "speed": store_speed,
    "events": store_events,
}

if __name__ == "__main__":
    for argument in sys.argv[1:]:
        named, _, more = argument.partition("=")
        STORE[named](more)
