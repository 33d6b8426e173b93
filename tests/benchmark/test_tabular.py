import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from skdqm.benchmark import tabular
from skdqm.exceptions import DataError, UsageError

FAST = ["pyod:KNN", "pyod:PCA", "pyod:IForest"]
FIGURES = ["dataset", "contender", "n_seeds", "n_failed", "auroc", "auroc_std", "aupr", "f1"]


def lines_in(folder):
    return (folder / "results.jsonl").read_text().splitlines()


def figures(result):
    return result.results[FIGURES]


def test_every_set_and_contender_has_one_row_and_the_easiest_set_is_easy(sets):
    result = tabular(sets, contenders=FAST, seeds=2)
    assert len(result.results) == 9
    assert (result.results["n_seeds"] == 2).all()
    mean = result.results.groupby("dataset")["auroc"].mean()
    assert mean["3_Easy"] > mean["2_middle_rebuilt"] > mean["1_hard"] > 0.5
    assert [each.metric for each in result.comparisons] == ["auroc", "aupr"]
    assert result.comparisons[0].reference == "pyod:KNN"


def test_processes_do_not_change_the_figures(sets):
    alone, two = (tabular(sets, contenders=FAST, seeds=2, jobs=jobs) for jobs in (1, 2))
    pd.testing.assert_frame_equal(figures(alone), figures(two))


def test_a_second_call_measures_nothing_and_gives_the_same(sets, tmp_path):
    first = tabular(sets, contenders=FAST, seeds=1, out=tmp_path)
    before, said = lines_in(tmp_path), []
    second = tabular(sets, contenders=FAST, seeds=1, out=tmp_path, report=said.append)
    assert lines_in(tmp_path) == before
    assert said == ["9 of 9 results are there already"]
    pd.testing.assert_frame_equal(first.results, second.results)


def test_more_seeds_and_contenders_add_to_what_is_there(sets, tmp_path):
    tabular(sets, contenders=FAST[:1], seeds=1, out=tmp_path)
    before = lines_in(tmp_path)
    tabular(sets, contenders=FAST[:2], seeds=2, out=tmp_path)
    assert lines_in(tmp_path)[:3] == before
    assert len(lines_in(tmp_path)) == 12


@pytest.mark.parametrize("change", ["parameters", "data", "rows"])
def test_results_of_another_definition_are_not_taken(sets, tmp_path, make_set, change):
    out = tmp_path / "out"
    tabular(sets, contenders=["pyod:PCA"], seeds=1, out=out)
    if change == "parameters":
        path = out / "results.jsonl"
        path.write_text(path.read_text().replace('"whiten": false', '"whiten": true'))
    elif change == "data":
        for path in sets.iterdir():
            make_set(path, seed=17)
    rows = 500 if change == "rows" else 50_000
    tabular(sets, contenders=["pyod:PCA"], seeds=1, out=out, max_rows=rows)
    assert len(lines_in(out)) == 6


def test_a_cut_line_is_measured_again_and_no_other(sets, tmp_path):
    whole = tabular(sets, contenders=FAST, seeds=1, out=tmp_path)
    path = tmp_path / "results.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    kept, said = path.read_bytes().rpartition(b"\n")[0], []
    again = tabular(sets, contenders=FAST, seeds=1, out=tmp_path, report=said.append)
    assert said[0] == "8 of 9 results are there already"
    assert path.read_bytes().startswith(kept)
    pd.testing.assert_frame_equal(figures(whole), figures(again))


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_a_killed_run_goes_on_where_it_was(sets, tmp_path):
    names = ["pyod:KNN", "pyod:IForest"]
    options = ["--data", sets, "--contenders", ",".join(names), "--seeds", 20, "-o", tmp_path, "-q"]
    command = [sys.executable, "-m", "skdqm", "bench", "tabular", *map(str, options)]
    with subprocess.Popen([*command, "--jobs", "2"], stdout=subprocess.DEVNULL) as process:
        path, deadline = tmp_path / "results.jsonl", time.monotonic() + 120
        while not (path.exists() and path.stat().st_size > 2000) and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
    before = path.read_bytes().rpartition(b"\n")[0].split(b"\n")
    said = []
    resumed = tabular(sets, contenders=names, seeds=20, out=tmp_path, report=said.append)
    assert said[0] == f"{len(before)} of 120 results are there already"
    assert path.read_bytes().split(b"\n")[: len(before)] == before
    assert (resumed.results["n_seeds"] == 20).all()


