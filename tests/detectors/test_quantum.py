"""QuantumAutoencoderDetector: its qubits, what it shares with the autoencoder, real events."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from skdqm.detectors import QuantumAutoencoderDetector
from skdqm.io import read

pytest.importorskip("pennylane")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 6))
X[:, 3:] = X[:, :3] + 0.1 * RNG.normal(size=(300, 3))


def fitted(X: Any = X, **parameters: Any) -> QuantumAutoencoderDetector:
    small = {"hidden_layer_sizes": (16,), "n_qubits": 2, "n_layers": 1, "max_epochs": 3}
    return QuantumAutoencoderDetector(**{"random_state": 0, **small, **parameters}).fit(X)


@pytest.mark.parametrize(("n_features", "n_qubits"), [(1, 1), (9, 3), (100, 6)])
def test_qubits_follow_the_number_of_features_up_to_six(n_features: int, n_qubits: int) -> None:
    rows = RNG.normal(size=(40, n_features))
    assert fitted(rows, n_qubits=None, max_epochs=1).transform(rows).shape == (40, n_qubits)


def test_latent_vectors_are_expectations_of_the_asked_qubits() -> None:
    detector = fitted(n_qubits=4)
    latent = detector.transform(100 * X)
    assert latent.shape == (300, 4)
    assert np.abs(latent).max() < 1 + 1e-12
    assert len(detector.get_feature_names_out()) == 4


def test_scores_are_those_of_the_module_that_pennylane_runs() -> None:
    detector = fitted(n_qubits=3, n_layers=2)
    standard = (X - detector.location_) / detector.scale_
    with torch.inference_mode():
        output = detector.net_.module_.eval()(torch.from_numpy(standard).float()).numpy()
    losses = (output - standard) ** 2
    expected = (losses / (losses.mean(axis=0) + 1e-2)).mean(axis=1)
    np.testing.assert_allclose(-detector.score_samples(X), expected, rtol=1e-3)


def test_training_moves_the_weights_of_the_circuit_and_lowers_the_loss() -> None:
    short, long = (fitted(max_epochs=epochs, lr=5e-3) for epochs in (1, 12))
    weights = [d.net_.module_.circuit.layer.weights.detach() for d in (short, long)]
    assert (weights[0] - weights[1]).abs().max() > 0.01
    assert long.history_[-1]["train_loss"] < 0.95 * long.history_[0]["train_loss"]


def test_broken_correlations_score_worse_than_rows_they_hold_for() -> None:
    broken = X.copy()
    broken[:, 3:] = RNG.permutation(broken[:, 3:])
    detector = fitted(n_qubits=3, noise=0.2, max_epochs=25, lr=1e-2)
    scores = -detector.score_samples(np.vstack([X, broken]))
    assert roc_auc_score(np.repeat([0, 1], 300), scores) > 0.75


def test_qubits_and_layers_stay_those_of_the_fit() -> None:
    detector = fitted()
    before = detector.score_samples(X)
    detector.set_params(n_qubits=5, n_layers=4)
    np.testing.assert_array_equal(detector.score_samples(X), before)
    assert detector.partial_fit(X).transform(X).shape == (300, 2)


@pytest.mark.parametrize(
    "wrong", [{"n_qubits": 0}, {"n_qubits": 11}, {"n_qubits": 2.0}, {"n_layers": 0}]
)
def test_impossible_circuits_are_refused_by_fit(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="parameter of QuantumAutoencoderDetector must be"):
        fitted(**wrong)


def test_counts_are_learned_by_their_deviance() -> None:
    counts = RNG.poisson(30, size=(200, 5)).astype(float)
    detector = fitted(counts, loss="poisson")
    assert np.isfinite(detector.score_samples(counts)).all()
    assert detector.feature_scores(counts).shape == (200, 5)


def test_it_ranks_real_events_above_chance(shared_data: Callable[[str], Path]) -> None:
    table = read(shared_data("lhco/lhco_rd_v1_dev20k.features.h5"))
    rows, y = table.X.to_numpy(), np.asarray(table.y)
    background = np.random.default_rng(0).permutation(np.flatnonzero(y == 0))
    tested = np.concatenate([background[2000:8000], np.flatnonzero(y == 1)])
    shape = {"n_qubits": 4, "n_layers": 2, "batch_size": 128, "lr": 4e-3, "max_epochs": 10}
    detector = fitted(rows[background[:2000]], **shape)
    assert roc_auc_score(y[tested], -detector.score_samples(rows[tested])) > 0.7
