"""What neural detectors share: how they train, go on, stop, fail and are put aside."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from skorch.callbacks import Callback

from skdqm.detectors import AutoencoderDetector, Checkpoint, VAEDetector
from skdqm.exceptions import TrainingError, UsageError
from skdqm.persistence import load, save

X = np.random.default_rng(0).normal(size=(200, 5))
X[:, 4] = X[:, 0] + X[:, 1]

both = pytest.mark.parametrize("cls", [AutoencoderDetector, VAEDetector])


def small(cls: Any = AutoencoderDetector, **parameters: Any) -> Any:
    return cls(
        **{
            "hidden_layer_sizes": (8,),
            "max_epochs": 4,
            "batch_size": 128,
            "random_state": 0,
            **parameters,
        }
    )


class CountEpochs(Callback):
    """Count what skorch announces."""

    def __init__(self) -> None:
        self.epochs_ = 0

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        self.epochs_ += 1


class StopAfter(Callback):
    """Break off at the end of an epoch, as a user at the keyboard would."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        if len(net.history) == self.epoch:
            raise KeyboardInterrupt


@both
def test_the_history_has_every_epoch_and_the_loss_falls(cls: Any) -> None:
    detector = small(cls, max_epochs=30).fit(X)
    assert [row["epoch"] for row in detector.history_] == list(range(1, 31))
    assert detector.history_[-1]["train_loss"] < detector.history_[0]["train_loss"]
    assert "valid_loss" not in detector.history_[0]


def test_partial_fit_adds_one_epoch_and_goes_on_with_the_same_optimiser() -> None:
    detector = small().fit(X)
    steps = _steps(detector)
    detector.partial_fit(X)
    assert len(detector.history_) == 5
    assert _steps(detector) == steps + 2  # 200 rows are two batches


def test_partial_fits_are_the_epochs_of_one_fit() -> None:
    in_one = small(max_epochs=3).fit(X)
    in_steps = small()
    for _ in range(3):
        in_steps.partial_fit(X)
    np.testing.assert_array_equal(in_one.transform(X), in_steps.transform(X))


def test_a_new_learning_rate_takes_effect_when_learning_goes_on() -> None:
    frozen, moving = (small().fit(X).set_params(lr=lr).partial_fit(X) for lr in (1e-12, 1e-2))
    before = small().fit(X).transform(X)
    np.testing.assert_allclose(frozen.transform(X), before, atol=1e-9)
    assert np.abs(moving.transform(X) - before).max() > 1e-4


def test_early_stopping_holds_rows_out_and_stops() -> None:
    detector = small(
        early_stopping=True, n_iter_no_change=2, max_epochs=500, lr=0.05, validation_fraction=0.2
    ).fit(X)
    assert 2 < len(detector.history_) < 500
    assert all("valid_loss" in row for row in detector.history_)


def test_early_stopping_keeps_the_best_epoch() -> None:
    parameters = {"early_stopping": True, "n_iter_no_change": 5, "lr": 0.05, "noise": 0.0}
    detector = small(max_epochs=500, **parameters).fit(X)
    best = min(detector.history_, key=lambda row: row["valid_loss"])["epoch"]
    same = small(max_epochs=best, **parameters).fit(X)
    np.testing.assert_array_equal(detector.score_samples(X), same.score_samples(X))


def test_an_interrupt_forgets_the_patience_of_its_session() -> None:
    parameters = {"early_stopping": True, "n_iter_no_change": 5, "lr": 0.05, "max_epochs": 100}
    stopping = small(**parameters, warm_start=True, callbacks=[StopAfter(8)])
    with pytest.raises(KeyboardInterrupt):
        stopping.fit(X)
    stopping.set_params(callbacks=None).fit(X)
    assert stopping.history_[-1]["epoch"] == small(**parameters).fit(X).history_[-1]["epoch"]


def test_early_stopping_works_on_two_rows() -> None:
    assert len(small(early_stopping=True).fit(X[:2]).history_) > 0


def test_early_stopping_resumes_from_a_checkpoint_to_the_bit(tmp_path: Path) -> None:
    parameters = {"early_stopping": True, "n_iter_no_change": 6, "lr": 0.05, "max_epochs": 500}
    whole = small(**parameters).fit(X)
    best = min(whole.history_, key=lambda row: row["valid_loss"])["epoch"]
    detector = small(**parameters)
    write = Checkpoint(lambda: save(detector, tmp_path / "half"), seconds=0)
    detector.set_params(callbacks=[write, StopAfter(best + 2)])  # inside the patience
    with pytest.raises(KeyboardInterrupt):
        detector.fit(X)
    resumed = load(tmp_path / "half").set_params(warm_start=True).fit(X)
    assert len(resumed.history_) == len(whole.history_)
    np.testing.assert_array_equal(resumed.score_samples(X), whole.score_samples(X))


def test_warm_start_with_nothing_left_to_train_changes_nothing() -> None:
    detector = small(warm_start=True).fit(X)
    before = detector.score_samples(X)
    with pytest.warns(UserWarning, match="raise max_epochs"):
        detector.fit(X)
    np.testing.assert_array_equal(detector.score_samples(X), before)


