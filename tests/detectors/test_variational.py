"""VAEDetector: its three scores, and the parameter that names them."""

import pickle
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdqm.detectors import VAEDetector

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 6))
X[:, 3:] = X[:, :3] + 0.1 * RNG.normal(size=(400, 3))

SCORES = ["reconstruction", "kl", "elbo"]


def fitted(**parameters: Any) -> VAEDetector:
    return VAEDetector(**{"max_epochs": 40, "random_state": 0, **parameters}).fit(X)


@pytest.mark.parametrize("score", SCORES)
def test_scoring_twice_gives_the_same_because_nothing_is_drawn(score: str) -> None:
    detector = fitted(score=score)
    np.testing.assert_array_equal(detector.score_samples(X), detector.score_samples(X))


def test_the_elbo_is_half_the_relative_losses_and_beta_times_the_divergence() -> None:
    reconstruction, kl, elbo = (-fitted(score=s, beta=0.7).score_samples(X) for s in SCORES)
    np.testing.assert_allclose(elbo, 0.5 * 6 * reconstruction + 0.7 * kl, rtol=1e-9)


def test_the_divergence_is_that_of_torch_distributions() -> None:
    detector = fitted(score="kl")
    standard = torch.from_numpy((X - detector.location_) / detector.scale_)
    with torch.inference_mode():
        mean, log_variance = detector.net_.module_.double().encoder(standard).chunk(2, dim=-1)
    prior = torch.distributions.Normal(torch.zeros_like(mean), 1.0)
    posterior = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    expected = torch.distributions.kl_divergence(posterior, prior).sum(dim=-1)
    np.testing.assert_allclose(-detector.score_samples(X), expected.numpy(), rtol=1e-5)


@pytest.mark.parametrize("score", SCORES)
def test_every_score_finds_rows_far_away(score: str) -> None:
    scores = -fitted(score=score).score_samples(np.vstack([X, 4 * X]))
    assert roc_auc_score(np.repeat([0, 1], 400), scores) > 0.75


def test_a_heavy_divergence_collapses_the_latent_vector() -> None:
    assert fitted(beta=100.0).transform(X).std() < 0.1 < fitted(beta=0.1).transform(X).std()


def test_the_latent_vector_is_the_mean_and_half_as_wide_as_a_row() -> None:
    assert fitted(max_epochs=1).transform(X).shape == (400, 3)


@pytest.mark.parametrize("loss", ["absolute", "huber", "poisson"])
def test_other_losses_train_too(loss: str) -> None:
    counts = np.floor(np.exp(X))
    detector = VAEDetector(loss=loss, max_epochs=5, random_state=0).fit(counts)
    assert np.isfinite(detector.score_samples(counts)).all()


def test_the_score_stays_that_of_the_fit_because_the_threshold_belongs_to_it() -> None:
    detector = fitted(max_epochs=5).calibrate(X, alarm_rate=0.1)
    before = detector.p_values(X)
    detector.set_params(score="kl", beta=9.0, loss="huber")
    np.testing.assert_array_equal(detector.p_values(X), before)


def test_a_large_beta_is_no_divergence() -> None:
    assert np.isfinite(fitted(beta=1e3, max_epochs=3).score_samples(X)).all()


def test_the_parameter_score_travels_as_any_other() -> None:
    detector = VAEDetector(score="kl")
    for twin in (clone(detector), pickle.loads(pickle.dumps(detector))):
        assert twin.get_params()["score"] == "kl"
    assert detector.set_params(score="elbo").get_params()["score"] == "elbo"
    assert repr(VAEDetector(score="kl")) == "VAEDetector(score='kl')"
    nested = make_pipeline(StandardScaler(), detector).set_params(vaedetector__score="kl")
    assert nested.get_params()["vaedetector__score"] == "kl"


def test_the_parameter_score_is_no_method_to_scikit_learn() -> None:
    assert not hasattr(VAEDetector(), "score")
    assert not hasattr(make_pipeline(StandardScaler(), VAEDetector()), "score")


def test_an_unknown_score_is_refused_by_fit() -> None:
    with pytest.raises(ValueError, match="'score' parameter of VAEDetector must be"):
        VAEDetector(score="loss").fit(X)
