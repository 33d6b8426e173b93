import csv
import json

import numpy as np
import pytest

FAST = ["--contenders", "pyod:KNN, pyod:PCA", "--seeds", 1, "--jobs", 1]


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    for number in range(3):
        rng = np.random.default_rng(number)
        y = np.arange(300) % 10 == 0
        X = rng.normal(size=(300, 3)) + 2 * y[:, None]
        np.savez(folder / f"{number}_set{'abc'[number]}.npz", X=X, y=y.astype(int))
    return folder


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    for name in ("aucroc", "aucpr"):
        rows = "".join(f"set{letter},100,51\n" for letter in "abc")
        (folder / f"dte_semi_{name}.csv").write_text(f"dataset,kNN,VAE\n{rows}")
    return folder


def test_tables_show_standings_and_tests_and_files_follow(run, sets, published, tmp_path):
    options = ["--data", sets, "--published", published, "-o", tmp_path]
    code, out, err = run("bench", "tabular", *options, *FAST)
    assert code == 0
    header, *rows = [line.split("\t") for line in out.splitlines()]
    assert header[:5] == ["contender (3 sets)", "AUROC", "rank", "AUPR", "rank"]
    by_name = {row[0]: row for row in rows}
    assert by_name["published:kNN"][1:6] == ["1", "1", "1", "1", "3/0/0"]
    assert by_name["pyod:KNN"][5] == "0/3/0"
    assert len(by_name["pyod:PCA"]) == len(header)
    assert "Nemenyi's critical distance, 5 %" in by_name
    assert "6 of 6, 0 s left: 2_setc, seed 0, pyod:PCA: AUROC" in err
    written = {path.name for path in tmp_path.iterdir()}
    assert written == {"results.jsonl", "results.csv", "ranks_auroc.png", "ranks_aupr.png"}
    with (tmp_path / "results.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 6


def test_json_holds_standings_results_and_failures(run, sets):
    options = ["--contenders", "pyod:KNN,pyod:MAD", "--seeds", 1, "--jobs", 1, "--json", "-q"]
    code, out, err = run("bench", "tabular", "--data", sets, *options)
    assert (code, err) == (0, "")
    figures = json.loads(out)
    assert [each["contender"] for each in figures["comparisons"]["auroc"]["standings"]] == [
        "pyod:KNN",
        "pyod:MAD",
    ]
    assert len(figures["failures"]) == 3
    assert [row["auroc"] for row in figures["results"][1::2]] == [None] * 3


def test_what_failed_is_told_at_the_end(run, sets):
    options = ["--contenders", "pyod:MAD", "--seeds", 1, "--jobs", 1]
    code, out, err = run("bench", "tabular", "--data", sets, *options)
    assert code == 0
    assert "3 failed:\n  0_seta, seed 0, pyod:MAD: ValueError: MAD" in err
    assert out.splitlines()[1].split("\t")[0::11] == ["pyod:MAD", "3"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--contenders", "forest"], "no contender is called 'forest'"),
        (["--contenders", ","], "found no contenders"),
        (["--contenders", "pyod:KNN", "--reference", "vae"], "'vae' does not take part"),
        (["--published", "absent"], "absent: found neither"),
        (["--seeds", "0"], "'--seeds'"),
    ],
)
def test_wrong_options_end_with_2_and_one_line(run, sets, options, message):
    code, out, err = run("bench", "tabular", "--data", sets, *options)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_wrong_files_end_with_3_and_one_line(run, tmp_path):
    np.savez(tmp_path / "1_one.npz", X=np.ones((9, 2)), y=np.zeros(9, dtype=int))
    code, out, err = run("bench", "tabular", "--data", tmp_path, *FAST)
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert "1_one.npz: the labels are [0]; expected 0 for normal rows and 1" in err


def test_events_are_ranked_in_both_representations(run, events):
    options = ["--data", events, "--contenders", "pyod:HBOS", "--seeds", 2, "--jobs", 1]
    code, out, _ = run("bench", "lhco", *options)
    assert code == 0
    header, *rows = [line.split("\t") for line in out.splitlines()]
    assert header[:5] == ["events", "contender", "AUROC", "+-", "max SIC"]
    assert [row[0] for row in rows] == ["14 columns", "jet features"]
    figures = json.loads(run("bench", "lhco", *options, "--forward", "--json", "-q").out)
    assert figures["results"][0]["n_seeds"] == 2


def test_classes_of_images_are_columns_beside_their_mean(run, images):
    options = ["--data", images, "--contenders", "pyod:KNN,pyod:PCA", "--train", 20, "--test", 10]
    code, out, _ = run("bench", "images", *options, "--jobs", 1)
    assert code == 0
    header, *rows = [line.split("\t") for line in out.splitlines()]
    assert header == ["contender", "mean", "class 0", "class 1", "class 2"]
    assert [row[0] for row in rows] == ["pyod:KNN", "pyod:PCA"]
    numbers = [float(cell) for cell in rows[0][1:]]
    assert numbers[0] == pytest.approx(np.mean(numbers[1:]), abs=1e-3)
    figures = json.loads(run("bench", "images", *options, "--jobs", 1, "--json", "-q").out)
    assert len(figures["results"]) == 6


def test_images_that_all_fail_are_told(run, images):
    options = ["--data", images, "--contenders", "pyod:MAD", "--train", 20, "--test", 10]
    code, out, err = run("bench", "images", *options, "--jobs", 1)
    assert code == 0
    assert out.splitlines()[1].split("\t")[:2] == ["pyod:MAD", "-"]
    assert "3 failed" in err
