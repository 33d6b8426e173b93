"""Oriented gradients: edges by direction and place, each image alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdqm.detectors import AutoencoderDetector
from skdqm.exceptions import DataError, UsageError
from skdqm.persistence import load, save
from skdqm.preprocessing import OrientedGradients

SHAPE = (1, 16, 16)
DOWN, ACROSS = np.mgrid[:16, :16].astype(float)
RNG = np.random.default_rng(0)


def maps(image: Any, **parameters: Any) -> Any:
    gradients = OrientedGradients(image_shape=SHAPE, **{"power": 1.0, **parameters})
    return gradients.fit_transform(image.reshape(1, -1)).reshape(gradients.image_shape_)


@parametrize_with_checks([OrientedGradients()])
def test_scikit_learn_checks(estimator: Any, check: Any) -> None:
    check(estimator)


@settings(max_examples=25)
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 20), st.integers(1, 20)),
    stride=st.integers(1, 25),
)
def test_an_image_of_any_size_gives_as_many_numbers_as_promised(
    shape: tuple[int, int, int], stride: int
) -> None:
    gradients = OrientedGradients(image_shape=shape, stride=stride)
    out = gradients.fit_transform(RNG.normal(size=(3, int(np.prod(shape)))))
    assert out.shape == (3, np.prod(gradients.image_shape_))
    assert len(gradients.get_feature_names_out()) == out.shape[1]
    assert np.isfinite(out).all()


@pytest.mark.parametrize("direction", range(8))
def test_a_slope_is_seen_in_its_direction_with_its_steepness(direction: int) -> None:
    angle = 2 * np.pi * direction / 8
    seen = maps(3 * (np.cos(angle) * ACROSS + np.sin(angle) * DOWN))[:, 3, 3]
    assert seen.argmax() == direction
    assert seen[direction] == pytest.approx(3, rel=0.02)
    assert seen[(direction + 4) % 8] == pytest.approx(0, abs=1e-4)


def test_an_even_image_has_no_gradient_not_even_at_its_edge() -> None:
    np.testing.assert_allclose(maps(np.full((16, 16), 7.0)), 0, atol=1e-12)


def test_rows_and_channels_do_not_mix() -> None:
    images = RNG.normal(size=(5, 2, 16, 16))
    gradients = OrientedGradients(image_shape=(2, 16, 16), power=1.0)
    together = gradients.fit_transform(images.reshape(5, -1)).reshape(5, 2, 8, 6, 6)
    for row, channel in np.ndindex(5, 2):
        np.testing.assert_array_equal(together[row, channel], maps(images[row, channel]))


def test_a_small_shift_changes_less_than_it_changes_pixels() -> None:
    image = np.zeros((16, 16))
    image[5:11, 5:11] = RNG.uniform(size=(6, 6))
    moved = np.roll(image, 1, axis=0)
    pixels = np.linalg.norm(moved - image) / np.linalg.norm(image)
    seen = np.linalg.norm(maps(moved) - maps(image)) / np.linalg.norm(maps(image))
    assert seen < 0.6 * pixels


@pytest.mark.parametrize("shape", [(16, 16), (1, 4, 4), (1, -16, -16), (1, 2.5, 102.4)])
def test_a_shape_that_does_not_fit_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="image_shape="):
        OrientedGradients(image_shape=shape).fit(np.ones((2, 256)))


def test_it_is_kept_in_a_model_file_with_its_detector(tmp_path: Path) -> None:
    X = RNG.normal(size=(60, 256))
    detector = AutoencoderDetector(max_epochs=1, random_state=0)
    model = make_pipeline(OrientedGradients(image_shape=SHAPE), detector).fit(X)
    save(model, tmp_path / "model")
    np.testing.assert_array_equal(load(tmp_path / "model").score_samples(X), model.score_samples(X))


def test_parameters_changed_after_the_fit_change_no_map() -> None:
    X = RNG.normal(size=(3, 256))
    gradients = OrientedGradients(image_shape=SHAPE).fit(X)
    before = gradients.transform(X)
    gradients.set_params(stride=2, gradient_scale=2.0, power=1.0)
    np.testing.assert_array_equal(gradients.transform(X), before)


def test_images_too_large_for_numbers_are_refused() -> None:
    X = np.full((2, 256), 1.7e308)
    X[:, ::2] *= -1
    # scikit-learn's own check sums the values.
    with np.errstate(all="ignore"), pytest.raises(DataError, match="too large"):
        OrientedGradients(image_shape=SHAPE).fit(X).transform(X)
