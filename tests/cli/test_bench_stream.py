import json

import pandas as pd
import pytest

from skdqm import benchmark
from skdqm.benchmark import StreamResult
from skdqm.cli._bench_stream import EVENTS, LEARNING

EVENT_TABLE = pd.DataFrame(
    [["a", 40.0, 90.0, 2e4, 1e6, 1e-7], ["river", 20.0, 50.0, 4e4, None, None]],
    columns=list(EVENTS),
)
THRESHOLD_TABLE = pd.DataFrame(
    {
        "dataset": ["none", "ramp"],
        "contender": ["fixed", "fixed"],
        "n_seeds": [2, 2],
        "n_failed": [0, 0],
        "alarms": [1.1, 30.0],
        "alarms_std": [0.1, 2.0],
        "recall": [0.5, 0.6],
    }
)
LEARNING_TABLE = pd.DataFrame([["no learning", *range(1, 7), 0.0]], columns=list(LEARNING))
RESULT = StreamResult(EVENT_TABLE, THRESHOLD_TABLE, LEARNING_TABLE)
DEFAULTS = {
    "features": 14,
    "calls": 2000,
    "rows": 100_000,
    "seconds": 10.0,
    "seeds": 3,
    "repeats": 3,
}


@pytest.fixture
def asked(monkeypatch):
    """Replace the measurement, which takes minutes, and record what it was asked."""
    calls = []

    def stream(parts, *, report, **options):
        report("measuring")
        calls.append((parts, options))
        return StreamResult(events=EVENT_TABLE) if parts == ["events"] else RESULT

    monkeypatch.setattr(benchmark, "stream", stream)
    return calls


def test_parts_and_options_reach_the_measurement(run, asked):
    options = ["--calls", 50, "--rows", 900, "--seconds", 0.5, "--seeds", 2, "--repeats", 1]
    assert run("bench", "stream", "events", "learning", *options, "--features", 3, "-q").code == 0
    expected = {"features": 3, "calls": 50, "rows": 900, "seconds": 0.5, "seeds": 2, "repeats": 1}
    assert asked == [(["events", "learning"], expected)]


def test_all_parts_are_measured_by_default(run, asked):
    assert run("bench", "stream", "-q").code == 0
    assert asked == [(None, DEFAULTS)]


def test_a_table_for_each_part_and_each_drift(run, asked):
    _, out, err = run("bench", "stream")
    rows = [line.split("\t") for line in out.splitlines()]
    assert rows[1] == ["a", "40", "90", "2e+04", "1e+06", "1e-07"]
    assert rows[2] == ["river", "20", "50", "4e+04", "-", "-"]
    assert rows[3] == ["drift: none: threshold", "seeds", "alarms / promised", "+-", "recall"]
    assert rows[6] == ["fixed", "2", "30", "2", "0.6"]
    assert rows[8] == ["no learning", "1", "2", "3", "4", "5", "6", "0"]
    assert err == "measuring\n"


def test_json_holds_settings_and_the_parts_that_were_asked_for(run, asked):
    figures = json.loads(run("bench", "stream", "events", "--json", "-q").out)
    assert {name: figures[name] for name in DEFAULTS} == DEFAULTS
    assert set(figures) == {*DEFAULTS, "events"}
    assert figures["events"][1]["batch_events_per_second"] is None


def test_a_part_that_does_not_exist_is_named(run, asked):
    code, _, err = run("bench", "stream", "speed")
    assert code == 2
    assert "speed" in err
    assert asked == []
