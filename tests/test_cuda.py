"""Training on a GPU: what holds on the CPU holds there; skipped where there is none."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from skdqm.base import BaseDetector
from skdqm.datasets import make_detector_data
from skdqm.detectors import AutoencoderDetector, ConvAutoencoderDetector, VAEDetector
from skdqm.persistence import load, save
from tests.instances import able_instance, instance, names

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

READINGS, FAULTY = make_detector_data(700, n_channels=8, fault_fraction=0.1, random_state=0)
X = READINGS[FAULTY == 0][:300]
X_TEST, Y_TEST = READINGS.drop(X.index), FAULTY[~READINGS.index.isin(X.index)]
COUNTS = np.random.default_rng(0).poisson(40, size=(300, 16)).astype(float)

every_network = pytest.mark.parametrize(
    "name", [name for name in names() if "device" in instance(name).get_params(deep=False)]
)


def on_gpu(name: str) -> BaseDetector:
    return instance(name, device="cuda").fit(X)


@every_network
def test_a_network_trained_on_a_gpu_ranks_as_one_trained_on_the_cpu(name: str) -> None:
    on_cpu, gpu = able_instance(name), able_instance(name).set_params(device="cuda")
    areas = [roc_auc_score(Y_TEST, -each.fit(X).score_samples(X_TEST)) for each in (on_cpu, gpu)]
    assert areas[1] > 0.75
    assert abs(areas[0] - areas[1]) < 0.05


@every_network
def test_copies_of_a_network_from_a_gpu_score_the_same_to_the_bit(
    name: str, tmp_path: Path
) -> None:
    detector = on_gpu(name)
    save(detector, tmp_path / "model")
    twins = [load(tmp_path / "model"), pickle.loads(pickle.dumps(detector))]
    expected = detector.score_samples(X_TEST)
    rows = [detector.score_samples(X_TEST.iloc[[row]])[0] for row in range(len(X_TEST))]
    np.testing.assert_array_equal(rows, expected)
    for twin in twins:
        np.testing.assert_array_equal(twin.score_samples(X_TEST), expected)


@every_network
def test_a_loaded_network_goes_on_learning_on_a_gpu_and_on_the_cpu(
    name: str, tmp_path: Path
) -> None:
    detector = on_gpu(name)
    if not hasattr(detector, "partial_fit"):
        pytest.skip("does not go on learning")
    save(detector, tmp_path / "model")
    before = detector.score_samples(X_TEST)
    for device in ("cuda", "cpu"):
        twin = load(tmp_path / "model").set_params(device=device).partial_fit(X_TEST)
        assert np.isfinite(twin.score_samples(X_TEST)).all()
        assert not np.array_equal(twin.score_samples(X_TEST), before)
    np.testing.assert_array_equal(detector.score_samples(X_TEST), before)


@every_network
def test_the_generator_of_the_gpu_is_left_alone(name: str) -> None:
    before = torch.cuda.get_rng_state()
    on_gpu(name)
    assert torch.equal(torch.cuda.get_rng_state(), before)


@pytest.mark.parametrize(
    "detector",
    [
        AutoencoderDetector(n_members=3, max_epochs=3),
        AutoencoderDetector(early_stopping=True, max_epochs=3),
        AutoencoderDetector(loss="poisson", exposure="total", max_epochs=3),
        VAEDetector(loss="poisson", exposure="total", n_members=2, max_epochs=3),
        ConvAutoencoderDetector(
            image_shape=(1, 4, 4), loss="poisson", exposure="total", max_epochs=3
        ),
    ],
)
def test_members_early_stops_and_counts_train_on_a_gpu(detector: BaseDetector) -> None:
    fitted = clone(detector).set_params(device="cuda", random_state=0).fit(COUNTS)
    again = clone(detector).set_params(device="cuda", random_state=0).fit(COUNTS)
    scores = fitted.score_samples(COUNTS)
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(again.score_samples(COUNTS), scores, rtol=1e-3)
