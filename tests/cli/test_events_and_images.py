"""Raw events and images from the file to the scores; the model file alone knows the way."""

import json
import sys

import numpy as np
import pandas as pd
import pytest

from skdqm.io import read
from skdqm.persistence import load, read_metadata
from tests.exact import read_csv

CONVOLUTIONAL = [
    *("-d", "convolutional", "--set", "max_epochs=2", "--set", "hidden_channels=(4,)"),
    *("--set", "latent_dim=2"),
]


@pytest.fixture(scope="module")
def trained(run, tmp_path_factory):
    """Train once on each file and give the model and what was said."""
    models = {}

    def trained(data, *options):
        if (data, options) not in models:
            path = tmp_path_factory.mktemp("models") / "m.skdqm"
            result = run("train", data, "-o", path, *(options or CONVOLUTIONAL))
            assert result.code == 0, result.err
            models[data, options] = (path, result.err)
        return models[data, options]

    return trained


@pytest.fixture
def score(run, tmp_path):
    def score(model, data, *options):
        result = run("score", model, data, "-o", tmp_path / "s.csv", *options)
        assert result.code == 0, result.err
        return read_csv(tmp_path / "s.csv")

    return score


def test_events_become_images_for_a_convolutional_detector(trained, particles):
    model, said = trained(particles)
    assert f"{particles} holds raw events of 16 particles\n" in said
    assert "on 60 rows x 2048 features (jet1_px0_0, " in said
    assert "label: 48\n" in said
    pipeline = load(model)
    assert [name for name, _ in pipeline.steps] == ["images", "detector"]
    assert tuple(pipeline[-1].image_shape) == (2, 32, 32)
    assert read_metadata(model)["content"] == "raw events of 16 particles"


def test_images_go_as_they_are_into_a_convolutional_detector(trained, images):
    model, said = trained(images)
    assert "holds images of 1 x 6 x 5 pixels" in said
    pipeline = load(model)
    assert [name for name, _ in pipeline.steps] == ["detector"]
    assert tuple(pipeline[-1].image_shape) == (1, 6, 5)


@pytest.mark.parametrize(("name", "label"), [("particles", "48"), ("images", "label")])
def test_scores_come_with_row_and_label_and_without_pixels(trained, score, request, name, label):
    data = request.getfixturevalue(name)
    model, _ = trained(data)
    scored = score(model, data)
    assert list(scored.columns) == ["row", label, "anomaly_score"]
    assert scored["row"].tolist() == list(range(len(scored)))
    pd.testing.assert_frame_equal(score(model, data, "--batch-size", 7), scored)
    assert len(score(model, data, "--rows", 20)) == 20
    assert len(score(model, data, "--keep", "all").columns) > 30


def test_the_model_file_scores_raw_events_in_python_too(trained, score, particles):
    model, _ = trained(particles)
    events = read(particles).X
    np.testing.assert_array_equal(
        -load(model).score_samples(events), score(model, particles)["anomaly_score"]
    )


def test_events_are_evaluated_and_learned_from_by_their_label(run, trained, particles, tmp_path):
    model, _ = trained(particles)
    figures = json.loads(run("evaluate", model, particles, "--json").out)
    assert (figures["n_background"], figures["n_signal"]) == (45, 15)
    words = ["update", model, particles, "-o", tmp_path / "m2", "--on", "background", "--rows", 40]
    code, _, err = run(*words)
    assert code == 0, err
    assert "with 30 rows" in err
    assert len(load(tmp_path / "m2")[-1].history_) == 3


def test_one_class_of_images_against_the_others(run, trained, images, tmp_path):
    model, _ = trained(images, *CONVOLUTIONAL, "--on", "background", "--background", "2")
    assert read_metadata(model)["n_rows"] == 30
    figures = json.loads(run("evaluate", model, images, "--background", 2, "--json").out)
    assert (figures["n_background"], figures["n_signal"]) == (30, 60)
    code, _, err = run("update", model, images, "-o", tmp_path / "m2")
    assert code == 0, err


def test_the_first_rows_alone_may_be_learned_from(run, particles, small, tmp_path):
    words = ["train", particles, "-o", tmp_path / "m", *small, "--features", "constituents"]
    code, _, err = run(*words, "--rows", 25)
    assert code == 0, err
    assert "on 25 rows x 180 features (jet1_pt_0, jet1_deta_0, " in err


def test_images_become_gradients_of_which_the_detector_knows_the_shape(
    run, images, particles, score, tmp_path
):
    words = ["train", images, "-o", tmp_path / "m", "-d", "contrastive", "--set", "max_epochs=1"]
    code, _, err = run(*words, "--features", "gradients")
    assert code == 0, err
    pipeline = load(tmp_path / "m")
    assert tuple(pipeline[-1].image_shape) == tuple(pipeline[0].image_shape_)
    assert np.isfinite(score(tmp_path / "m", images)["anomaly_score"]).all()
    words = ["train", particles, "-o", tmp_path / "m2", "--features", "gradients", "-q"]
    code, _, err = run(*words)
    assert (code, err.count("\n")) == (2, 1)
    assert "needs images" in err


