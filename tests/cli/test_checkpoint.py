import numpy as np
import pytest

from skdqm import persistence
from skdqm.detectors import AutoencoderDetector
from skdqm.persistence import load, save

RESUME = "skdqm: interrupted; continue with --resume"
LONGER = ["--set", "max_epochs=6", "--set", "hidden_layer_sizes=(8,)", "--checkpoint-every", "0"]


@pytest.fixture
def interrupt_after(monkeypatch):
    """Interrupt a training, as Ctrl-C would, after some checkpoints."""

    def arrange(n_checkpoints):
        written = []

        def save_and_interrupt(*arguments, **keywords):
            save(*arguments, **keywords)
            written.append(None)
            if len(written) == n_checkpoints:
                raise KeyboardInterrupt

        monkeypatch.setattr(persistence, "save", save_and_interrupt)

    yield arrange
    monkeypatch.undo()


@pytest.fixture
def interrupted(run, events, tmp_path, interrupt_after, monkeypatch):
    """A model file whose second training was interrupted after three epochs."""
    path = tmp_path / "m"
    path.write_text("an older model")
    interrupt_after(3)
    code, _, err = run("train", events, "-o", path, "-d", "autoencoder", *LONGER)
    assert (code, err.splitlines()[-1]) == (130, RESUME)
    monkeypatch.undo()
    return path


@pytest.mark.parametrize("detector", ["autoencoder", "vae"])
def test_a_resumed_training_ends_in_the_same_bits(
    run, frame, events, tmp_path, interrupt_after, monkeypatch, scores_of, detector
):
    through, resumed = tmp_path / "through", tmp_path / "resumed"
    options = ["-d", detector, *LONGER, "--alarm-rate", 0.05]
    assert run("train", events, "-o", through, *options).code == 0
    interrupt_after(3)
    assert run("train", events, "-o", resumed, *options).code == 130
    monkeypatch.undo()
    before = load(tmp_path / "resumed.checkpoint")[-1].history_
    code, _, err = run("train", events, "-o", resumed, *options, "--resume")
    assert code == 0
    assert "continuing after epoch 3" in err
    X, _ = frame
    np.testing.assert_array_equal(scores_of(resumed, X), scores_of(through, X))
    assert load(resumed)[-1].offset_ == load(through)[-1].offset_
    history = load(resumed)[-1].history_
    assert [each["epoch"] for each in history] == [1, 2, 3, 4, 5, 6]
    assert history[:3] == before  # durations too: these epochs were not run again


def test_an_interrupted_training_leaves_the_old_model_and_a_checkpoint(interrupted):
    assert interrupted.read_text() == "an older model"
    half_trained = load(interrupted.with_name("m.checkpoint"))
    assert len(half_trained[-1].history_) == 3


def test_a_finished_training_removes_its_checkpoint(run, events, interrupted):
    code, _, err = run("train", events, "-o", interrupted, "-d", "autoencoder", *LONGER)
    assert code == 0
    assert "replacing the checkpoint" in err
    assert [path.name for path in interrupted.parent.iterdir()] == ["m"]


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (["--seed", "1"], "seed"),
        (["--on", "background"], "the rows, on"),
        (["--set", "latent_dim=3"], "--set"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused(run, events, interrupted, options, what):
    words = ["-o", interrupted, "-d", "autoencoder", *LONGER, *options, "--resume"]
    code, _, err = run("train", events, *words)
    assert code == 2
    assert f"of another training: {what} differ" in err


def test_resuming_without_a_checkpoint_is_refused(run, events, small, tmp_path):
    code, _, err = run("train", events, "-o", tmp_path / "m", *small, "--resume")
    assert code == 2
    assert "no checkpoint" in err


def test_a_checkpoint_is_no_model_to_score_with(run, events, interrupted, tmp_path):
    checkpoint = interrupted.with_name("m.checkpoint")
    code, _, err = run("score", checkpoint, events, "-o", tmp_path / "s.csv")
    assert code == 3
    assert "training has not ended" in err


def test_something_else_in_place_of_a_checkpoint_is_refused(run, events, small, tmp_path):
    save(AutoencoderDetector(), tmp_path / "m.checkpoint")
    code, _, err = run("train", events, "-o", tmp_path / "m", *small, "--resume")
    assert code == 2
    assert "of another training" in err


def test_a_checkpoint_of_another_training_is_not_offered(
    run, events, interrupted, interrupt_after, monkeypatch
):
    def interrupt_at_once(*arguments, **keywords):
        raise KeyboardInterrupt

    monkeypatch.setattr(AutoencoderDetector, "fit", interrupt_at_once)
    words = ["train", events, "-o", interrupted, "-d", "autoencoder", *LONGER, "--seed", 7]
    code, _, err = run(*words)
    assert (code, err.splitlines()[-1]) == (130, "skdqm: interrupted")
