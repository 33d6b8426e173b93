import io
import re

import numpy as np
import pandas as pd
import pytest

from skdqm.datasets import make_lumisections
from skdqm.io import LumisectionRanges, read_golden_json, write_golden_json
from skdqm.metrics import evaluate_by_run
from skdqm.persistence import load, read_metadata
from tests.cli.dqm_tables import SHAPES, known_and_new, write_table
from tests.exact import read_csv

WORDS = {1: "good", -1: "bad", 0: "not enough data"}


@pytest.fixture(scope="session")
def tables():
    return known_and_new()


@pytest.fixture(scope="session")
def known(folder, tables):
    return write_table(folder / "known.parquet", tables[0])


@pytest.fixture(scope="session")
def new(folder, tables):
    return write_table(folder / "new.parquet", tables[1])


@pytest.fixture(scope="session")
def trained(run, folder, known):
    path = folder / "dqm.skdqm"
    result = run("dqm", "train", known, "-o", path)
    assert result.code == 0, result.err
    assert "training reference on 360 lumisections of 6 runs" in result.err
    assert "set on 120 of 2 runs" in result.err
    assert "to learn from: good runs differ" not in result.err
    return path


@pytest.fixture
def check(run, trained, new):
    def check(*options, data=new, model=trained):
        result = run("dqm", "check", data, "-m", model, *options)
        assert result.code == 0, result.err
        return read_csv(io.StringIO(result.out)).set_index(["run", "lumisection"])

    return check


def test_training_says_that_two_runs_are_few_to_learn_from(run, known, tables, tmp_path):
    runs = tables[0].index.unique("run")
    result = run("dqm", "train", known, "--runs", f"-{runs[3]}", "-o", tmp_path / "m")
    assert (result.code, "\nonly " in result.err) == (0, True)
    assert "to learn from: good runs differ from each other" in result.err


def test_help_lists_the_three_commands(run):
    code, out, _ = run("dqm", "--help")
    assert code == 0
    for command in ("train", "check", "report"):
        assert command in out


def test_a_model_file_says_what_it_knows(trained, tables):
    facts = read_metadata(trained)
    runs = tables[0].index.unique("run")
    assert facts["elements"] == ["charge", "map"]
    assert facts["bins"] == ["20 bins 0 .. 10", "6 bins without edges x 4 bins -1 .. 1"]
    assert facts["learned_runs"] == [runs[0], runs[5]]
    assert facts["calibrated_runs"] == [runs[6], runs[7]]


def test_verdicts_and_scores_are_those_of_the_python_interface(check, trained, tables):
    expected = load(trained)[-1].verdicts(tables[1])
    found = check()
    judged = expected["verdict"] != 0
    assert found["verdict"].tolist() == expected["verdict"].map(WORDS).tolist()
    for name in ("anomaly_score", "p_value"):
        np.testing.assert_array_equal(found.loc[judged, name], expected.loc[judged, name])
        assert found.loc[~judged, name].isna().all()


def test_a_fault_is_flagged_and_named_with_its_element(check, tables):
    found = check()
    faulty = found[tables[2]]
    assert (faulty["verdict"] == "bad").all()
    assert (faulty["element"] == "charge").all()
    assert faulty["reason"].str.startswith("charge: bin").all()
    assert (found["reason"].notna() == (found["verdict"] == "bad")).all()


def test_no_beam_is_neither_good_nor_bad(check, tmp_path):
    found = check("--golden", tmp_path / "g.json")
    empty = found.iloc[50:55]
    assert (empty["verdict"] == "not enough data").all()
    assert empty["element"].isna().all()
    assert not read_golden_json(tmp_path / "g.json").contains(empty.index).any()


def test_the_golden_json_holds_the_good_ones_that_the_detector_control_lists(
    check, tables, tmp_path
):
    run_number = int(tables[1].index[0][0])
    write_golden_json(LumisectionRanges({run_number: [(1, 30)]}), tmp_path / "dcs.json")
    found = check("--golden", tmp_path / "g.json", "--dcs", tmp_path / "dcs.json")
    is_listed = read_golden_json(tmp_path / "g.json").contains(found.index)
    inside = (found.index.get_level_values(0) == run_number) & (
        found.index.get_level_values(1) <= 30
    )
    np.testing.assert_array_equal(is_listed, (found["verdict"] == "good") & inside)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_files_hold_what_standard_output_gets(run, check, trained, new, tmp_path, suffix):
    path = tmp_path / f"v.{suffix}"
    assert run("dqm", "check", new, "-m", trained, "-o", path, "-q") == (0, "", "")
    read = {"csv": read_csv, "parquet": pd.read_parquet}[suffix]
    written, printed = (
        # What is missing is None in one kind of file, NaN in the other.
        table.astype(object).where(table.notna(), None)
        for table in (read(path).set_index(["run", "lumisection"]), check())
    )
    pd.testing.assert_frame_equal(written, printed)


