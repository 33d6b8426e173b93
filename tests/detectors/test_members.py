"""Ensembles of one shape: every member learns as if alone, and a score is their mean."""

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdqm.detectors import AutoencoderDetector, VAEDetector
from skdqm.persistence import load, save

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 6))
X[:, 3:] = X[:, :3] + 0.1 * RNG.normal(size=(300, 3))
COUNTS = RNG.poisson(np.outer(RNG.uniform(50, 100, 300), [0.1, 1, 2, 4])).astype(float)

both = pytest.mark.parametrize("cls", [AutoencoderDetector, VAEDetector])


def made(cls: Any = AutoencoderDetector, **parameters: Any) -> Any:
    small = {"n_members": 3, "hidden_layer_sizes": (8,), "max_epochs": 4, "random_state": 0}
    return cls(**{**small, **parameters})


def alone(cls: Any, member: int, **parameters: Any) -> Any:
    """Return a detector of one network, with the first weights of a member of an ensemble."""

    class Alone(cls):  # type: ignore[misc]
        def _make_module(self, **design: Any) -> Any:
            state = super()._make_module(**design, n_members=3).state_dict()
            own = {name: values[member].T.squeeze() for name, values in state.items()}
            module = super()._make_module(**design)
            module.load_state_dict(own)
            return module

    return made(Alone, n_members=1, **parameters)


def state_of(detector: Any) -> list[NDArray[Any]]:
    return [values.numpy() for values in detector.net_.module_.state_dict().values()]


