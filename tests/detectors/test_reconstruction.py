"""Reconstruction: rows as the network restores them, in their own units."""

from typing import Any

import numpy as np
import pytest

from skdqm.detectors import AutoencoderDetector, ConvAutoencoderDetector

RNG = np.random.default_rng(0)
RATES = 1e3 * np.exp(0.5 * RNG.normal(size=(400, 1)) + np.array([0.0, 1.0, 0.5, 2.0]))
COUNTS = RNG.poisson(RATES).astype(float)


@pytest.mark.parametrize("cls", [AutoencoderDetector, ConvAutoencoderDetector])
@pytest.mark.parametrize("loss", ["squared", "poisson"])
def test_normal_rows_come_back_nearly_in_their_units(cls: Any, loss: str) -> None:
    detector = cls(loss=loss, noise=0.0, latent_dim=2, random_state=0, max_epochs=100).fit(COUNTS)
    restored = detector.reconstruct(COUNTS)
    assert restored.shape == COUNTS.shape
    assert np.median(np.abs(restored / COUNTS - 1)) < 0.15


def test_counts_beyond_floating_point_are_restored_as_finite_rates() -> None:
    detector = AutoencoderDetector(loss="poisson", random_state=0, max_epochs=2).fit(COUNTS)
    assert np.isfinite(detector.reconstruct(np.full((1, 4), 1e300))).all()


def test_the_loss_of_a_row_follows_from_its_reconstruction() -> None:
    detector = AutoencoderDetector(random_state=0, max_epochs=5).fit(COUNTS)
    residuals = (COUNTS - detector.reconstruct(COUNTS)) / detector.scale_
    expected = residuals**2 / (detector.feature_loss_ + 0.01)
    np.testing.assert_allclose(detector.feature_scores(COUNTS), expected, rtol=1e-6, atol=1e-9)
