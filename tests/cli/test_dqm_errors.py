"""What goes wrong with ``skdqm dqm`` ends in one line, and leaves nothing behind."""

import numpy as np
import pytest

from skdqm.io import LumisectionRanges, write_golden_json
from skdqm.persistence import load, save
from tests.cli.dqm_tables import EDGES, known_and_new, write_table


@pytest.fixture(scope="session")
def tables():
    return known_and_new()


@pytest.fixture(scope="session")
def known(folder, tables):
    return write_table(folder / "known-runs.parquet", tables[0])


@pytest.fixture(scope="session")
def new(folder, tables):
    return write_table(folder / "new-runs.parquet", tables[1])


@pytest.fixture(scope="session")
def trained(run, folder, known):
    path = folder / "dqm-errors.skdqm"
    assert run("dqm", "train", known, "-o", path).code == 0
    return path


def test_a_model_of_train_is_not_one_of_dqm(run, new, readings, small, tmp_path):
    assert run("train", readings, "-o", tmp_path / "m", *small).code == 0
    code, out, err = run("dqm", "check", new, "-m", tmp_path / "m")
    assert (code, out) == (3, "")
    assert "not trained by skdqm dqm train" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("command", ["score", "evaluate", "update"])
def test_commands_for_tables_refuse_a_model_of_dqm(run, trained, readings, tmp_path, command):
    output = [] if command == "evaluate" else ["-o", tmp_path / "out"]
    code, _, err = run(command, trained, readings, *output)
    assert code == 3
    assert "judge histograms with skdqm dqm check" in err
    assert err.count("\n") == 1


def test_other_bins_than_those_of_the_model_are_refused(run, trained, tables, tmp_path):
    data = write_table(
        tmp_path / "t.parquet", tables[1], {**EDGES, "charge": (np.linspace(0, 30, 21),)}
    )
    code, out, err = run("dqm", "check", data, "-m", trained)
    assert (code, out) == (3, "")
    assert "'charge' has 20 bins 0 .. 30" in err
    assert "learned 20 bins 0 .. 10" in err
    assert err.count("\n") == 1


def test_missing_elements_are_named(run, trained, tables, tmp_path):
    data = write_table(tmp_path / "t.parquet", tables[1], {"charge": EDGES["charge"]})
    code, _, err = run("dqm", "check", data, "-m", trained)
    assert code == 3
    assert "no element 'map'" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (["--dcs", "d.json"], "--golden"),
        (["--update", "m2"], "--follow"),
        (["--follow", "yesterday"], "expected none, accepted"),
        (["-o", "v.txt"], ".csv"),
        (["--golden", "g.csv"], ".json"),
        (
            ["-o", "x.csv", "--golden", "g.json", "--update", "g.json", "--follow", "accepted"],
            "two",
        ),
        (["--runs", "a-b"], "FIRST-LAST"),
        (["--raise-after", "0"], "--raise-after"),
    ],
    ids=str,
)
def test_wrong_options_of_check_end_in_one_line_and_write_nothing(
    run, trained, new, tmp_path, monkeypatch, options, hint
):
    monkeypatch.chdir(tmp_path)
    code, out, err = run("dqm", "check", new, "-m", trained, *options)
    assert (code, out) == (2, "")
    assert hint in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "code", "hint"),
    [
        (["--alarm-rate", "0.0001"], 2, "needs at least 9,999 lumisections"),
        (["--alarm-rate", "0"], 2, "between 0 and 1"),
        (["--min-entries", "1e9"], 3, "lower --min-entries"),
        (["--elements", "nothing"], 3, "no element 'nothing'"),
        (["-d", "nothing"], 2, "nothing"),
        (["--set", "test=nothing"], 2, "test"),
        (["--runs", "1-2"], 3, "its runs are"),
    ],
    ids=str,
)
def test_wrong_options_of_train_end_in_one_line_and_write_nothing(
    run, known, tmp_path, options, code, hint
):
    result = run("dqm", "train", known, "-o", tmp_path / "m", *options)
    assert result.code == code
    assert hint in result.err
    assert result.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_golden_json_of_other_runs_is_refused(run, known, tmp_path):
    write_golden_json(LumisectionRanges({1: [(1, 9)]}), tmp_path / "g.json")
    words = ["dqm", "train", known, "-o", tmp_path / "m", "--good", tmp_path / "g.json"]
    code, _, err = run(*words)
    assert code == 3
    assert "none of the 480 lumisections" in err


def test_an_output_is_never_an_input(run, trained, new, tmp_path):
    code, _, err = run(
        "dqm", "check", new, "-m", trained, "--follow", "accepted", "--update", trained
    )
    assert code == 2
    assert "the output is the input" in err


def test_a_detector_that_cannot_learn_run_by_run_is_refused(run, known, new, tables, tmp_path):
    model = tmp_path / "m"
    words = ["-d", "pyod", "--set", "model=ECOD", "--alarm-rate", 0.05]
    if run("dqm", "train", known, "-o", model, *words).code:
        pytest.skip("needs PyOD")
    code, _, err = run("dqm", "check", new, "-m", model, "--follow", "accepted")
    assert code == 2
    assert "cannot learn run by run" in err


def test_a_file_that_was_not_written_by_skdqm_is_no_model(run, new, tmp_path):
    (tmp_path / "m").write_bytes(b"nothing")
    code, _, err = run("dqm", "check", new, "-m", tmp_path / "m")
    assert code == 3
    assert err.count("\n") == 1


def test_a_model_saved_by_hand_is_not_one_of_dqm(run, trained, new, tmp_path):
    save(load(trained), tmp_path / "m")
    assert run("dqm", "check", new, "-m", tmp_path / "m").code == 3
