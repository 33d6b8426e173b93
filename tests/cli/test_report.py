"""The report of an evaluation: its tables, figures and pictures, and what can go wrong."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread
from sklearn.metrics import roc_auc_score

from skdqm.cli import _figures, _report
from skdqm.cli._top import Top
from skdqm.io import Table
from skdqm.metrics import evaluate_labels, evaluate_scores
from skdqm.persistence import load

CURVES = {"scores.png", "roc.png", "precision_recall.png", "significance_improvement.png"}
TABLES = {"predictions.csv", "metrics.json", "top_anomalies.csv"}
EVERYTHING = TABLES | CURVES | {"top_features.png"}


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    monkeypatch.setattr(_figures, "MOST_RESAMPLES", 100)


@pytest.fixture(scope="module")
def reported(run, model, events, tmp_path_factory):
    """The report of the calibrated model, and what the command printed."""
    folder = tmp_path_factory.mktemp("report") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_figures, "MOST_RESAMPLES", 100)
        return folder, run("evaluate", model, events, "--json", "--report", folder)


@pytest.fixture
def report(run, tmp_path):
    """Write a report of a model on a file into a new folder."""

    def written(model, data, *options):
        folder = tmp_path / "report"
        code, _, err = run("evaluate", model, data, "--report", folder, *options)
        assert code == 0, err
        return folder

    return written


def names_in(folder):
    return {path.name for path in folder.iterdir()}


def predictions(folder):
    return pd.read_csv(folder / "predictions.csv")


def top(folder):
    return pd.read_csv(folder / "top_anomalies.csv")


def test_the_figures_are_printed_as_without_a_report(run, model, events, reported):
    folder, (code, out, err) = reported
    assert code == 0
    assert out == run("evaluate", model, events, "--json").out
    assert err.startswith(f"wrote into {folder}: predictions.csv, metrics.json, top_anomalies.csv")
    assert names_in(folder) == EVERYTHING


def test_predictions_are_those_of_the_score_command(run, model, events, reported, tmp_path):
    run("score", model, events, "-o", tmp_path / "scores.csv", "--flags")
    expected = pd.read_csv(tmp_path / "scores.csv")
    found = predictions(reported[0])
    assert found["row"].tolist() == list(range(1000))
    shared = ["label", "anomaly_score", "is_anomaly", "p_value"]
    pd.testing.assert_frame_equal(found[shared], expected[shared])


def test_the_figures_can_be_computed_again_from_the_predictions(reported):
    folder, (_, out, _) = reported
    found = predictions(folder)
    figures = json.loads((folder / "metrics.json").read_text())["figures"]
    printed = json.loads(out)
    expected = evaluate_scores(found["is_signal"], found["anomaly_score"])
    flags = evaluate_labels(found["is_signal"], 1 - 2 * found["is_anomaly"])
    expected |= {name: flags[name] for name in ("precision", "f1", "accuracy")}
    for name, value in expected.items():
        assert figures[name]["estimate"] == pytest.approx(value) == printed[name]
        assert figures[name]["low"] <= value <= figures[name]["high"]
        assert figures[name]["meaning"]


def test_the_metrics_say_of_what_they_are(model, events, reported):
    found = json.loads((reported[0] / "metrics.json").read_text())
    detector = load(model)[-1]
    assert (found["model"], found["data"]) == (str(model), str(events))
    assert found["detector"] == "AutoencoderDetector"
    assert (found["n_rows"], found["n_background"], found["n_signal"]) == (1000, 900, 100)
    assert found["n_flagged"] == predictions(reported[0])["is_anomaly"].sum()
    assert (found["threshold"], found["alarm_rate"]) == (-detector.offset_, 0.05)
    assert (found["confidence_level"], found["n_resamples"]) == (0.95, 100)
    assert {"python", "skdqm", "scikit-learn", "numpy", "torch"} <= found["versions"].keys()


def test_the_top_are_the_most_abnormal_rows_and_their_features(model, frame, reported):
    found, every = top(reported[0]), predictions(reported[0])
    expected = every.nlargest(20, "anomaly_score")
    assert found["rank"].tolist() == list(range(1, 21))
    pd.testing.assert_frame_equal(found[every.columns], expected.reset_index(drop=True))
    *before, detector = (step for _, step in load(model).steps)
    X = frame[0].astype("float32").astype("float64").iloc[found["row"]]
    jets, scaler = before
    features = jets.transform(X)
    scores = detector.feature_scores(scaler.transform(features))
    shares = scores / scores.sum(axis=1, keepdims=True)
    strongest = np.argsort(-shares, axis=1)[:, :3]
    names = jets.get_feature_names_out()
    for place in range(3):
        at = np.arange(20), strongest[:, place]
        assert found[f"feature_{place + 1}"].tolist() == names[at[1]].tolist()
        np.testing.assert_allclose(found[f"share_{place + 1}"], shares[at])
        # GeV, not standard deviations.
        np.testing.assert_allclose(found[f"value_{place + 1}"], features[at])


@pytest.mark.parametrize("name", sorted(CURVES | {"top_features.png"}))
def test_pictures_show_something(reported, name):
    pixels = imread(reported[0] / name)[..., :3].mean(axis=2)
    assert min(pixels.shape) > 300
    assert 0.01 < (pixels < 0.9).mean() < 0.9


def test_batches_change_nothing(report, run, model, events, reported, tmp_path):
    folder = report(model, events, "--batch-size", 77)
    for name in TABLES:
        assert (folder / name).read_bytes() == (reported[0] / name).read_bytes()


def test_as_many_rows_as_asked_for_are_on_top(report, model, events):
    assert len(top(report(model, events, "--top", 3))) == 3
    assert len(top(report(model, events, "--top", 5000))) == 1000


def test_a_model_that_is_not_calibrated_has_no_p_values(report, run, readings, small, tmp_path):
    data = pd.read_csv(readings).assign(label=lambda rows: (rows["a"] > 1).astype(int))
    data.to_csv(tmp_path / "labelled.csv", index=False)
    run("train", readings, "-o", tmp_path / "plain.skdqm", *small)
    folder = report(tmp_path / "plain.skdqm", tmp_path / "labelled.csv")
    assert "p_value" not in predictions(folder)
    assert json.loads((folder / "metrics.json").read_text())["alarm_rate"] is None
    assert set(top(folder)["feature_1"]) <= {"a", "b", "c"}
    worst = top(folder).iloc[0]
    assert worst["value_1"] == data[worst["feature_1"]][worst["row"]]


def test_a_detector_that_does_not_localise_leaves_features_empty(
    report, run, events, plugin, tmp_path
):
    run("train", events, "-o", tmp_path / "d.skdqm", "-d", plugin)
    folder = tmp_path / "report"
    folder.mkdir()
    (folder / "top_features.png").write_bytes(b"of an earlier report")
    report(tmp_path / "d.skdqm", events)
    assert names_in(folder) == EVERYTHING - {"top_features.png"}
    assert top(folder).filter(regex="feature|value|share").isna().all(axis=None)
    assert len(top(folder)) == 20


def test_images_get_a_map_each(report, run, images, tmp_path):
    epochs = ["--set", "max_epochs=1"]
    result = run("train", images, "-o", tmp_path / "i.skdqm", "-d", "convolutional", *epochs)
    assert result.code == 0, result.err
    folder = report(tmp_path / "i.skdqm", images, "--background", 0)
    assert names_in(folder) == EVERYTHING
    assert top(folder)["feature_1"].str.match(r"pixel_\d_\d").all()
    assert set(top(folder)["label"]) <= {0, 1, 2}
    assert set(predictions(folder).groupby("label")["is_signal"].first()) == {0, 1}


def test_raw_events_name_what_the_detector_sees(report, run, particles, tmp_path):
    epochs = ["--set", "max_epochs=1"]
    result = run("train", particles, "-o", tmp_path / "e.skdqm", "-d", "convolutional", *epochs)
    assert result.code == 0, result.err
    folder = report(tmp_path / "e.skdqm", particles)
    names = set(load(tmp_path / "e.skdqm")[0].get_feature_names_out())
    assert set(top(folder)["feature_1"]) <= names
    assert len(predictions(folder)) == 60


def test_a_wide_table_shows_its_telling_features(report, run, tmp_path):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(150, 60)), columns=[f"c{i}" for i in range(60)])
    y = np.arange(150) < 15
    X.loc[y, "c41"] += 20
    path = tmp_path / "wide.parquet"
    X.assign(label=y.astype(int)).to_parquet(path)
    words = ["-d", "autoencoder", "--set", "max_epochs=3", "--on", "background"]
    run("train", path, "-o", tmp_path / "w.skdqm", *words)
    found = top(report(tmp_path / "w.skdqm", path, "--top", 15))
    assert set(found["feature_1"]) == {"c41"}
    assert set(found["is_signal"]) == {1}


def test_dropped_rows_keep_the_numbers_of_the_others(report, run, readings, small, tmp_path):
    data = pd.read_csv(readings).assign(label=lambda rows: (rows["a"] > 1).astype(int))
    data.loc[[0, 5], "b"] = np.nan
    data.loc[190, "c"] = 50.0
    data.to_csv(tmp_path / "holes.csv", index=False)
    run("train", readings, "-o", tmp_path / "m.skdqm", *small)
    folder = report(tmp_path / "m.skdqm", tmp_path / "holes.csv", "--nonfinite", "drop")
    assert predictions(folder)["row"].tolist() == [*range(1, 5), *range(6, 200)]
    assert top(folder).iloc[0][["row", "feature_1", "value_1"]].tolist() == [190, "c", 50.0]
    assert json.loads((folder / "metrics.json").read_text())["n_dropped"] == 2


def test_one_row_of_signal_is_enough(report, run, model, frame, tmp_path):
    X, _ = frame
    X.assign(label=(np.arange(len(X)) == 7).astype(int)).to_parquet(tmp_path / "one.parquet")
    figures = json.loads((report(model, tmp_path / "one.parquet") / "metrics.json").read_text())
    assert figures["n_signal"] == 1
    assert figures["figures"]["roc_auc"]["low"] <= figures["figures"]["roc_auc"]["high"]


def test_of_too_many_rows_there_are_no_intervals(report, model, events, monkeypatch):
    monkeypatch.setattr(_figures, "RESAMPLED_ROWS", 99_000)
    folder = report(model, events)
    found = json.loads((folder / "metrics.json").read_text())
    assert found["n_resamples"] == 0
    every = predictions(folder)
    area = found["figures"]["roc_auc"]
    assert area["estimate"] == pytest.approx(
        roc_auc_score(every["is_signal"], every["anomaly_score"])
    )
    assert area["low"] is area["high"] is area["standard_error"] is None


def test_only_the_top_so_far_is_kept(frame):
    scores = np.random.default_rng(0).integers(0, 40, size=300).astype(float)
    kept = Top(7)
    for start in range(0, 300, 50):
        rows = frame[0].iloc[start : start + 50]
        kept.add(Table(rows, None, "events"), scores[start : start + 50])
        assert len(kept.rows) == 7
    expected = np.argsort(scores, kind="stable")[:7]  # of equal ones the first of the file
    assert kept.rows.index.tolist() == expected.tolist()


def test_a_failure_leaves_the_earlier_report_as_it_was(run, model, events, tmp_path, monkeypatch):
    folder = tmp_path / "report"
    folder.mkdir()
    for name in EVERYTHING:
        (folder / name).write_text("earlier")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(_report.CURVES, "roc.png", fail)
    code, out, err = run("evaluate", model, events, "--report", folder)
    assert (code, out) == (3, "")
    assert f"{folder}: cannot write the report: No space left on device" in err
    assert names_in(folder) == EVERYTHING
    assert {(folder / name).read_text() for name in EVERYTHING} == {"earlier"}


def test_an_interruption_leaves_the_earlier_report_as_it_was(
    run, model, events, tmp_path, monkeypatch
):
    folder = tmp_path / "report"
    folder.mkdir()
    (folder / "metrics.json").write_text("earlier")

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setitem(_report.CURVES, "significance_improvement.png", interrupt)
    assert run("evaluate", model, events, "--report", folder).code == 130
    assert names_in(folder) == {"metrics.json"}
    assert (folder / "metrics.json").read_text() == "earlier"


def test_a_second_report_replaces_the_first_and_nothing_else(report, model, events):
    folder = report(model, events, "--rows", 950)
    (folder / "notes.txt").write_text("mine")
    report(model, events)
    assert len(predictions(folder)) == 1000
    assert names_in(folder) == EVERYTHING | {"notes.txt"}


def refused(result, code, *texts):
    assert (result.code, result.out) == (code, "")
    assert len(result.err.splitlines()) == 1
    for text in texts:
        assert text in result.err


def test_a_file_in_the_place_of_the_folder_is_refused(run, model, events, tmp_path):
    (tmp_path / "report").write_text("mine")
    result = run("evaluate", model, events, "--report", tmp_path / "report")
    refused(result, 2, "report: found a file, expected the name of a folder")
    assert (tmp_path / "report").read_text() == "mine"


def test_a_folder_in_the_place_of_a_file_is_refused(run, model, events, tmp_path):
    (tmp_path / "metrics.json").mkdir()
    result = run("evaluate", model, events, "--report", tmp_path)
    refused(result, 2, "metrics.json: found a folder, expected the name of a file")
    assert names_in(tmp_path) == {"metrics.json"}


def test_a_report_in_a_missing_folder_is_refused(run, model, events, tmp_path):
    result = run("evaluate", model, events, "--report", tmp_path / "no" / "report")
    refused(result, 2, "cannot write into the folder", "No such file")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_a_closed_folder_is_refused(run, model, events, tmp_path):
    tmp_path.chmod(0o500)
    result = run("evaluate", model, events, "--report", tmp_path)
    refused(result, 2, "cannot write into the folder", "Permission denied")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder closed to root too")
def test_a_folder_closed_to_all_is_refused(run, model, events):
    refused(run("evaluate", model, events, "--report", "/proc/self"), 2, "cannot write into")


def test_the_data_are_never_replaced_by_the_report(run, model, events, frame, tmp_path):
    X, y = frame
    data = tmp_path / "predictions.csv"
    X.assign(label=y).to_csv(data, index=False)
    before = data.read_bytes()
    result = run("evaluate", model, data, "--report", tmp_path)
    refused(result, 2, "the output is the input")
    assert data.read_bytes() == before


def test_without_labels_nothing_is_written(run, readings, small, tmp_path):
    run("train", readings, "-o", tmp_path / "m.skdqm", *small)
    result = run("evaluate", tmp_path / "m.skdqm", readings, "--report", tmp_path / "report")
    refused(result, 3, "an evaluation needs labels")
    assert not (tmp_path / "report").exists()


def test_labels_of_one_kind_leave_no_report(run, model, frame, tmp_path):
    X, y = frame
    X.assign(label=np.zeros_like(y)).to_csv(tmp_path / "background.csv", index=False)
    words = ["evaluate", model, tmp_path / "background.csv", "--report", tmp_path / "report"]
    refused(run(*words), 3, "background.csv: y_true holds only the label 0")
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize("number", [0, -1, "many"])
def test_a_top_of_nothing_is_refused(run, model, events, number):
    assert run("evaluate", model, events, "--top", number).code == 2
