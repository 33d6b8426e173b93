"""What is the contrastive detector's own: memory, scores, encoders, images."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from torch import nn

from skdqm.base import blame_of
from skdqm.datasets import make_detector_data
from skdqm.detectors._contrastive import ContrastiveDetector
from skdqm.exceptions import UsageError
from skdqm.io import read
from skdqm.nn import in_tiles
from skdqm.persistence import load, save
from skdqm.preprocessing import JetFeatures

READINGS, FAULTY = (np.asarray(part) for part in make_detector_data(700, 8, random_state=0))
GOOD, TEST, Y_TEST = READINGS[FAULTY == 0][:300], READINGS[300:], FAULTY[300:]
# Stripes of random phase on 6 x 8 pixels, and the same pixels in disorder.
PHASES = np.random.default_rng(0).uniform(0, 2 * np.pi, (300, 1, 1))
IMAGES = np.sin(PHASES + np.arange(6)[:, None] + 0 * np.arange(8)).reshape(300, 48)
DISORDER = np.random.default_rng(1).permuted(IMAGES[:50], axis=1)
SCORES = ["knn", "mahalanobis", "cosine", "reconstruction"]


def small(**parameters: Any) -> ContrastiveDetector:
    chosen = {"hidden_layer_sizes": (16,), "max_epochs": 3, "random_state": 0, **parameters}
    return ContrastiveDetector(**chosen)


def of_images(**parameters: Any) -> ContrastiveDetector:
    return small(**{"image_shape": (1, 6, 8), "hidden_channels": (4, 4), **parameters})


@pytest.mark.parametrize("score", SCORES)
def test_every_score_ranks_planted_faults(score: str) -> None:
    detector = small(score=score, max_epochs=20, memory_size=100).fit(GOOD)
    # Directions alone say little of channels that died.
    floor = 0.7 if score == "cosine" else 0.8
    assert roc_auc_score(Y_TEST, -detector.score_samples(TEST)) > floor


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("encoder", ["dense", "conv"])
def test_a_copy_through_a_file_scores_the_same_and_goes_on_the_same(
    score: str, encoder: str, tmp_path: Path
) -> None:
    detector = of_images(score=score, encoder=encoder).fit(IMAGES)
    save(detector, tmp_path / "model")
    twin = load(tmp_path / "model")
    np.testing.assert_array_equal(twin.score_samples(DISORDER), detector.score_samples(DISORDER))
    twin.partial_fit(IMAGES[:50])
    detector.partial_fit(IMAGES[:50])
    np.testing.assert_array_equal(twin.score_samples(DISORDER), detector.score_samples(DISORDER))


def test_the_score_stays_that_of_the_fit_when_the_parameter_changes() -> None:
    detector = small().fit(GOOD)
    before = detector.score_samples(TEST)
    detector.set_params(score="cosine", n_neighbors=1, memory_size=3, image_shape=(1, 2, 4))
    np.testing.assert_array_equal(detector.score_samples(TEST), before)


def test_the_memory_holds_training_rows_and_no_more_than_asked() -> None:
    detector = small(memory_size=40).fit(GOOD)
    assert detector.memory_.shape == (40, 8)
    assert (detector.memory_[:, None] == GOOD).all(axis=2).any(axis=1).all()
    assert len(np.unique(detector.memory_, axis=0)) == 40


def test_an_update_lets_new_rows_into_the_memory_and_keeps_old_ones() -> None:
    detector = small(memory_size=40).fit(GOOD)
    detector.partial_fit(GOOD[:40] + 1000)
    n_new = int((detector.memory_[:, 0] > 500).sum())
    assert len(detector.memory_) == 40
    assert 5 < n_new < 35


def test_an_update_encodes_the_memory_anew() -> None:
    detector = small(n_neighbors=1, lr=0.05).fit(GOOD)
    before = detector.transform(GOOD)
    detector.partial_fit(TEST[:20])
    moved = np.abs(detector.transform(GOOD) - before).max()
    points = in_tiles(detector._coordinates, detector.memory_) / detector._units
    distances, _ = NearestNeighbors(n_neighbors=1).fit(points).kneighbors()
    scores = -detector.score_samples(detector.memory_)
    np.testing.assert_allclose(scores, distances[:, 0], atol=1e-6)
    assert moved > 0.01


def test_the_threshold_of_training_rows_suits_new_rows() -> None:
    good, _ = make_detector_data(4300, 8, fault_fraction=0, random_state=0)
    detector = small(max_epochs=20, contamination=0.05).fit(good[:300])
    # A third would be flagged, were the remembered rows their own neighbours.
    assert (detector.predict(good[300:]) == -1).mean() < 0.12


def test_the_model_does_not_grow_with_the_training_rows(tmp_path: Path) -> None:
    sizes = []
    for n_rows in (100, 300):
        save(small(memory_size=50).fit(GOOD[:n_rows]), tmp_path / "model")
        sizes.append((tmp_path / "model").stat().st_size)
    assert abs(sizes[1] - sizes[0]) < 0.1 * sizes[0] + 8 * 300


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize(
    "rows",
    [
        np.ones((2, 3)),
        np.repeat([[1.0, 2.0]], 30, axis=0),
        np.random.default_rng(0).normal(size=(5, 80)),
        np.column_stack([np.zeros(20), np.arange(20.0)]),
        np.arange(40.0)[:, None],
    ],
    ids=["two equal rows", "duplicates", "wide", "a constant feature", "one feature"],
)
def test_awkward_tables_give_finite_scores(score: str, rows: np.ndarray) -> None:
    detector = small(score=score).fit(rows)
    assert np.isfinite(detector.score_samples(rows)).all()
    assert np.isfinite(detector.score_samples(rows + 1e12)).all()


def test_latent_vectors_are_as_wide_as_the_rows_up_to_a_limit() -> None:
    assert small().fit(GOOD).transform(TEST).shape == (len(TEST), 8)
    wide = np.random.default_rng(0).normal(size=(20, 100))
    assert small().fit(wide).transform(wide).shape == (20, 64)
    assert small(latent_dim=3).fit(GOOD).transform(TEST).shape == (len(TEST), 3)


@pytest.mark.parametrize("loss", ["absolute", "huber", "poisson"])
def test_other_losses_train_and_score(loss: str) -> None:
    counts = np.random.default_rng(0).poisson(20, size=(200, 5)).astype(float)
    broken = counts * [1, 1, 0, 1, 1]
    detector = small(loss=loss, max_epochs=20, batch_size=32).fit(counts)
    assert detector.score_samples(broken).mean() < detector.score_samples(counts).mean()
    assert (blame_of(detector, broken).argmax(axis=1) == 2).mean() > 0.9


# --- images


@pytest.mark.parametrize("encoder", ["dense", "conv"])
def test_pixels_in_disorder_are_abnormal(encoder: str) -> None:
    detector = of_images(encoder=encoder, max_shift=1, noise=0.3, max_epochs=10, score="knn")
    scores = -detector.fit(IMAGES[:200]).score_samples(np.vstack([IMAGES[200:], DISORDER]))
    assert roc_auc_score(np.repeat([0, 1], [100, 50]), scores) > 0.95


def test_pixels_of_images_share_one_scale() -> None:
    detector = of_images(turns=True).fit(IMAGES * np.linspace(1, 5, 48))
    assert len(np.unique(detector.scale_)) == len(np.unique(detector.location_)) == 1


@pytest.mark.parametrize("latent_dim", [1, 3, None])
def test_a_score_of_an_image_does_not_depend_on_its_batch(latent_dim: int | None) -> None:
    detector = of_images(encoder="conv", latent_dim=latent_dim).fit(IMAGES)
    together = detector.score_samples(DISORDER)
    alone = np.concatenate([detector.score_samples(row[None]) for row in DISORDER])
    np.testing.assert_array_equal(alone, together)
    np.testing.assert_array_equal(detector.score_samples(DISORDER[::-1]), together[::-1])


@pytest.mark.parametrize("image_shape", [(6, 8), (1, 6, 9), (1, -6, -8), (1, 6.0, 8), ("a", 6, 8)])
def test_a_shape_that_does_not_fit_is_refused(image_shape: tuple[Any, ...]) -> None:
    with pytest.raises(UsageError, match="image_shape"):
        small(image_shape=image_shape).fit(IMAGES)


@pytest.mark.parametrize("option", [{"encoder": "conv"}, {"max_shift": 1}, {"turns": True}])
def test_options_of_images_need_the_shape_of_the_images(option: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"{next(iter(option))}.* needs image_shape"):
        small(**option).fit(IMAGES)


# --- an encoder of one's own


def own_encoder() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 5))


def test_a_copy_of_the_users_encoder_is_trained() -> None:
    encoder = own_encoder()
    before = encoder[0].weight.clone()
    detector = small(encoder=encoder, max_epochs=20).fit(GOOD)
    assert torch.equal(encoder[0].weight, before)
    assert not torch.equal(detector.net_.module_.encoder[0].weight, before)
    assert detector.transform(TEST).shape == (len(TEST), 5)
    assert roc_auc_score(Y_TEST, -detector.score_samples(TEST)) > 0.8


def test_the_users_encoder_sees_images_when_their_shape_is_known() -> None:
    encoder = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(48, 4))
    assert of_images(encoder=encoder).fit(IMAGES).transform(IMAGES).shape == (300, 4)


def test_a_model_with_code_of_the_user_is_not_saved_but_pickles(tmp_path: Path) -> None:
    detector = small(encoder=own_encoder()).fit(GOOD)
    with pytest.raises(UsageError, match="encoder of your own cannot be saved"):
        save(detector, tmp_path / "model")
    assert not (tmp_path / "model").exists()
    twin = pickle.loads(pickle.dumps(detector))
    np.testing.assert_array_equal(twin.score_samples(TEST), detector.score_samples(TEST))


def test_a_module_with_code_of_the_user_is_not_saved_under_another_name(tmp_path: Path) -> None:
    detector = small(encoder=own_encoder()).fit(GOOD).set_params(encoder="dense")
    with pytest.raises(UsageError, match="encoder of your own"):
        save(detector, tmp_path / "model")


@pytest.mark.parametrize("encoder", [nn.Linear(3, 2), nn.Flatten(0), nn.LSTM(8, 2)])
def test_a_module_that_is_no_encoder_of_these_rows_is_refused(encoder: nn.Module) -> None:
    with pytest.raises(UsageError, match=r"must map 2 standardised rows"):
        small(encoder=encoder).fit(GOOD)


# --- real data


def test_the_lhc_olympics_signal_is_found(shared_data: Callable[[str], Path]) -> None:
    table = read(shared_data("lhco/lhco_rd_v1_dev20k.features.h5"))
    background, signal = table.X[table.y == 0][:3000], table.X[table.y == 1][:500]
    model = make_pipeline(JetFeatures(), ContrastiveDetector(max_epochs=10, random_state=0))
    model.fit(background[:2000])
    scores = [-model.score_samples(part) for part in (background[2000:], signal)]
    assert roc_auc_score(np.repeat([0, 1], [1000, 500]), np.concatenate(scores)) > 0.78


def test_a_refit_with_another_score_forgets_the_memory_and_can_be_saved(tmp_path: Path) -> None:
    detector = small().fit(GOOD)
    detector.set_params(score="reconstruction").fit(GOOD)
    assert not hasattr(detector, "memory_")
    save(detector, tmp_path / "model")
    np.testing.assert_array_equal(
        load(tmp_path / "model").score_samples(GOOD), detector.score_samples(GOOD)
    )


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.LazyLinear(3), "weights without a shape"),
        (nn.BatchNorm1d(8, track_running_stats=False), "it failed"),
    ],
)
def test_a_module_that_cannot_score_one_row_is_refused_before_training(
    module: nn.Module, message: str
) -> None:
    before = torch.get_rng_state()
    with pytest.raises(UsageError, match=message):
        small(encoder=module).fit(GOOD)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_module_that_draws_when_it_scores_is_refused() -> None:
    class Drawing(nn.Linear):
        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            return super().forward(rows) + torch.randn(1)

    with pytest.raises(UsageError, match="the same row two results"):
        small(encoder=Drawing(8, 3)).fit(GOOD)