def test_alarms_are_listed_and_end_in_1_only_if_asked(run, trained, new, known, tmp_path):
    words = ["dqm", "check", new, "-m", trained, "-o", tmp_path / "v.csv"]
    code, _, err = run(*words, "--raise-after", 3)
    assert code == 0
    assert "2 alarms\n" in err
    assert run(*words, "--raise-after", 3, "--fail-on-anomaly").code == 1
    assert run(*words, "--raise-after", 6, "--fail-on-anomaly").code == 0
    assert "no alarm" in run(*words, "--raise-after", 6).err


def test_only_some_runs_are_judged(check, tables):
    first, second = tables[1].index.unique("run")
    assert set(check("--runs", f"{second}-").index.get_level_values(0)) == {second}
    assert set(check("--runs", f"-{first}").index.get_level_values(0)) == {first}
    assert set(check("--runs", f"{first}").index.get_level_values(0)) == {first}


def test_runs_that_are_judged_together_get_what_each_gets_alone(check, monkeypatch):
    together = check()
    monkeypatch.setattr("skdqm.cli._dqm_data.VALUES_AT_ONCE", 1)
    pd.testing.assert_frame_equal(check(), together)


@pytest.mark.filterwarnings("ignore::skdqm.exceptions.CalibrationWarning")
def test_following_scores_each_run_as_an_evaluation_by_run_does(check, trained, tables):
    expected = evaluate_by_run(load(trained)[-1], tables[1], learn="accepted")
    found = check("--follow", "accepted")
    judged = found["verdict"] != "not enough data"
    np.testing.assert_array_equal(
        found.loc[judged, "anomaly_score"], expected.loc[judged, "anomaly_score"]
    )


def test_what_follows_later_changes_no_verdict(check, tables):
    first = tables[1].index.unique("run")[0]
    alone = check("--follow", "accepted", "--runs", f"-{first}")
    pd.testing.assert_frame_equal(check("--follow", "accepted").loc[[first]], alone)
    pd.testing.assert_frame_equal(check().loc[[first]], alone)


def test_a_golden_json_says_what_is_learned_and_moves_the_threshold(
    run, check, trained, tables, tmp_path
):
    first = int(tables[1].index.unique("run")[0])
    golden, updated = tmp_path / "golden.json", tmp_path / "updated.skdqm"
    write_golden_json(LumisectionRanges({first: [(1, 15)]}), golden)
    scores = check("--follow", golden, "--update", updated)["anomaly_score"]
    before, after = load(trained)[-1], load(updated)[-1]
    learned = -scores.loc[first].loc[1:15].to_numpy()
    expected = np.sort([*before.calibration_scores_, *learned])
    np.testing.assert_allclose(after.calibration_scores_, expected)
    assert after.alarm_rate_ == before.alarm_rate_
    facts = read_metadata(updated)
    assert facts["learned_runs"][1] == first
    assert facts["updates"][0]["n_rows"] == 15
    code, _, err = run("dqm", "check", trained, "-m", updated, "--follow", "accepted")
    assert code != 0
    assert err.count("\n") == 1


def test_an_updated_model_goes_on_where_it_was(check, tables, tmp_path):
    first, second = tables[1].index.unique("run")
    whole = check("--follow", "accepted")
    half = tmp_path / "half.skdqm"
    check("--follow", "accepted", "--runs", f"{first}", "--update", half)
    rest = check("--follow", "accepted", "--runs", f"{second}", model=half)
    pd.testing.assert_frame_equal(whole.loc[[second]], rest)


def test_runs_that_were_learned_are_not_followed_again(run, trained, known, tmp_path):
    code, _, err = run("dqm", "check", known, "-m", trained, "--follow", "accepted")
    assert code == 2
    assert "choose the later ones with --runs" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "options",
    [
        ["--sum", 3],
        ["--persistence", 3],
        ["--combine", "fisher"],
        ["--sum", 2, "--persistence", 2, "--combine", "cauchy", "--set", "reference=rolling"],
        ["-d", "autoencoder", "--set", "loss=poisson", "--set", "exposure=total"],
    ],
    ids=str,
)
def test_every_kind_of_model_finds_a_dead_region_and_says_so(
    run, check, known, tables, tmp_path, options
):
    path = tmp_path / "m.skdqm"
    result = run("dqm", "train", known, "-o", path, *options)
    assert result.code == 0, result.err
    found = check(model=path)
    last = np.flatnonzero(tables[2])[-1]
    assert found["verdict"].iloc[last] == "bad"
    assert found["reason"].iloc[last].startswith("charge: ")


def test_a_detector_without_expectations_still_gives_reasons(run, check, known, tmp_path):
    path = tmp_path / "m.skdqm"
    result = run("dqm", "train", known, "-o", path, "-d", "neighbors", "--alarm-rate", 0.3)
    assert result.code == 0, result.err
    found = check(model=path)
    is_bad = found["verdict"] == "bad"
    assert is_bad.any()
    assert found.loc[is_bad, "reason"].str.contains(r"^(?:charge|map): ").all()