def test_warm_start_trains_on_to_the_number_of_epochs() -> None:
    whole = small(max_epochs=6).fit(X)
    parts = small(max_epochs=2, warm_start=True).fit(X).set_params(max_epochs=6).fit(X)
    np.testing.assert_array_equal(whole.score_samples(X), parts.score_samples(X))


def test_without_warm_start_a_second_fit_starts_again() -> None:
    detector = small().fit(X)
    first = detector.score_samples(X)
    np.testing.assert_array_equal(detector.fit(X).score_samples(X), first)
    assert len(detector.history_) == 4


def test_warm_start_refuses_other_features() -> None:
    detector = small(warm_start=True).fit(X)
    with pytest.raises(UsageError, match="continues a net of 5 features, found 4"):
        detector.fit(X[:, :4])


def test_partial_fit_after_a_failed_fit_starts_anew() -> None:
    detector = small(lr=1e4, max_epochs=20, activation="relu")
    with pytest.raises(TrainingError):
        detector.fit(X)
    detector.set_params(lr=1e-3).partial_fit(X[:, :3])
    assert detector.score_samples(X[:, :3]).shape == (200,)


def test_a_module_keeps_its_shape_when_parameters_change(tmp_path: Path) -> None:
    detector = small().fit(X).set_params(hidden_layer_sizes=(3,), latent_dim=1, activation="relu")
    save(detector.partial_fit(X), tmp_path / "model")
    np.testing.assert_array_equal(
        load(tmp_path / "model").score_samples(X), detector.score_samples(X)
    )


@pytest.mark.parametrize("sizes", [(0,), (8, -1), (2.5,), ("a",)])
def test_impossible_layer_sizes_are_refused(sizes: Any) -> None:
    with pytest.raises(UsageError, match="hidden_layer_sizes"):
        small(hidden_layer_sizes=sizes).fit(X)


def test_callbacks_reach_skorch_and_the_users_own_is_not_touched() -> None:
    counter = CountEpochs()
    detector = small(callbacks=[counter]).fit(X)
    assert counter.epochs_ == 0
    assert clone(detector).callbacks[0].epochs_ == 0
    seen: list[int] = []
    small(callbacks=[Checkpoint(lambda: seen.append(1), seconds=0)]).fit(X)
    assert len(seen) == 4


def test_a_checkpoint_sees_the_detector_that_trains(tmp_path: Path) -> None:
    detector = small()
    detector.set_params(callbacks=[Checkpoint(partial(save, detector, tmp_path / "half"), 0)])
    detector.fit(X)
    assert len(load(tmp_path / "half").history_) == 4


def test_a_loaded_checkpoint_goes_on_by_partial_fit(tmp_path: Path) -> None:
    detector = small()
    write = Checkpoint(lambda: save(detector, tmp_path / "half"), seconds=0)
    detector.set_params(callbacks=[write, StopAfter(2)])
    with pytest.raises(KeyboardInterrupt):
        detector.fit(X)
    assert len(load(tmp_path / "half").partial_fit(X).history_) == 3


def test_a_checkpoint_waits_between_two_writes() -> None:
    seen: list[int] = []
    small(callbacks=[Checkpoint(lambda: seen.append(1), seconds=3600)]).fit(X)
    assert seen == []


@both
def test_training_resumes_from_a_checkpoint_to_the_bit(cls: Any, tmp_path: Path) -> None:
    path, detector = tmp_path / "half", small(cls, max_epochs=6, dropout=0.2)
    write = Checkpoint(lambda: save(detector, path), seconds=0)
    detector.set_params(callbacks=[write, StopAfter(3)])
    with pytest.raises(KeyboardInterrupt):
        detector.fit(X)
    resumed = load(path)
    assert len(resumed.history_) == 3
    with pytest.raises(NotFittedError):
        resumed.predict(X)
    resumed.set_params(warm_start=True).fit(X)
    whole = small(cls, max_epochs=6, dropout=0.2).fit(X)
    np.testing.assert_array_equal(resumed.score_samples(X), whole.score_samples(X))


@both
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_fit_that_diverges_is_an_error_and_no_model(cls: Any, optimizer: str) -> None:
    detector = small(cls, lr=1e4, optimizer=optimizer, max_epochs=20, activation="relu")
    with pytest.raises(TrainingError, match="lower lr"):
        detector.fit(X)
    with pytest.raises(NotFittedError):
        detector.score_samples(X)


@pytest.mark.parametrize("failure", ["diverging", "interrupted"])
def test_an_update_that_fails_leaves_the_model_as_it_was(failure: str) -> None:
    detector = small().fit(X)
    before = detector.score_samples(X)
    if failure == "diverging":
        detector.set_params(lr=1e30, optimizer="sgd")
        with pytest.raises(TrainingError):
            detector.partial_fit(X)
    else:
        detector.set_params(callbacks=[StopAfter(1)])
        with pytest.raises(KeyboardInterrupt):
            detector.partial_fit(X)
    np.testing.assert_array_equal(detector.score_samples(X), before)
    assert len(detector.history_) == 4