# Of optimisers other than Adam the size of a gradient decides the step.
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("loss", ["squared", "poisson"])
@both
def test_a_member_learns_what_it_would_alone(
    cls: Any, loss: str, optimizer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is drawn has the shape of the stack: nothing is.
    monkeypatch.setattr(torch, "randn_like", torch.zeros_like)
    parameters = {"loss": loss, "optimizer": optimizer, "weight_decay": 0.01}
    rows = COUNTS if loss == "poisson" else X
    together = made(cls, **parameters).fit(rows)
    singles = [alone(cls, member, **parameters).fit(rows) for member in range(3)]
    for member, single in enumerate(singles):
        for stacked, own in zip(state_of(together), state_of(single), strict=True):
            np.testing.assert_allclose(stacked[member].T.squeeze(), own, rtol=1e-3, atol=1e-5)
    losses = [[row["train_loss"] for row in single.history_] for single in singles]
    history = [row["train_loss"] for row in together.history_]
    np.testing.assert_allclose(history, np.mean(losses, axis=0), rtol=1e-4)


@both
def test_the_score_is_the_mean_of_the_scores_of_the_members(cls: Any) -> None:
    detector = made(cls).fit(X)
    members = detector.member_scores(X)
    assert members.shape == (300, 3)
    np.testing.assert_allclose(members.mean(axis=1), detector.score_samples(X), rtol=1e-12)


def test_members_differ_most_where_they_saw_no_rows() -> None:
    detector = made(max_epochs=30).fit(X)
    near, far = detector.member_scores(X), detector.member_scores(4 * RNG.normal(size=X.shape))
    assert 0 < 2 * np.median(near.std(axis=1)) < np.median(far.std(axis=1))


def test_one_network_is_its_only_member() -> None:
    detector = made(n_members=1).fit(X)
    np.testing.assert_array_equal(detector.member_scores(X)[:, 0], detector.score_samples(X))
    # Model files of one network are those of earlier versions.
    assert "n_members" not in detector._design_
    assert all(weights.ndim <= 2 for weights in state_of(detector))


def test_feature_scores_and_reconstructions_are_means_over_members() -> None:
    detector = made().fit(X)
    module = detector.net_.module_.double()
    standard = (X - detector.location_) / detector.scale_
    with torch.inference_mode():
        restored = module(torch.from_numpy(standard)).numpy()
    losses = ((restored - standard) ** 2).mean(axis=0) / (detector.feature_loss_ + 0.01)
    np.testing.assert_allclose(detector.feature_scores(X), losses, rtol=1e-4, atol=1e-5)
    expected = detector.location_ + detector.scale_ * restored.mean(axis=0)
    np.testing.assert_allclose(detector.reconstruct(X), expected, rtol=1e-4, atol=1e-5)


def test_expected_counts_are_means_over_members() -> None:
    detector = made(loss="poisson", max_epochs=50, noise=0.1, lr=0.01).fit(COUNTS)
    restored = detector.reconstruct(COUNTS)
    assert restored.shape == COUNTS.shape
    np.testing.assert_allclose(restored.mean(axis=0), COUNTS.mean(axis=0), rtol=0.1)


@both
def test_latent_vectors_of_members_stand_side_by_side(cls: Any) -> None:
    detector = made(cls, latent_dim=2).fit(X)
    latent = detector.transform(X)
    assert latent.shape == (300, 6)
    assert len(detector.get_feature_names_out()) == 6
    standard = torch.from_numpy((X - detector.location_) / detector.scale_).float()
    with torch.inference_mode():
        codes = detector.net_.module_.encoder(standard.expand(3, -1, -1))[..., :2].numpy()
    np.testing.assert_allclose(latent[:, 2:4], codes[1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("score", ["reconstruction", "kl", "elbo"])
def test_no_row_depends_on_the_rows_beside_it_to_the_bit(score: str) -> None:
    detector = made(VAEDetector, score=score).fit(X)
    for method in (detector.score_samples, detector.member_scores, detector.transform):
        together = method(X)
        np.testing.assert_array_equal(np.concatenate([method(row[None]) for row in X]), together)
        np.testing.assert_array_equal(method(X[7:30]), together[7:30])


@pytest.mark.parametrize("parameters", [{}, {"early_stopping": True}, {"dropout": 0.2}])
@both
def test_copies_score_and_go_on_learning_the_same_to_the_bit(
    cls: Any, parameters: dict[str, Any], tmp_path: Path
) -> None:
    detector = made(cls, **parameters).fit(X)
    save(detector, tmp_path / "model")
    twins = [
        pickle.loads(pickle.dumps(detector)),
        copy.deepcopy(detector),
        load(tmp_path / "model"),
        clone(detector).fit(X),
    ]
    scores = detector.score_samples(X)
    learned = detector.partial_fit(X).member_scores(X)
    for twin in twins:
        np.testing.assert_array_equal(twin.score_samples(X), scores)
        np.testing.assert_array_equal(twin.partial_fit(X).member_scores(X), learned)


def test_warm_start_trains_on_as_one_fit_would() -> None:
    whole = made(max_epochs=6).fit(X)
    parts = made(max_epochs=2, warm_start=True).fit(X).set_params(max_epochs=6).fit(X)
    np.testing.assert_array_equal(whole.score_samples(X), parts.score_samples(X))


def test_early_stopping_keeps_the_epoch_that_is_best_for_the_mean() -> None:
    parameters = {"early_stopping": True, "n_iter_no_change": 5, "lr": 0.05, "noise": 0.0}
    detector = made(max_epochs=500, **parameters).fit(X)
    best = min(detector.history_, key=lambda row: row["valid_loss"])["epoch"]
    same = made(max_epochs=best, **parameters).fit(X)
    np.testing.assert_array_equal(detector.score_samples(X), same.score_samples(X))


def test_the_number_of_members_stays_that_of_the_fit() -> None:
    detector = made().fit(X)
    before = detector.score_samples(X)
    np.testing.assert_array_equal(detector.set_params(n_members=1).score_samples(X), before)
    assert detector.partial_fit(X).member_scores(X).shape == (300, 3)


@pytest.mark.parametrize("n_members", [0, -1, 2.0, "3", None])
def test_other_numbers_of_members_are_refused_by_fit(n_members: Any) -> None:
    with pytest.raises(ValueError, match="'n_members' parameter of AutoencoderDetector must be"):
        made(n_members=n_members).fit(X)


@parametrize_with_checks([made(), made(VAEDetector)])
def test_scikit_learn_checks(estimator: Any, check: Any) -> None:
    check(estimator)