@pytest.mark.filterwarnings("always::UserWarning")
def test_an_element_without_enough_data_is_left_out_with_a_warning(run, tables, tmp_path):
    table = tables[0].copy()
    table[[name for name in table if name.startswith("map")]] = 0.0
    data = write_table(tmp_path / "poor.parquet", table)
    code, _, err = run("dqm", "train", data, "-o", tmp_path / "m")
    assert code == 0
    assert re.search(r"warning: left out of the model: .* in map \(0\)\n", err)
    assert read_metadata(tmp_path / "m")["elements"] == ["charge"]


def test_lumisections_without_beam_are_no_training_rows(run, tables, tmp_path):
    table = tables[0].copy()
    table.iloc[-100:] = 0
    data = write_table(tmp_path / "t.parquet", table)
    result = run("dqm", "train", data, "-o", tmp_path / "m")
    assert result.code == 0, result.err
    runs = table.index.unique("run")
    assert read_metadata(tmp_path / "m")["calibrated_runs"] == [runs[4], runs[6]]


def test_of_one_run_the_end_sets_the_threshold(run, tables, tmp_path):
    first = tables[0].index.unique("run")[0]
    data = write_table(tmp_path / "one.parquet", tables[0].loc[[first]])
    result = run("dqm", "train", data, "-o", tmp_path / "m", "--alarm-rate", 0.1)
    assert result.code == 0, result.err
    assert "on 48 lumisections of run" in result.err
    assert "set on 12 of run" in result.err


def test_good_lumisections_alone_are_learned(run, known, tables, tmp_path):
    runs = tables[0].index.unique("run")
    golden = LumisectionRanges({int(each): [(11, 60)] for each in runs})
    write_golden_json(golden, tmp_path / "g.json")
    result = run("dqm", "train", known, "-o", tmp_path / "m", "--good", tmp_path / "g.json")
    assert result.code == 0, result.err
    assert "on 300 lumisections of 6 runs" in result.err


def test_some_elements_are_chosen(run, known, tmp_path):
    assert run("dqm", "train", known, "-o", tmp_path / "m", "--elements", "map").code == 0
    assert read_metadata(tmp_path / "m")["elements"] == ["map"]


def test_the_promised_alarm_rate_holds_on_new_good_runs(run, tmp_path):
    X, _ = make_lumisections(
        40, 60, shape=SHAPES, fault_fraction=0, drift=0, statistics=5000, random_state=1
    )
    data, model = write_table(tmp_path / "t.parquet", X), tmp_path / "m"
    runs = X.index.unique("run")
    words = ["--runs", f"-{runs[24]}", "--alarm-rate", 0.05]
    assert run("dqm", "train", data, "-o", model, *words).code == 0
    out = run("dqm", "check", data, "-m", model, "--runs", f"{runs[25]}-", "-q").out
    rate = (read_csv(io.StringIO(out))["verdict"] == "bad").mean()
    assert 0.02 < rate < 0.09


def test_files_without_an_index_are_given_one(run, tables, tmp_path):
    first = int(tables[0].index[0][0])
    counts = tables[0].loc[[first]].filter(like="charge").to_numpy()
    np.savez(tmp_path / "charge.npz", charge=counts)
    index = ["--run", 7, "--first-lumisection", 3]
    words = ["dqm", "train", tmp_path / "charge.npz", "-o", tmp_path / "m", "--alarm-rate", 0.1]
    code, _, err = run(*words)
    assert code == 3
    assert err.count("\n") == 1
    assert run(*words, *index).code == 0
    out = run("dqm", "check", tmp_path / "charge.npz", "-m", tmp_path / "m", *index).out
    assert read_csv(io.StringIO(out))[["run", "lumisection"]].iloc[0].tolist() == [7, 3]


def test_info_shows_a_model(run, trained):
    code, out, _ = run("info", trained)
    assert code == 0
    assert "20 bins 0 .. 10" in out


@pytest.mark.filterwarnings("default")
def test_real_pixel_histograms_from_golden_json_to_verdicts(run, shared_data, tmp_path):
    folder = shared_data("dqm/cms_pixel_2017B")
    data = folder / "chargeInner_PXLayer_1_perLS_dev.csv.gz"
    golden = next(folder.glob("Cert_*.txt"))
    model = tmp_path / "m"
    assert run("dqm", "train", data, "--good", golden, "-o", model).code == 0
    out = run("dqm", "check", data, "-m", model, "-q").out
    verdicts = read_csv(io.StringIO(out)).set_index(["run", "lumisection"])
    good = read_golden_json(golden).contains(verdicts.index)
    bad = verdicts["verdict"] == "bad"
    assert bad[good].mean() < 0.03
    assert bad.loc[[297047, 297048]].all()
