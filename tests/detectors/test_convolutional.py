"""Convolutional detectors: shapes, masks, maps of loss, real images."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skdqm.detectors import ConvAutoencoderDetector, ConvVAEDetector
from skdqm.exceptions import UsageError
from skdqm.persistence import load, save

SHAPE = (2, 9, 7)
RNG = np.random.default_rng(0)
BLOB = np.exp(-0.5 * ((np.arange(9)[:, None] - 4) ** 2 + (np.arange(7) - 3) ** 2) / 4)
IMAGES = RNG.poisson(50 * RNG.uniform(0.5, 1.5, size=(300, 2, 1, 1)) * BLOB)
X = IMAGES.reshape(300, -1).astype(float)


def fitted(X: Any = X, **parameters: Any) -> ConvAutoencoderDetector:
    given = {"image_shape": SHAPE, "max_epochs": 20, "hidden_channels": (8, 8), "random_state": 0}
    return ConvAutoencoderDetector(**{**given, **parameters}).fit(X)


def test_the_map_of_losses_points_at_the_dead_region() -> None:
    dead = IMAGES[:50].astype(float)
    dead[:, 1, 3:6, 2:5] = 0
    maps = fitted().feature_scores(dead.reshape(50, -1)).reshape(50, *SHAPE).mean(axis=0)
    outside = maps.copy()
    outside[1, 3:6, 2:5] = 0
    assert maps[1, 3:6, 2:5].mean() > 3 * outside.mean()


@pytest.mark.parametrize("cls", [ConvAutoencoderDetector, ConvVAEDetector])
@pytest.mark.parametrize("loss", ["squared", "poisson"])
@pytest.mark.parametrize("scaling", ["image", "channel", "pixel"])
def test_pixels_that_do_not_exist_change_nothing(cls: Any, loss: str, scaling: str) -> None:
    exists = np.ones((9, 7), dtype=bool)
    exists[2:4, 1:3] = False
    twisted = IMAGES.astype(float)
    twisted[:, :, ~exists] = RNG.uniform(-1e9, 1e9, size=(300, 2, 4))
    options = {"image_shape": SHAPE, "mask": exists, "max_epochs": 2, "random_state": 0}
    detector = cls(**options, loss=loss, scaling=scaling, hidden_channels=(4,)).fit(X)
    np.testing.assert_array_equal(
        detector.score_samples(twisted.reshape(300, -1)), detector.score_samples(X)
    )
    maps = detector.feature_scores(X).reshape(300, *SHAPE)
    assert (maps[:, :, ~exists] == 0).all()
    assert (maps[:, :, exists] > 0).any()
    again = cls(**options, loss=loss, scaling=scaling, hidden_channels=(4,))
    again.fit(twisted.reshape(300, -1))
    np.testing.assert_array_equal(again.score_samples(X), detector.score_samples(X))


@pytest.mark.parametrize(
    ("scaling", "n_scales"), [("image", 1), ("channel", 2), ("pixel", 2 * 9 * 7)]
)
def test_the_scale_is_that_of_the_image_the_channel_or_the_pixel(
    scaling: str, n_scales: int
) -> None:
    assert len(np.unique(fitted(scaling=scaling, max_epochs=1).location_)) == n_scales


def test_a_mask_of_one_channel_serves_all_and_is_kept_in_a_file(tmp_path: Path) -> None:
    exists = RNG.uniform(size=(9, 7)) > 0.2
    detector = fitted(mask=exists, max_epochs=2)
    whole = fitted(mask=np.stack([exists, exists]), max_epochs=2)
    np.testing.assert_array_equal(detector.score_samples(X), whole.score_samples(X))
    save(detector, tmp_path / "model")
    np.testing.assert_array_equal(
        load(tmp_path / "model").score_samples(X), detector.score_samples(X)
    )


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"image_shape": (9, 7)}, "expected 3 whole numbers"),
        ({"image_shape": (2, 9.5, 7)}, "expected 3 whole numbers"),
        ({"image_shape": (1, 9, 7)}, "means 63 values, found rows of 126"),
        ({"mask": np.ones((2, 2), dtype=bool)}, "booleans of shape"),
        ({"mask": np.ones((9, 7))}, "found float64"),
        ({"mask": np.zeros((9, 7), dtype=bool)}, "0 of them true"),
        ({"hidden_channels": (4, 0)}, "hidden_channels must be whole numbers"),
    ],
)
def test_wrong_shapes_and_masks_are_refused_by_name(
    parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        fitted(**parameters)


def test_without_a_shape_a_row_is_one_row_of_pixels() -> None:
    detector = fitted(image_shape=None, max_epochs=1)
    explicit = fitted(image_shape=(1, 1, 126), max_epochs=1)
    np.testing.assert_array_equal(detector.score_samples(X), explicit.score_samples(X))


def test_blurring_finds_the_faint_blob_that_noise_of_pixels_hides() -> None:
    faint = IMAGES[:100].astype(float)
    faint[:, :, 1:5, 1:5] += 6
    aucs = []
    for smoothing in (0, 1.0):
        detector = fitted(smoothing=smoothing, score="reconstruction", max_epochs=60)
        bad, good = detector.score_samples(faint.reshape(100, -1)), detector.score_samples(X[100:])
        aucs.append((bad[:, None] < good).mean())
    assert aucs[1] > aucs[0]


def test_the_map_of_losses_points_at_a_single_hot_pixel_whatever_the_blurring() -> None:
    detector = fitted(smoothing=1.5)
    changed = X[:1].copy()
    changed[0, 5] += 100
    before, after = detector.feature_scores(X[:1])[0], detector.feature_scores(changed)[0]
    assert (after - before).argmax() == 5
    assert len(np.unique(detector.feature_loss_)) == len(np.unique(detector.smoothed_loss_)) == 1


def test_without_blurring_the_score_is_the_mean_of_the_map() -> None:
    detector = fitted(smoothing=0, score="reconstruction")
    np.testing.assert_allclose(detector.feature_scores(X).mean(axis=1), -detector.score_samples(X))


def test_the_latent_law_is_that_of_the_training_images() -> None:
    detector = fitted(score="mahalanobis")
    codes = detector.transform(X)
    np.testing.assert_allclose(detector.latent_mean_, codes.mean(axis=0), rtol=1e-6, atol=1e-9)
    covariance = np.cov(codes.T, bias=True)
    np.testing.assert_allclose(detector.latent_covariance_, covariance, rtol=1e-6, atol=1e-9)
    assert 0.5 < -detector.score_samples(X).mean() < 1


def test_two_blocks_give_the_latent_law_of_all_their_rows() -> None:
    codes = RNG.normal(size=(300, 3)) @ RNG.normal(size=(3, 3))
    whole, parts = ConvAutoencoderDetector(), ConvAutoencoderDetector()
    whole._learn_latent_law(codes, 1.0)
    parts._learn_latent_law(codes[:100], 1.0)
    parts._learn_latent_law(codes[100:], 200 / 300)
    np.testing.assert_allclose(parts.latent_mean_, whole.latent_mean_, atol=1e-12)
    np.testing.assert_allclose(parts.latent_covariance_, whole.latent_covariance_, atol=1e-12)


def test_the_sum_is_the_sum() -> None:
    scores = [fitted(score=s).score_samples(X) for s in ("reconstruction", "mahalanobis", "sum")]
    np.testing.assert_allclose(scores[0] + scores[1], scores[2], rtol=1e-9)


@pytest.mark.parametrize("score", ["reconstruction", "kl", "elbo"])
def test_every_score_of_the_variational_kind_finds_images_that_are_too_bright(score: str) -> None:
    options = {"image_shape": SHAPE, "max_epochs": 30, "random_state": 0, "score": score}
    detector = ConvVAEDetector(**options).fit(X)
    bright = detector.score_samples(4 * X[:100])
    assert np.median(bright) < np.quantile(detector.score_samples(X), 0.05)


def test_shirts_are_told_from_trousers(shared_data: Callable[[str], Path]) -> None:
    from skdqm.io import read

    table = read(shared_data("fashion_mnist/train-images-idx3-ubyte.gz"))
    images, classes = table.X.to_numpy()[:6000], table.y[:6000]
    trousers, shirts = images[classes == 1], images[classes == 6]
    detector = ConvAutoencoderDetector(image_shape=(1, 28, 28), max_epochs=10, random_state=0)
    detector.fit(trousers[:400])
    good, bad = detector.score_samples(trousers[400:]), detector.score_samples(shirts)
    assert (good[:, None] > bad[None]).mean() > 0.9


def test_a_mask_that_lies_on_its_side_or_is_no_array_is_refused() -> None:
    for mask in (np.ones((7, 9), dtype=bool), np.ones(126, dtype=bool), [[True], [True, False]]):
        with pytest.raises(UsageError, match="mask: expected"):
            fitted(mask=mask)


@pytest.mark.parametrize("loss", ["squared", "poisson"])
def test_the_mean_loss_is_that_of_the_pixels_that_exist(loss: str) -> None:
    exists = np.zeros((9, 7), dtype=bool)
    exists[3:6] = True
    detector = fitted(mask=exists, loss=loss, score="reconstruction", max_epochs=60, smoothing=0)
    expected = detector.feature_loss_[np.tile(exists.ravel(), 2)][0]
    assert -detector.score_samples(X).mean() == pytest.approx(expected / (expected + 0.01), rel=0.1)
    assert detector.history_[-1]["train_loss"] < 0.9


def test_widths_that_fill_no_vector_keep_rows_apart_to_the_bit() -> None:
    for cls in (ConvAutoencoderDetector, ConvVAEDetector):
        options = {"image_shape": SHAPE, "hidden_channels": (3, 5), "latent_dim": 3}
        detector = cls(**options, max_epochs=1, random_state=0).fit(X)
        together = detector.score_samples(X)
        np.testing.assert_array_equal(detector.score_samples(X[::-1]), together[::-1])
        alone = [detector.score_samples(row[None])[0] for row in X[:20]]
        np.testing.assert_array_equal(alone, together[:20])