def test_a_failing_contender_is_counted_told_and_not_ranked(sets, tmp_path):
    result = tabular(sets, contenders=["pyod:KNN", "pyod:MAD"], seeds=2, out=tmp_path)
    assert len(result.failures) == 6
    assert "seed 0, pyod:MAD: ValueError" in result.failures[0]
    rows = result.results.set_index("contender")
    assert (rows.loc["pyod:MAD", "n_failed"] == 2).all()
    assert rows.loc["pyod:MAD", "auroc"].isna().all()
    first, last = result.comparisons[0].standings
    assert (first.contender, first.rank) == ("pyod:KNN", 1.0)
    assert (last.contender, last.rank, last.n_missing) == ("pyod:MAD", None, 3)
    assert (tmp_path / "ranks_auroc.png").exists()


def test_when_everything_fails_the_run_ends_all_the_same(sets, tmp_path):
    result = tabular(sets, contenders=["pyod:MAD"], seeds=1, out=tmp_path)
    assert len(result.failures) == 3
    assert result.results["auroc"].isna().all()


def test_failures_are_tried_again(sets, tmp_path):
    for _ in range(2):
        tabular(sets, contenders=["pyod:MAD"], seeds=1, out=tmp_path)
    assert len(lines_in(tmp_path)) == 6


def test_results_tell_protocol_versions_and_parameters(sets, tmp_path):
    tabular(sets, contenders=["pyod:KNN"], seeds=1, out=tmp_path)
    record = json.loads(lines_in(tmp_path)[0])
    assert record["protocol"]["name"] == "DTE semi-supervised, 1"
    assert record["package"].startswith("pyod ")
    assert record["parameters"]["n_neighbors"] == 5
    assert set(record["libraries"]) == {"numpy", "scikit-learn", "scipy", "torch"}


@pytest.fixture
def published(tmp_path):
    folder = tmp_path / "published"
    folder.mkdir()
    text = "dataset,kNN,VAE\nmiddle,99.9,10\neasy,99.9,10\nother,1,2\n"
    (folder / "dte_semi_aucroc.csv").write_text(text)
    return folder


def test_published_methods_are_ranked_along_over_the_sets_of_both(sets, published):
    result = tabular(sets, contenders=["pyod:PCA"], published=published, seeds=1)
    auroc, aupr = result.comparisons
    assert set(auroc.sets) == {"2_middle_rebuilt", "3_Easy"}
    assert auroc.reference == "published:kNN"
    assert auroc.standings[-1].contender == "published:VAE"
    assert len(aupr.sets) == 3
    assert [each.contender for each in aupr.standings] == ["pyod:PCA"]


def test_published_tables_of_other_sets_are_refused(sets, published):
    (published / "dte_semi_aucroc.csv").write_text("dataset,kNN\nother,5\n")
    with pytest.raises(DataError, match="has none of the sets"):
        tabular(sets, contenders=["pyod:PCA"], published=published, seeds=1)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"contenders": ["forest"]}, "no contender is called 'forest'"),
        ({"reference": "vae"}, "'vae' does not take part"),
        ({"seeds": 0}, "seeds=0"),
        ({"jobs": 0}, "jobs=0"),
        ({"max_rows": 0}, "max_rows=0"),
        ({"published": "absent"}, "absent"),
    ],
)
def test_wrong_requests_are_refused_before_anything_is_measured(sets, wrong, message):
    with pytest.raises(UsageError, match=message):
        tabular(sets, **{"contenders": ["pyod:PCA"], **wrong})


def test_a_file_in_place_of_the_folder_is_refused(sets, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot make this folder"):
        tabular(sets, contenders=["pyod:PCA"], out=tmp_path / "file")


def test_the_figures_are_those_of_scikit_learn(sets):
    from sklearn.metrics import average_precision_score, roc_auc_score
    from sklearn.neighbors import NearestNeighbors

    from skdqm.benchmark._adbench import open_set

    found = tabular(sets, contenders=["pyod:KNN"], seeds=1).results.set_index("dataset")
    rows = open_set(sets / "1_hard.npz").rows(0)
    near = NearestNeighbors(n_neighbors=5).fit(rows.train)
    distances = near.kneighbors(rows.test)[0][:, -1]
    expected = (
        roc_auc_score(rows.labels, distances),
        average_precision_score(rows.labels, distances),
    )
    np.testing.assert_allclose(found.loc["1_hard", ["auroc", "aupr"]].astype(float), expected)
