"""Commands on ROOT files."""

import json

import numpy as np
import pandas as pd
import pytest

uproot = pytest.importorskip("uproot")
ak = pytest.importorskip("awkward")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two trees; one holds numbers, a text, a list and labels."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("root") / "events.root"
    with uproot.recreate(path) as file:
        rows = {
            "pt": ak.Array(rng.normal(size=200)),
            "eta": ak.Array(rng.normal(size=200).astype(np.float32)),
            "trigger": ak.Array([f"HLT,{i}" for i in range(200)]),
            "Muon_pt": ak.unflatten(rng.normal(size=300), np.arange(200) % 4),
            "label": ak.Array(np.arange(200) % 10 // 9),
        }
        file.mkrntuple("Events", rows)
        file.mktree("Runs", {"run": "i8"}).extend({"run": np.arange(3)})
    return path


@pytest.fixture(scope="module")
def trained(run, small, root, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "m"
    result = run("train", root, "--tree", "Events", "--columns", "pt,eta", "-o", path, *small)
    assert result.code == 0, result.err
    assert "200 rows x 2 features (pt, eta)" in result.err
    assert "label: label" in result.err
    return path


@pytest.mark.parametrize("option", ["--tree", "--key"])
def test_score_copies_numbers_and_texts(run, scores_of, trained, root, tmp_path, option):
    output = tmp_path / "scores.csv"
    result = run("score", trained, root, option, "Events", "-o", output)
    assert result.code == 0, result.err
    found = pd.read_csv(output)
    assert set(found.columns) == {"pt", "eta", "trigger", "label", "anomaly_score"}
    assert found["trigger"].tolist() == [f"HLT,{i}" for i in range(200)]
    # A CSV has the shortest digits that tell a float32.
    X = found[["pt", "eta"]].astype({"eta": np.float32}).astype(np.float64)
    np.testing.assert_allclose(found["anomaly_score"], scores_of(trained, X))


def test_evaluate_finds_the_label(run, trained, root):
    result = run("evaluate", trained, root, "--tree", "Events", "--json")
    assert result.code == 0, result.err
    assert json.loads(result.out)["n_signal"] == 20


def test_the_model_says_which_tree(run, trained):
    result = run("info", trained, "--json")
    facts = json.loads(result.out)
    assert (facts["data"], facts["key"], facts["features"]) == (
        "events.root",
        "Events",
        ["pt", "eta"],
    )


def test_leading_values_of_lists_are_features(run, small, root, tmp_path):
    words = ["train", root, "--tree", "Events", "--columns", "Muon_pt[3], pt", "-o", tmp_path / "m"]
    result = run(*words, *small)
    assert result.code == 0, result.err
    facts = json.loads(run("info", tmp_path / "m", "--json").out)
    assert facts["features"] == ["Muon_pt_0", "Muon_pt_1", "Muon_pt_2", "pt"]
    result = run("score", tmp_path / "m", root, "--tree", "Events", "-o", "-", "--keep", "none")
    assert result.code == 0, result.err
    header = result.out.partition("\n")[0].split(",")
    assert set(header) == {*facts["features"], "label", "anomaly_score"}
    assert run("evaluate", tmp_path / "m", root, "--tree", "Events").code == 0


def test_all_numbers_are_the_default(run, small, root, tmp_path):
    result = run("train", root, "--tree", "Events", "-o", tmp_path / "m", *small)
    assert result.code == 0, result.err
    facts = json.loads(run("info", tmp_path / "m", "--json").out)
    assert sorted(facts["features"]) == ["eta", "pt"]


WRONG = {
    "no tree": ([], "2 trees found"),
    "another tree": (["--tree", "Event"], "no tree under key 'Event'; the file has the trees"),
    "a list": (["--tree", "Events", "--columns", "Muon_pt"], "write 'Muon_pt[3]'"),
    "a text": (["--tree", "Events", "--columns", "pt,trigger"], "'trigger' are not numbers"),
}


@pytest.mark.parametrize(("options", "hint"), WRONG.values(), ids=WRONG.keys())
def test_mistakes_end_in_one_line(run, small, root, tmp_path, options, hint):
    result = run("train", root, "-o", tmp_path / "m", *small, "-q", *options)
    assert (result.code, result.err.count("\n")) == (3, 1)
    assert hint in result.err
    assert not (tmp_path / "m").exists()


def test_a_file_of_histograms_names_their_reader(run, small, tmp_path):
    with uproot.recreate(tmp_path / "h.root") as file:
        file["run1_ls1_q"] = (np.ones(2), np.arange(3.0))
    result = run("train", tmp_path / "h.root", "-o", tmp_path / "m", *small, "-q")
    assert result.code == 3
    assert (
        "holds histograms, 'run1_ls1_q', which skdqm.io.read_histograms reads (skdqm dqm"
        in result.err
    )
