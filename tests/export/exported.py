"""Fitted models to export, the rows to compare on, and how to run what was exported."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from skdqm.base import BaseDetector
from skdqm.datasets import make_detector_data
from tests.instances import instance

N_ROWS = 10_000


class Case(NamedTuple):
    """A detector by its short name, its parameters, and where its rows come from."""

    name: str
    parameters: dict[str, Any]
    rows: str = "readings"

    def __str__(self) -> str:
        words = [self.name, *(f"{key}={value}" for key, value in self.parameters.items())]
        return " ".join(word for word in words if "mask" not in word)


MASK = np.arange(16).reshape(4, 4) % 5 != 0
IMAGE: dict[str, Any] = {"image_shape": (1, 4, 4)}
COUNTS: dict[str, Any] = {"loss": "poisson", "exposure": "total"}
CASES = [
    Case("autoencoder", {}),
    Case("autoencoder", {"n_members": 3, "dropout": 0.1}),
    Case("autoencoder", {"activation": "leaky_relu", "loss": "absolute"}),
    Case("autoencoder", {"activation": "elu", "loss": "huber"}),
    Case("autoencoder", {"activation": "gelu"}),
    Case("autoencoder", {"loss": "poisson", "activation": "silu"}, "counts"),
    Case("autoencoder", {**COUNTS, "n_members": 2}, "counts"),
    *(Case("vae", {"score": name}) for name in ("elbo", "kl", "reconstruction")),
    Case("vae", {"n_members": 2, "beta": 0.3, "activation": "relu"}),
    Case("convolutional", {}),
    *(Case("convolutional", {**IMAGE, "score": name}, "counts") for name in ("mahalanobis", "sum")),
    Case("convolutional", {**IMAGE, **COUNTS, "mask": MASK}, "counts"),
    *(Case("convolutional_vae", {"score": name}) for name in ("elbo", "kl", "reconstruction")),
    *(Case("contrastive", {"score": name}) for name in ("knn", "cosine", "mahalanobis")),
    Case("contrastive", {"score": "reconstruction"}),
    Case("contrastive", {**IMAGE, "encoder": "conv"}, "counts"),
    Case("graph", {}),
    Case("graph", {"graph_shape": (8, 3), "k": 4}, "particles"),
    Case("graph", {"graph_shape": (2, 4, 3), "k": 3, "weight": None}, "particles"),
    Case("quantum", {"n_qubits": 3, "n_layers": 2}),
]


def rows_of(kind: str, n_rows: int, seed: int) -> NDArray[np.float64]:
    """Return rows of a kind, all of one law."""
    rng = np.random.default_rng(seed)
    if kind == "counts":
        return rng.poisson(20, (n_rows, 16)).astype(np.float64)
    if kind == "particles":
        particles = rng.exponential([50.0, 0.1, 0.1], (n_rows, 8, 3))
        particles[rng.random((n_rows, 8)) < 0.3] = 0
        return particles.reshape(n_rows, 24)
    return make_detector_data(n_rows, random_state=seed)[0].to_numpy(np.float64, copy=True)


def fitted(case: Case) -> BaseDetector:
    """Return a small detector, trained for a moment."""
    return instance(case.name, **{**case.parameters, "max_epochs": 3}).fit(
        rows_of(case.rows, 400, 0)
    )


def run_onnx(path: Path, rows: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the scores and the flags by ONNX Runtime."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    scores, flags = session.run(["anomaly_score", "is_anomaly"], {"features": rows})
    return scores, flags


def apart(found: NDArray[Any], known: NDArray[Any]) -> float:
    """Return the largest difference, relative and absolute of values below one."""
    return float((np.abs(found - known) / np.maximum(np.abs(known), 1)).max())
