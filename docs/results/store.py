"""Measure what the page of results shows, and store it beside this file.

``python docs/results/store.py contamination thresholds drift dqm speed events``, or some of them;
histograms of one's own by ``dqm=FILE:LABEL:NAME=VALUE``. Times depend on the machine: of those only
ratios within a run are stored.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from skdqm.benchmark import dqm, drift, speed, stream
from skdqm.datasets import make_detector_data
from skdqm.detectors import AutoencoderDetector, HistogramDetector, NeighborsDetector
from skdqm.ensemble import EnsembleDetector

HERE = Path(__file__).parent
RUNS = 5
DRAWS = 20
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


def store_contamination(_: str) -> None:
    """Store the share of new good rows that is flagged at 1 %, before and after `calibrate`."""
    makers = HistogramDetector, NeighborsDetector, AutoencoderDetector, EnsembleDetector
    found = []
    for draw in range(DRAWS):
        X, y = make_detector_data(15_000, 8, random_state=draw)
        good = X[y == 0].sample(frac=1, random_state=draw).to_numpy()
        new, calibrating, training = good[:8000], good[8000:9000], good[9000:]
        for n_rows in (200, 500, 2000):
            say(f"draw {draw}, {n_rows} rows")
            for maker in makers:
                seeded = {} if maker is HistogramDetector else {"random_state": draw}
                detector = maker(**seeded).fit(training[:n_rows])
                flagged = [(detector.predict(new) == -1).mean()]
                detector.calibrate(calibrating, alarm_rate=0.01)
                flagged.append((detector.predict(new) == -1).mean())
                found.append((n_rows, maker.__name__, *(100 * np.array(flagged))))
    columns = ["n_rows", "detector", "contamination", "calibrated"]
    groups = pd.DataFrame(found, columns=columns).groupby(columns[:2], sort=False)
    table = groups.mean().join(groups.std(ddof=0).add_suffix("_std")).reset_index()
    table.insert(0, "n_draws", DRAWS)
    kept(table, "contamination")


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
    "contamination": store_contamination,
    "thresholds": store_thresholds,
    "drift": store_drift,
    "dqm": store_dqm,
    "speed": store_speed,
    "events": store_events,
}

if __name__ == "__main__":
    for argument in sys.argv[1:] or sys.exit(__doc__):
        named, _, more = argument.partition("=")
        if named not in STORE:
            sys.exit(f"found {named!r}, expected some of {', '.join(STORE)}")
        STORE[named](more)
