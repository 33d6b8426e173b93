"""AutoencoderDetector: what its score is made of."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from skdqm.detectors import AutoencoderDetector
from skdqm.exceptions import DataError, UsageError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 6))
X[:, 3:] = X[:, :3] + 0.1 * RNG.normal(size=(300, 3))
COUNTS = RNG.poisson(np.outer(RNG.uniform(50, 100, 300), [0.1, 1, 2, 4])).astype(float)


def fitted(rows: Any = X, **parameters: Any) -> AutoencoderDetector:
    parameters = {"max_epochs": 20, "random_state": 0, **parameters}
    return AutoencoderDetector(**parameters).fit(rows)


def test_the_score_is_the_mean_of_the_feature_scores() -> None:
    detector = fitted()
    means = detector.feature_scores(X).mean(axis=1)
    np.testing.assert_allclose(-detector.score_samples(X), means, rtol=1e-12)


def test_feature_scores_are_losses_relative_to_the_training_loss() -> None:
    detector = fitted()
    expected = detector.feature_loss_ / (detector.feature_loss_ + 0.01)
    np.testing.assert_allclose(detector.feature_scores(X).mean(axis=0), expected, rtol=1e-9)


def test_numpy_scores_are_those_of_the_torch_module() -> None:
    detector = fitted()
    module = detector.net_.module_.double()
    standard = (X - detector.location_) / detector.scale_
    with torch.inference_mode():
        restored = module(torch.from_numpy(standard)).numpy()
    losses = (restored - standard) ** 2 / (detector.feature_loss_ + 0.01)
    np.testing.assert_allclose(-detector.score_samples(X), losses.mean(axis=1), rtol=1e-5)


def test_units_do_not_matter() -> None:
    units, zero = np.array([1e-300, 1e-9, 1e-3, 1, 1e9, 1e290]), np.linspace(-1, 1, 6)
    plain, scaled = fitted().score_samples(X), fitted((X + zero) * units)
    np.testing.assert_allclose(scaled.score_samples((X + zero) * units), plain, rtol=1e-3)


def test_float32_rows_are_scaled_as_exactly_as_float64() -> None:
    rows = (1500 + 0.5 * RNG.normal(size=(200_000, 2))).astype(np.float32)
    detector = fitted(rows, max_epochs=1, batch_size=4096)
    np.testing.assert_allclose(detector.location_, rows.astype(np.float64).mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(detector.scale_, rows.astype(np.float64).std(axis=0), rtol=1e-6)


@pytest.mark.parametrize("value", [0.1, 0.3, 91.1876, 0.0, -1e9])
def test_a_constant_that_binary_cannot_hold_raises_no_alarm(value: float) -> None:
    rows = np.column_stack([X, np.full(300, value)])
    detector = fitted(rows)
    assert detector.scale_[6] == 1.0
    assert (detector.predict(rows.astype(np.float32)) == -1).mean() < 0.05


def test_one_wild_channel_is_flagged() -> None:
    wild = X[:5].copy()
    wild[:, 2] = 1e9
    assert (fitted().predict(wild) == -1).all()


def test_what_scores_mean_stays_that_of_the_fit() -> None:
    detector = fitted()
    before = detector.score_samples(X)
    np.testing.assert_array_equal(detector.set_params(loss="absolute").score_samples(X), before)


def test_the_layout_in_memory_does_not_matter() -> None:
    np.testing.assert_array_equal(
        fitted(np.asfortranarray(X)).score_samples(X), fitted().score_samples(X)
    )


def test_a_constant_feature_neither_breaks_nor_rules_the_score() -> None:
    rows = np.column_stack([X, np.full(300, 7.0)])
    detector = fitted(rows)
    moved = rows.copy()
    moved[:, 6] = 7.001
    np.testing.assert_allclose(
        detector.score_samples(moved), detector.score_samples(rows), atol=0.01
    )
    moved[:, 6] = 17.0
    assert (detector.feature_scores(moved).argmax(axis=1) == 6).all()


def test_the_latent_vector_is_as_wide_as_asked() -> None:
    assert fitted().transform(X).shape == (300, 2)  # the root of six features
    assert fitted(latent_dim=5).transform(X).shape == (300, 5)


@pytest.mark.parametrize("loss", ["squared", "absolute", "huber"])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_every_loss_finds_a_broken_correlation(loss: str, activation: str) -> None:
    detector = fitted(loss=loss, activation=activation, max_epochs=80, latent_dim=3)
    broken = X.copy()
    broken[:, 3:] = RNG.permutation(X[:, 3:])
    scores = -detector.score_samples(np.vstack([X, broken]))
    assert roc_auc_score(np.repeat([0, 1], 300), scores) > 0.8


def test_counts_are_judged_by_their_poisson_deviance() -> None:
    detector = fitted(COUNTS, loss="poisson", max_epochs=150)
    hot = COUNTS.copy()
    hot[:, 2] *= 2
    assert (detector.feature_scores(hot).argmax(axis=1) == 2).mean() > 0.8
    scores = -detector.score_samples(np.vstack([COUNTS, hot]))
    assert roc_auc_score(np.repeat([0, 1], 300), scores) > 0.95


def test_pulls_of_counts_tell_too_many_from_too_few() -> None:
    detector = fitted(COUNTS, loss="poisson", max_epochs=150, noise=0.1)
    assert detector.signed_feature_scores
    assert (detector.feature_scores(COUNTS * [1, 1, 0, 1])[:, 2] < 0).all()
    pulls = detector.feature_scores(COUNTS)
    assert abs(pulls.mean()) < 0.2
    assert 0.8 < pulls.std() < 1.2


def test_with_its_exposure_a_row_of_other_statistics_is_no_other_row() -> None:
    shape = np.array([10.0, 20.0, 40.0, 20.0, 10.0])
    few, many = (RNG.poisson(np.outer(RNG.uniform(*n, 400), shape)) for n in ((8, 12), (90, 110)))
    parameters = {"loss": "poisson", "max_epochs": 100, "noise": 0.1}
    knows, knows_not = (
        fitted(few, exposure=exposure, **parameters) for exposure in ("total", None)
    )
    assert (knows.predict(many) == -1).mean() < 0.1 < (knows_not.predict(many) == -1).mean()
    expected = knows.reconstruct(many)
    assert expected.sum(axis=1) == pytest.approx(many.sum(axis=1), rel=0.05)
    assert knows.predict([[1000, 2000, 0, 2000, 1000]]) == -1
    assert np.isfinite(knows.score_samples(np.zeros((1, 5)))).all()


def test_an_exposure_is_for_counts() -> None:
    with pytest.raises(UsageError, match="set loss='poisson'"):
        fitted(COUNTS, exposure="total")


def test_the_poisson_rate_comes_close_to_the_counts() -> None:
    detector = fitted(COUNTS, loss="poisson", max_epochs=200, noise=0.1)
    assert detector.feature_loss_.mean() < 1.5  # the deviance of a true rate is about one


@pytest.mark.parametrize("size", [1e2, 1e4, 1e6])
def test_counts_of_any_size_are_learned(size: float) -> None:
    totals = RNG.uniform(0.9, 1.1, 2000) * size
    counts = RNG.poisson(np.outer(totals, [1, 2, 0.5, 3])).astype(float)
    deviance = fitted(counts, loss="poisson", noise=0.1, max_epochs=50).feature_loss_.mean()
    # The spread of the totals alone, unlearned, has a deviance of size / 200.
    assert deviance < max(3.0, size / 2000)


def test_absurd_counts_get_finite_scores_and_an_alarm() -> None:
    detector = fitted(COUNTS, loss="poisson")
    absurd = np.full((1, 4), 1e306)
    assert np.isfinite(detector.score_samples(absurd)).all()
    assert detector.predict(absurd) == -1


@pytest.mark.parametrize("call", ["fit", "partial_fit", "score_samples", "feature_scores"])
def test_negative_counts_are_refused(call: str) -> None:
    detector = fitted(COUNTS, loss="poisson", max_epochs=1)
    with pytest.raises(DataError, match="found negative values, as -"):
        getattr(detector, call)(-COUNTS[:1] - 1 if call == "score_samples" else _one_bad_row())


def _one_bad_row() -> Any:
    rows = COUNTS.copy()
    rows[0] = -1
    return rows


def test_a_spread_beyond_floating_point_is_refused() -> None:
    rows = X.copy()
    rows[:, 2] = np.where(rows[:, 2] > 0, 1e308, 0)
    with pytest.raises(DataError, match="spread of feature 2"):
        fitted(rows)


def test_a_network_wide_enough_for_the_identity_still_finds_a_broken_correlation() -> None:
    broken = X.copy()
    broken[:, 3:] = RNG.permutation(X[:, 3:])
    detector = fitted(latent_dim=6, max_epochs=200)
    scores = -detector.score_samples(np.vstack([X, broken]))
    assert roc_auc_score(np.repeat([0, 1], 300), scores) > 0.9


def test_feature_losses_follow_a_drift_of_the_noise() -> None:
    detector = fitted()
    before = detector.feature_loss_.copy()
    for _ in range(5):
        detector.partial_fit(X + RNG.normal(size=X.shape))
    assert (detector.feature_loss_ > before).all()
