import json

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from skdqm import benchmark
from skdqm.benchmark._drift import DriftResult
from skdqm.cli import _bench_drift

TABLE = pd.DataFrame(
    {
        "dataset": ["gaussian", "gaussian", "with bursts"],
        "contender": ["cusum", "adwin", "cusum"],
        "n_seeds": [2, 0, 1],
        "n_failed": [0, 2, 0],
        "false_alarms": [0.5, None, 1.0],
        "false_alarms_std": [0.1, None, 0.0],
        "bursts_flagged": [None, None, 0.75],
        "delay_0.5": [150.0, None, 160.0],
        "delay_0.5_std": [2.0, None, 0.0],
    }
)
FAILURES = ("gaussian, seed 0, adwin: ValueError: no",)


@pytest.fixture
def asked(monkeypatch):
    calls = []

    def drift(rows, *, report, **options):
        report("measuring")
        calls.append((rows, options))
        return DriftResult(TABLE, FAILURES)

    monkeypatch.setattr(benchmark, "drift", drift, raising=False)
    return calls


def run(*words):
    app = typer.Typer()
    app.command()(_bench_drift.drift)
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def test_options_reach_the_measurement(asked, tmp_path):
    options = ["--rows", 5000, "--reference", 600, "--detectors", "cusum, adwin", "--seeds", 2]
    assert run(*options, "-o", tmp_path, "-q").exit_code == 0
    expected = {"reference": 600, "detectors": ["cusum", "adwin"], "seeds": 2, "out": tmp_path}
    assert asked == [(5000, expected)]


def test_a_table_for_each_stream_and_failures_at_the_end(asked):
    result = run()
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    header = ["gaussian: detector", "seeds", "false alarms in 100,000", "+-", "delay at 0.5", "+-"]
    assert rows[0] == [*header, "failed"]
    assert rows[1] == ["cusum", "2", "0.5", "0.1", "150", "2", "0"]
    assert rows[2] == ["adwin", "0", "-", "-", "-", "-", "2"]
    # One seed has no spread.
    assert rows[4] == ["cusum", "1", "1", "-", "0.75", "160", "-", "0"]
    assert "1 failed:" in result.stderr


def test_json_holds_settings_figures_and_failures(asked):
    found = json.loads(run("--json", "-q").stdout)
    assert (found["rows"], found["reference"], found["seeds"]) == (100_000, 2_000, 5)
    assert found["results"][1]["false_alarms"] is None
    assert found["failures"] == list(FAILURES)
