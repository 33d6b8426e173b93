import numpy as np
import pytest

from skdqm.datasets import make_lhco_events
from skdqm.exceptions import CalibrationWarning
from skdqm.persistence import load, read_metadata


@pytest.fixture(scope="module")
def new_rows(tmp_path_factory):
    X, y = make_lhco_events(300, 50, random_state=7)
    path = tmp_path_factory.mktemp("new") / "new.parquet"
    X.assign(label=y).to_parquet(path)
    return path, X, y


@pytest.fixture
def uncalibrated(model, tmp_path):
    from skdqm.persistence import save

    pipeline = load(model)
    for name in ("calibration_scores_", "alarm_rate_", "alarm_rate_interval_"):
        delattr(pipeline[-1], name)
    save(pipeline, tmp_path / "plain", metadata={"data": "old.h5"})
    return tmp_path / "plain"


def test_an_update_is_partial_fit_behind_the_old_scaler(run, uncalibrated, new_rows, tmp_path):
    path, X, _ = new_rows
    code, out, err = run("update", uncalibrated, path, "-o", tmp_path / "m2", "--epochs", 2)
    assert (code, out) == (0, "")
    assert "350 rows" in err
    updated, expected = load(tmp_path / "m2"), load(uncalibrated)
    for _ in range(2):
        expected[-1].partial_fit(expected[:-1].transform(X))
    np.testing.assert_array_equal(updated.score_samples(X), expected.score_samples(X))
    np.testing.assert_array_equal(updated[1].mean_, expected[1].mean_)
    assert len(updated[-1].history_) == 5


def test_an_update_can_learn_from_background_alone(run, uncalibrated, new_rows, tmp_path):
    path, X, y = new_rows
    run("update", uncalibrated, path, "-o", tmp_path / "m2", "--on", "background")
    expected = load(uncalibrated)
    expected[-1].partial_fit(expected[:-1].transform(X[y == 0]))
    np.testing.assert_array_equal(load(tmp_path / "m2").score_samples(X), expected.score_samples(X))


def test_every_update_is_recorded_in_the_model(run, uncalibrated, new_rows, tmp_path):
    path, *_ = new_rows
    run("update", uncalibrated, path, "-o", tmp_path / "m2")
    run("update", tmp_path / "m2", path, "-o", tmp_path / "m2")
    metadata = read_metadata(tmp_path / "m2")
    assert metadata["data"] == "old.h5"
    assert [step["n_rows"] for step in metadata["updates"]] == [350, 350]


@pytest.mark.filterwarnings("default::skdqm.exceptions.CalibrationWarning")
def test_a_lost_calibration_is_told_in_one_line(run, model, new_rows, tmp_path):
    before = model.read_bytes()
    code, _, err = run("update", model, new_rows[0], "-o", tmp_path / "m2", "--epochs", 2, "-q")
    assert code == 0
    assert err.startswith("skdqm: warning: the update changed the model")
    assert "--alarm-rate" in err
    assert err.count("\n") == 1
    assert read_metadata(tmp_path / "m2")["options"]["alarm_rate"] is None
    assert model.read_bytes() == before


def test_a_detector_that_cannot_go_on_is_refused(run, readings, plugin, tmp_path):
    assert run("train", readings, "-o", tmp_path / "m", "-d", plugin).code == 0
    code, _, err = run("update", tmp_path / "m", readings, "-o", tmp_path / "m2")
    assert code == 2
    assert "DistanceDetector cannot learn from more rows" in err


def test_an_update_with_an_alarm_rate_calibrates_on_the_last_rows(run, model, new_rows, tmp_path):
    path, X, _ = new_rows
    code, _, err = run("update", model, path, "-o", tmp_path / "m2", "--alarm-rate", 0.1)
    assert code == 0
    assert "calibrated on 70 held-out rows" in err
    assert "warning" not in err
    updated, expected = load(tmp_path / "m2"), load(model)
    with pytest.warns(CalibrationWarning):
        expected[-1].partial_fit(expected[:-1].transform(X.iloc[:280]))
    expected[-1].calibrate(expected[:-1].transform(X.iloc[280:]), alarm_rate=0.1)
    assert updated[-1].offset_ == expected[-1].offset_
    assert read_metadata(tmp_path / "m2")["options"]["alarm_rate"] == 0.1


def test_a_model_may_be_updated_in_place(run, uncalibrated, new_rows):
    assert run("update", uncalibrated, new_rows[0], "-o", uncalibrated).code == 0
    assert "updates" in read_metadata(uncalibrated)


def test_the_background_label_may_be_another(run, uncalibrated, new_rows, tmp_path):
    _, X, y = new_rows
    X.assign(label=np.where(y == 0, -1, 1)).to_parquet(tmp_path / "pm.parquet")
    words = ["update", uncalibrated, tmp_path / "pm.parquet", "-o", tmp_path / "m2"]
    code, _, err = run(*words, "--on", "background")
    assert code == 3
    assert "the labels found are -1, 1; name the right one with --background" in err
    _, _, err = run(*words, "--on", "background", "--background", -1)
    assert "300 rows" in err
