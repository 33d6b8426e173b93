import numpy as np
import pytest

from skdqm.cli._demo import write_hdf5
from skdqm.cli._source import Source
from skdqm.out_of_core import _blocks, _shuffle
from skdqm.persistence import load, read_metadata

OUT_OF_CORE = "--out-of-core"


@pytest.fixture(autouse=True)
def few_rows_at_a_time(monkeypatch):
    """Make files of 1,000 rows larger than what is read and learned at a time."""
    batches = Source.batches
    monkeypatch.setattr(
        Source, "batches", lambda self, size=None, *a, **how: batches(self, size or 130, *a, **how)
    )
    monkeypatch.setattr(_blocks, "ROWS", 300)
    monkeypatch.setattr(_shuffle, "RUN_BYTES", 20_000)


def train(run, data, output, *options):
    result = run("train", data, "-o", output, *options)
    assert result.code == 0, result.err
    return load(output), result.err


def test_the_model_file_says_what_one_of_memory_says(run, events, small, tmp_path):
    options = [*small, "--alarm-rate", 0.05, "--on", "background", "--seed", 3]
    train(run, events, tmp_path / "m1", *options)
    train(run, events, tmp_path / "m2", *options, OUT_OF_CORE)
    in_memory, out_of_core = (read_metadata(tmp_path / name) for name in ("m1", "m2"))
    assert out_of_core.pop("options") == {**in_memory.pop("options"), "out_of_core": True}
    assert out_of_core == in_memory


def test_what_it_says_on_the_way_is_the_same_but_for_the_calibration(run, events, small, tmp_path):
    options = [*small, "--alarm-rate", 0.05]
    _, in_memory = train(run, events, tmp_path / "m", *options)
    pipeline, err = train(run, events, tmp_path / "m", *options, OUT_OF_CORE)
    assert err.splitlines()[0] == in_memory.splitlines()[0]
    low, high = pipeline[-1].alarm_rate_interval_
    assert (
        "calibrated on 200 held-out rows, by 200 of their scores: the false-alarm rate on new "
        f"good rows lies between {low:.3%} and {high:.3%} (95 %)"
    ) in err


def test_the_last_fifth_calibrates_and_is_not_learned(run, frame, events, small, tmp_path):
    pipeline, _ = train(run, events, tmp_path / "m", *small, "--alarm-rate", 0.05, OUT_OF_CORE)
    X = frame[0].astype("float32").astype("float64")
    scaler, detector = pipeline
    np.testing.assert_allclose(scaler.mean_, X[:800].mean(), rtol=1e-6)
    assert scaler.n_samples_seen_ == 800
    scores = np.sort(detector.score_samples(scaler.transform(X[800:])))
    np.testing.assert_array_equal(detector.calibration_scores_, scores)
    assert list(pipeline.feature_names_in_) == list(X.columns)


def test_on_background_learns_from_label_0_alone(run, frame, events, small, scores_of, tmp_path):
    X, y = frame
    write_hdf5(tmp_path / "background.h5", X[y == 0], y[y == 0])
    train(run, events, tmp_path / "m1", *small, "--on", "background", OUT_OF_CORE)
    pipeline, _ = train(run, tmp_path / "background.h5", tmp_path / "m2", *small, OUT_OF_CORE)
    assert pipeline[0].n_samples_seen_ == 900
    # In other batches, so means differ by rounding.
    first, second = (scores_of(tmp_path / name, X) for name in ("m1", "m2"))
    np.testing.assert_allclose(first, second, rtol=1e-3)


def test_a_sorted_file_is_learned_as_in_memory(run, frame, small, scores_of, tmp_path):
    X, y = frame
    in_order = X.sort_values("mj1", ignore_index=True)
    write_hdf5(tmp_path / "sorted.h5", in_order, y)
    options = ["-d", "histogram", "--label", "none", "--columns", "mj1,mj2"]
    train(run, tmp_path / "sorted.h5", tmp_path / "m1", *options)
    train(run, tmp_path / "sorted.h5", tmp_path / "m2", *options, OUT_OF_CORE)
    columns = X[["mj1", "mj2"]]
    first, second = (scores_of(tmp_path / name, columns) for name in ("m1", "m2"))
    assert np.corrcoef(first, second)[0, 1] > 0.9


def test_nothing_of_the_session_stays_in_the_model(run, events, small, tmp_path):
    pipeline, _ = train(run, events, tmp_path / "m", *small, OUT_OF_CORE)
    detector = pipeline[-1]
    assert (detector.verbose, detector.batch_size, detector.callbacks) == (0, "auto", None)
    assert len(detector.history_) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m"]


@pytest.mark.parametrize(
    ("data", "options", "first"),
    [
        ("events", ["--features", "jets"], "features"),
        ("particles", [], "clusterer"),
        ("images", [], "detector"),
    ],
)
def test_files_whose_rows_go_through_steps_give_whole_pipelines(
    run, small, tmp_path, request, data, options, first
):
    path = request.getfixturevalue(data)
    pipeline, _ = train(run, path, tmp_path / "m", *small, *options, OUT_OF_CORE)
    assert pipeline.steps[0][0] == first
    assert run("score", tmp_path / "m", path, "-o", tmp_path / "scores.csv").code == 0


def test_a_detector_that_cannot_learn_in_blocks_says_so(run, readings, plugin, tmp_path):
    pipeline, err = train(run, readings, tmp_path / "m", "-d", plugin, OUT_OF_CORE)
    assert "the detector distance cannot learn in blocks" in err
    assert hasattr(pipeline[-1], "centre_")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--resume"], "--resume: a training with --out-of-core writes no checkpoints"),
        (["-d", "continual"], "a continual detector learns a stream"),
        (["--set", "early_stopping=True"], "early_stopping=True needs all rows in memory"),
        (["--alarm-rate", 0.001], "needs at least 999 rows to calibrate on"),
    ],
)
def test_what_cannot_be_done_out_of_core_is_refused(run, events, tmp_path, options, message):
    code, _, err = run("train", events, "-o", tmp_path / "m", OUT_OF_CORE, *options)
    assert (code, message in err) == (2, True), err
    assert not (tmp_path / "m").exists()


def test_a_full_disk_ends_in_one_line(run, events, small, tmp_path, monkeypatch):
    def full(dir):  # noqa: A002
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_shuffle, "TemporaryFile", full)
    code, _, err = run("train", events, "-o", tmp_path / "m", *small, OUT_OF_CORE)
    assert code == 2
    assert "No space left on device" in err
    assert "TMPDIR" in err
