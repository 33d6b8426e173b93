import json

import pandas as pd
import pytest

from skdqm import benchmark
from skdqm.benchmark import DqmResult

RUNS = pd.DataFrame(
    {
        "dataset": "a.csv",
        "contender": ["max_pull/fit", "autoencoder-mse/fit", "histogram/fit"],
        "n_seeds": [1, 3, 0],
        "n_failed": [0, 0, 1],
        "auroc": [0.9, 0.5, None],
        "auroc_std": [0.0, 0.1, None],
        "fit_seconds": [1.0, 2.0, None],
        "score_seconds": [0.5, 0.5, None],
    }
)
MAPS = pd.DataFrame(
    {
        "dataset": "maps of 16x32",
        "contender": ["reference"],
        "n_seeds": [1],
        "n_failed": [0],
        "fdr_dead": [0.0],
        "fdr_dead_std": [0.0],
        "localised_dead": [1.0],
        "localised_dead_std": [0.0],
        "fit_seconds": [1.0],
        "score_seconds": [1.0],
    }
)
FAILURES = ("a.csv, seed 0, histogram/fit: ValueError: no",)


@pytest.fixture
def asked(monkeypatch):
    calls = []

    def dqm(histograms, *, report, **options):
        report("measuring")
        calls.append((histograms, options))
        return DqmResult(RUNS, MAPS, FAILURES)

    monkeypatch.setattr(benchmark, "dqm", dqm)
    return calls


def test_options_reach_the_measurement(run, asked, tmp_path):
    words = ["--label", "ok", "--good", 0, "--where", "a=1", "--where", "b=2", "--seeds", 2]
    words += ["--detectors", "chi2,max_pull/fit", "--faults", "dead,hot", "--maps", "8x9"]
    assert run("bench", "dqm", "a.csv", *words, "--min-entries", 50, "-o", tmp_path, "-q").code == 0
    ((histograms, options),) = asked
    assert str(histograms) == "a.csv"
    assert options == {
        "label": "ok",
        "good": "0",
        "where": ["a=1", "b=2"],
        "detectors": ["chi2", "max_pull/fit"],
        "seeds": 2,
        "faults": ["dead", "hot"],
        "maps": [8, 9],
        "min_entries": 50.0,
        "out": tmp_path,
    }


def test_tables_show_a_spread_only_of_several_seeds(run, asked):
    code, out, err = run("bench", "dqm")
    assert code == 0
    rows = [line.split("\t") for line in out.splitlines()]
    assert rows[0] == ["detector/reference", "seeds", "ROC-AUC", "+-", "seconds", "failed"]
    assert rows[1] == ["max_pull/fit", "1", "0.9", "-", "1.5", "0"]
    assert rows[2] == ["autoencoder-mse/fit", "3", "0.5", "0.1", "2.5", "0"]
    assert rows[3] == ["histogram/fit", "0", "-", "-", "-", "1"]
    assert rows[4][:4] == ["detector (maps of 16x32)", "seeds", "dead: FDR at 99 %", "+-"]
    assert rows[5] == ["reference", "1", "0", "-", "1", "2", "0"]
    assert err == f"measuring\n1 failed:\n  {FAILURES[0]}\n"


def test_json_holds_both_tables_and_failures(run, asked):
    figures = json.loads(run("bench", "dqm", "a.csv", "--json", "-q").out)
    assert figures["data"] == "a.csv"
    assert [row["auroc"] for row in figures["runs"]] == [0.9, 0.5, None]
    assert figures["maps"][0]["localised_dead"] == 1.0
    assert figures["failures"] == list(FAILURES)


def test_the_real_thing_names_its_files(run, tmp_path):
    options = ["--detectors", "chi2/static,cell-pull", "--seeds", 1, "--maps", "5x6"]
    code, out, err = run("bench", "dqm", *options, "-o", tmp_path)
    assert code == 0
    assert [line.split("\t")[0] for line in out.splitlines()] == [
        "detector/reference",
        "chi2/static",
        "detector (maps of 5x6)",
        "cell-pull",
    ]
    assert err.endswith("results.jsonl, runs.csv and maps.csv\n")
    written = {path.name for path in tmp_path.iterdir()}
    assert written == {"results.jsonl", "runs.csv", "maps.csv"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--detectors", "forest"], "no detector is called 'forest'"),
        (["--maps", "big"], "'big' is no shape"),
        (["--faults", "broken"], "broken"),
        (["--label", "good"], "name the file too"),
    ],
)
def test_wrong_options_end_with_2_and_one_line(run, options, message):
    code, out, err = run("bench", "dqm", *options)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


def test_a_file_that_is_not_there_ends_with_3(run):
    code, _, err = run("bench", "dqm", "absent.csv", "--label", "good")
    assert code == 3
    assert "absent.csv" in err