@pytest.mark.parametrize(
    "optimizer", ["adam", "adamw", "sgd", "rmsprop", "nadam", torch.optim.Adagrad]
)
def test_every_optimiser_trains_and_goes_on(optimizer: Any) -> None:
    detector = small(optimizer=optimizer).fit(X).partial_fit(X)
    assert np.isfinite(detector.score_samples(X)).all()


def test_the_progress_bar_goes_to_standard_error_and_only_when_asked(capsys: Any) -> None:
    small(verbose=1).fit(X)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "4/4" in shown.err
    small(early_stopping=True).fit(X)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("optimizer", [print, torch.optim.Optimizer.step, dict])
def test_what_is_no_optimiser_is_refused(optimizer: Any) -> None:
    with pytest.raises(UsageError, match="is no optimiser"):
        small(optimizer=optimizer).fit(X)


def test_an_optimiser_without_weight_decay_trains() -> None:
    assert np.isfinite(small(optimizer=torch.optim.Rprop).fit(X).offset_)


def test_no_weight_decay_means_none_for_every_optimiser() -> None:
    groups = small(optimizer="adamw").fit(X).net_.optimizer_.param_groups
    assert [group["weight_decay"] for group in groups] == [0.0]


def test_weight_decay_that_an_optimiser_lacks_is_refused() -> None:
    with pytest.raises(UsageError, match="Rprop has none"):
        small(optimizer=torch.optim.Rprop, weight_decay=0.1).fit(X)


def test_weight_decay_takes_effect_when_learning_goes_on() -> None:
    plain, decayed = (
        small().fit(X).set_params(optimizer="adamw", weight_decay=decay).partial_fit(X)
        for decay in (0.0, 100.0)
    )
    assert np.abs(decayed.transform(X)).mean() < 0.9 * np.abs(plain.transform(X)).mean()


def test_fits_in_threads_are_those_one_after_the_other() -> None:
    expected = small(VAEDetector, dropout=0.1).fit(X).score_samples(X)
    with ThreadPoolExecutor(2) as pool:
        fits = pool.map(lambda _: small(VAEDetector, dropout=0.1).fit(X), range(4))
        for detector in fits:
            np.testing.assert_array_equal(detector.score_samples(X), expected)


def test_it_trains_whatever_the_user_told_torch() -> None:
    torch.set_default_dtype(torch.float64)
    try:
        with torch.inference_mode():
            detector = small().fit(X)
        detector.partial_fit(X)
    finally:
        torch.set_default_dtype(torch.float32)
    assert np.isfinite(detector.score_samples(X)).all()


@pytest.mark.parametrize("device", ["abacus", "cuda:0", "meta"])
def test_a_device_that_is_not_there_is_refused(device: str) -> None:
    if device.startswith("cuda") and torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(UsageError, match="device"):
        small(device=device).fit(X)


def test_a_model_of_a_gpu_scores_on_a_machine_without_one(tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    detector = small().fit(X).set_params(device="cuda")
    save(detector, tmp_path / "model")
    loaded = load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.score_samples(X), detector.score_samples(X))
    with pytest.raises(UsageError, match="torch sees a GPU"):
        loaded.partial_fit(X)


def test_the_number_of_torch_threads_is_restored() -> None:
    torch.set_num_threads(2)
    try:
        small().fit(X)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


def test_two_detectors_built_together_do_not_share_randomness() -> None:
    first, second = small(), small()
    second.fit(X)
    np.testing.assert_array_equal(first.fit(X).score_samples(X), second.score_samples(X))


def test_a_pickled_detector_holds_no_training_rows() -> None:
    sizes = [len(pickle.dumps(small().fit(np.repeat(X, n, axis=0)))) for n in (1, 50)]
    assert sizes[1] - sizes[0] < 2048 * 8  # at most the recent scores grow


def test_it_trains_on_the_gpu_and_scores_as_on_the_cpu(tmp_path: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip("needs a GPU")
    detector = small(device="cuda").fit(X).partial_fit(X)
    save(detector, tmp_path / "model")
    np.testing.assert_array_equal(
        load(tmp_path / "model").score_samples(X), detector.score_samples(X)
    )


def _steps(detector: Any) -> int:
    states = detector.net_.optimizer_.state_dict()["state"]
    return int(states[0]["step"])


def test_an_interrupted_update_leaves_what_the_next_one_starts_from() -> None:
    class Interrupt(Callback):
        def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
            raise KeyboardInterrupt

    untouched = AutoencoderDetector(max_epochs=3, random_state=0).fit(X)
    detector = pickle.loads(pickle.dumps(untouched))
    with pytest.raises(KeyboardInterrupt):
        detector.set_params(callbacks=[Interrupt()]).partial_fit(100 * X)
    detector.set_params(callbacks=None)
    expected = untouched.partial_fit(X).score_samples(X)
    np.testing.assert_array_equal(detector.partial_fit(X).score_samples(X), expected)