def test_some_columns_of_what_looks_like_events_serve_as_a_table(
    run, particles, small, score, tmp_path
):
    words = ["train", particles, "-o", tmp_path / "m", *small, "--features", "raw"]
    code, _, err = run(*words, "--columns", "0,3,6")
    assert code == 0, err
    assert len(score(tmp_path / "m", particles)) == 60


def test_an_alarm_rate_holds_for_images(run, images, tmp_path):
    words = ["train", images, "-o", tmp_path / "m", *CONVOLUTIONAL, "--alarm-rate", 0.1]
    code, _, err = run(*words)
    assert code == 0, err
    assert "calibrated on 18 held-out rows" in err


def test_events_cluster_to_jets_for_other_detectors(run, particles, small, score, tmp_path):
    pytest.importorskip("fastjet", reason="needs the extra jets")
    code, _, err = run("train", particles, "-o", tmp_path / "m", *small)
    assert code == 0, err
    assert "x 10 features (pt_j1, eta_j1, m_j1, " in err
    assert len(score(tmp_path / "m", particles)) == 60


def test_without_fastjet_the_error_says_how_to_install_it(
    run, particles, small, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "fastjet", None)
    code, out, err = run("train", particles, "-o", tmp_path / "m", *small, "-q")
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert 'pip install "skdqm[jets]"' in err


@pytest.mark.parametrize("command", ["score", "evaluate", "update"])
def test_a_table_is_no_image_and_no_event(run, trained, readings, particles, images, command):
    output = [] if command == "evaluate" else ["-o", readings.with_name("out.csv")]
    label = ["--label", "c"] if command == "evaluate" else []
    for data in (particles, images):
        code, _, err = run(command, trained(data)[0], readings, *output, *label)
        assert (code, err.count("\n")) == (3, 1)
        assert "needs columns that the file lacks" in err


def test_larger_images_are_not_cut_to_the_size_that_was_learned(run, trained, images, tmp_path):
    np.save(tmp_path / "large.npy", np.zeros((5, 7, 8)))
    words = ["score", trained(images)[0], tmp_path / "large.npy", "-o", tmp_path / "s.csv"]
    code, _, err = run(*words)
    assert (code, err.count("\n")) == (3, 1)
    assert "found images of 1 x 7 x 8 pixels" in err
    assert "takes 30 columns, and the file has 56" in err


def test_particles_that_cannot_be_name_the_file_and_the_rows(run, particles, tmp_path):
    frame = read(particles, label=None).X
    frame.iloc[50, 0] = -5.0
    frame.to_csv(tmp_path / "bad.csv", index=False)
    code, _, err = run("train", tmp_path / "bad.csv", "-o", tmp_path / "m", *CONVOLUTIONAL, "-q")
    assert (code, err.count("\n")) == (3, 1)
    assert "bad.csv, from row 0 to row 59: " in err
    assert "row 50 of these 60" in err


def test_an_interrupted_training_on_events_goes_on(run, particles, tmp_path, monkeypatch):
    from skdqm import persistence

    save = persistence.save

    def save_and_interrupt(*arguments, **keywords):
        save(*arguments, **keywords)
        raise KeyboardInterrupt

    words = ["train", particles, *CONVOLUTIONAL, "--checkpoint-every", 0, "-o"]
    assert run(*words, tmp_path / "through").code == 0
    monkeypatch.setattr(persistence, "save", save_and_interrupt)
    assert run(*words, tmp_path / "resumed").code == 130
    monkeypatch.undo()
    code, _, err = run(*words, tmp_path / "resumed", "--resume")
    assert code == 0, err
    assert "continuing after epoch 1" in err
    through, resumed = (load(tmp_path / name)[-1] for name in ("through", "resumed"))
    assert resumed.offset_ == through.offset_


def test_fashion_images_are_trained_on_and_scored(run, shared_data, score, tmp_path):
    data = shared_data("fashion_mnist/train-images-idx3-ubyte.gz")
    words = ["train", data, "-o", tmp_path / "m", *CONVOLUTIONAL, "--rows", 500]
    code, _, err = run(*words, "--on", "background")
    assert code == 0, err
    assert "holds images of 1 x 28 x 28 pixels" in err
    assert list(score(tmp_path / "m", data, "--rows", 50).columns) == [
        "row",
        "label",
        "anomaly_score",
    ]


def test_public_events_are_trained_on_and_scored(run, shared_data, score, tmp_path):
    data = shared_data("lhco/events_anomalydetection_tiny.h5")
    words = ["train", data, "-o", tmp_path / "m", *CONVOLUTIONAL, "--on", "background"]
    code, _, err = run(*words, "--rows", 60)
    assert code == 0, err
    assert "holds raw events of 700 particles" in err
    assert "; label: 2100\n" in err
    assert list(score(tmp_path / "m", data, "--rows", 30).columns) == [
        "row",
        "2100",
        "anomaly_score",
    ]


def test_events_of_more_particles_are_not_cut_short(run, trained, shared_data, particles, tmp_path):
    data = shared_data("lhco/events_anomalydetection_tiny.h5")
    words = ["score", trained(particles)[0], data, "-o", tmp_path / "s.csv"]
    code, _, err = run(*words)
    assert (code, err.count("\n")) == (3, 1)
    assert "found raw events of 700 particles" in err
    assert "takes 48 columns, and the file has 2,100" in err
