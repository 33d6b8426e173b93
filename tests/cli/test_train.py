import numpy as np
import pandas as pd

from skdqm.cli._demo import write_hdf5
from skdqm.persistence import load, read_metadata


def train(run, data, output, *options):
    result = run("train", data, "-o", output, *options)
    assert result.code == 0, result.err
    return load(output)


def test_training_gives_a_pipeline_of_features_scaler_and_detector(model):
    pipeline = load(model)
    assert list(pipeline.named_steps) == ["features", "scaler", "detector"]
    assert type(pipeline[-1]).__name__ == "AutoencoderDetector"


def test_training_says_what_it_does_on_standard_error_alone(run, events, small, tmp_path):
    code, out, err = run("train", events, "-o", tmp_path / "m", *small)
    assert (code, out) == (0, "")
    assert (
        f"training autoencoder on 1,000 rows x 14 features (pxj1, pyj1, pzj1, mj1, tau1j1, tau2j1, "
        f"...) of {events}; label: label\n"
    ) in err
    assert str(tmp_path / "m") in err


def test_quiet_says_nothing(run, events, small, tmp_path):
    assert run("train", events, "-o", tmp_path / "m", *small, "-q") == (0, "", "")


def test_the_detector_is_a_vae_by_default(run, events, tmp_path):
    options = ["--set", "max_epochs=1", "--set", "hidden_layer_sizes=(8,)"]
    pipeline = train(run, events, tmp_path / "m", *options)
    assert type(pipeline[-1]).__name__ == "VAEDetector"


def test_settings_reach_the_detector_and_nothing_of_the_session_stays(model):
    detector = load(model)[-1]
    assert (detector.max_epochs, detector.hidden_layer_sizes) == (3, (16,))
    assert len(detector.history_) == 3
    assert (detector.verbose, detector.warm_start, detector.callbacks) == (0, False, None)


def test_labels_do_not_change_the_model(run, frame, events, small, scores_of, tmp_path):
    X, y = frame
    write_hdf5(tmp_path / "flipped.h5", X, 1 - y)
    train(run, events, tmp_path / "m1", *small)
    train(run, tmp_path / "flipped.h5", tmp_path / "m2", *small)
    np.testing.assert_array_equal(scores_of(tmp_path / "m1", X), scores_of(tmp_path / "m2", X))


def test_on_background_learns_from_label_0_alone(run, frame, events, small, scores_of, tmp_path):
    X, y = frame
    write_hdf5(tmp_path / "background.h5", X[y == 0], y[y == 0])
    train(run, events, tmp_path / "m1", *small, "--on", "background")
    train(run, tmp_path / "background.h5", tmp_path / "m2", *small)
    np.testing.assert_array_equal(scores_of(tmp_path / "m1", X), scores_of(tmp_path / "m2", X))


def test_a_seed_reproduces_and_another_does_not(run, frame, events, small, scores_of, tmp_path):
    X, _ = frame
    for name, seed in (("m1", 1), ("m2", 1), ("m3", 2)):
        train(run, events, tmp_path / name, *small, "--seed", seed)
    first, again, other = (scores_of(tmp_path / name, X) for name in ("m1", "m2", "m3"))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_the_alarm_rate_is_calibrated_on_the_last_rows_only(model, frame):
    pipeline = load(model)
    assert len(pipeline[-1].calibration_scores_) == 200
    assert pipeline[-1].alarm_rate_ == 0.05
    fitted_on = pipeline[0].transform(frame[0].iloc[:800].astype("float32"))
    np.testing.assert_allclose(pipeline[1].mean_, fitted_on.mean(axis=0), rtol=1e-5)


def test_the_alarm_rate_is_told_with_its_interval(run, events, small, tmp_path):
    _, _, err = run("train", events, "-o", tmp_path / "m", *small, "--alarm-rate", 0.1)
    low, high = load(tmp_path / "m")[-1].alarm_rate_interval_
    assert f"between {low:.3%} and {high:.3%}" in err


def test_the_model_file_says_where_it_comes_from(model, frame):
    metadata = read_metadata(model)
    assert metadata["data"] == "events.h5"
    assert metadata["n_rows"] == 1000
    assert metadata["columns"] == list(frame[0].columns)
    assert metadata["label"] == "label"
    assert metadata["options"]["alarm_rate"] == 0.05
    assert len(metadata["sha256"]) == 64


def test_columns_choose_the_features(run, readings, small, tmp_path):
    pipeline = train(run, readings, tmp_path / "m", *small, "--columns", "c, a")
    assert list(pipeline.feature_names_in_) == ["c", "a"]


def test_a_named_label_is_no_feature(run, readings, small, tmp_path):
    readings = pd.read_csv(readings).assign(c=0)
    readings.to_csv(tmp_path / "t.csv", index=False)
    pipeline = train(run, tmp_path / "t.csv", tmp_path / "m", *small, "--label", "c")
    assert list(pipeline.feature_names_in_) == ["a", "b"]


def test_a_detector_of_another_package_trains_without_checkpoints(run, readings, plugin, tmp_path):
    pipeline = train(run, readings, tmp_path / "m", "-d", plugin, "--set", "power=1")
    assert pipeline[-1].power == 1
    code, _, err = run("train", readings, "-o", tmp_path / "m", "-d", plugin, "--resume")
    assert code == 2
    assert "writes no checkpoints" in err


def test_training_says_when_there_is_no_label(run, readings, small, tmp_path):
    _, _, err = run("train", readings, "-o", tmp_path / "m", *small)
    assert "x 3 features (a, b, c) of" in err
    assert "; no label found\n" in err


def test_training_says_that_a_label_or_the_number_of_a_row_is_learned(
    run, readings, small, tmp_path
):
    numbered = pd.read_csv(readings).assign(Y=0)
    numbered.to_csv(tmp_path / "t.csv")
    _, _, err = run("train", tmp_path / "t.csv", "-o", tmp_path / "m", *small)
    assert "\ncolumn 'Unnamed: 0', 'Y' is learned like any other" in err
    _, _, err = run("train", readings, "-o", tmp_path / "m", *small)
    assert "like any other" not in err


def test_parameters_are_judged_before_the_data_is_read(run, tmp_path):
    words = ["train", tmp_path / "missing.csv", "-o", tmp_path / "m", "-d", "autoencoder", "--set"]
    code, _, err = run(*words, "lr=-1")
    assert (code, err.startswith("skdqm: --set lr: must be")) == (2, True)
    code, _, err = run(*words, "hidden_layer_sizes=64")
    assert code == 2
    assert "--set hidden_layer_sizes: " in err
    assert "(64,)" in err
