import json

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from skdqm import benchmark
from skdqm.benchmark import ContinualResult
from skdqm.cli import _bench_continual

TABLE = pd.DataFrame(
    {
        "dataset": ["recurring", "recurring", "concepts"],
        "contender": ["default", "static", "default"],
        "n_seeds": [2, 0, 1],
        "n_failed": [0, 2, 0],
        "windowed": [0.95, None, None],
        "windowed_std": [0.01, None, None],
        "lifelong": [None, None, 0.9],
        "lifelong_std": [None, None, 0.0],
        "auroc": [0.9, None, None],
    }
)
FAILURES = ("recurring, seed 0, static: ValueError: no",)
DEFAULTS = {
    "concepts": False,
    "drifts": None,
    "rows": 60_000,
    "fault_length": 400,
    "fault_density": 0.6,
    "label": None,
    "hold_out": None,
    "anomaly_share": None,
    "changes": (),
    "first": 2000,
    "contenders": None,
    "detectors": None,
    "passes": 1,
    "seeds": 3,
    "out": None,
}


@pytest.fixture
def asked(monkeypatch):
    calls = []

    def continual(files, *, report, **options):
        report("measuring")
        calls.append((list(files), options))
        return ContinualResult(TABLE, FAILURES)

    monkeypatch.setattr(benchmark, "continual", continual)
    return calls


def run(*words):
    app = typer.Typer()
    app.command()(_bench_continual.continual)
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def test_defaults_are_those_of_the_library(asked):
    assert run("-q").exit_code == 0
    assert asked == [([], DEFAULTS)]


def test_options_reach_the_measurement(asked, tmp_path):
    path = tmp_path / "a.npz"
    words = [path, "--hold-out-class", "2,5", "--change", 14028, "--anomaly-share", 0.02]
    words += ["--label", "y", "--first", 500, "--contenders", "default, static", "--passes", 3]
    words += ["--detector", "default,autoencoder", "--seeds", 2, "-o", tmp_path, "-q"]
    assert run(*words).exit_code == 0
    options = {"label": "y", "hold_out": [2, 5], "anomaly_share": 0.02, "changes": [14028]}
    options |= {"first": 500, "contenders": ["default", "static"], "passes": 3, "seeds": 2}
    options |= {"detectors": ["default", "autoencoder"], "out": tmp_path}
    assert asked == [([path], DEFAULTS | options)]


def test_generated_streams_are_chosen(asked):
    words = ["--drift", "gradual,seasonal", "--rows", 9000, "--fault-length", 1500]
    assert run(*words, "--fault-density", 1, "-q").exit_code == 0
    options = {"drifts": ["gradual", "seasonal"], "rows": 9000, "fault_length": 1500}
    assert asked == [([], DEFAULTS | options | {"fault_density": 1.0})]


def test_each_class_in_turn(asked, tmp_path):
    run(tmp_path / "a.npz", "--hold-out-class", "each", "-q")
    assert asked[0][1]["hold_out"] == "each"


def test_classes_are_whole_numbers(asked, tmp_path):
    result = run(tmp_path / "a.npz", "--hold-out-class", "good")
    assert result.exit_code == 2
    assert not asked


def test_a_table_for_each_stream_and_failures_at_the_end(asked):
    result = run()
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert rows[0] == ["recurring: contender", "seeds", "windowed ROC-AUC", "+-", "failed"]
    assert rows[1] == ["default", "2", "0.95", "0.01", "0"]
    assert rows[2] == ["static", "0", "-", "-", "2"]
    assert rows[3] == ["concepts: contender", "seeds", "lifelong ROC-AUC", "+-", "failed"]
    # One seed has no spread.
    assert rows[4] == ["default", "1", "0.9", "-", "0"]
    assert "1 failed:" in result.stderr


def test_json_holds_figures_and_failures(asked, tmp_path):
    result = run("--json", "-o", tmp_path)
    found = json.loads(result.stdout)
    assert found["seeds"] == 3
    assert found["results"][1]["windowed"] is None
    assert found["failures"] == list(FAILURES)
    assert "continual.csv" in result.stderr


def test_it_is_a_command_of_bench():
    from skdqm.cli._bench import app

    names = {command.name for command in app.registered_commands}
    assert {"continual", "drift"} <= names
