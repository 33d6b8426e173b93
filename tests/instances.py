"""One small instance of every registered detector: quick to fit, with a fixed seed."""

from importlib.util import find_spec
from inspect import signature
from typing import Any

from river.anomaly import LODA
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

from skdqm.base import BaseDetector
from skdqm.detectors import AutoencoderDetector, ReferenceDetector
from skdqm.registry import detector_class, detector_names

# Readings that are no counts.
COMPARES = ReferenceDetector(exposure=None, fluctuations="empirical")
SMALL: dict[str, dict[str, Any]] = {
    "auto": {"max_epochs": 2},
    "autoencoder": {"hidden_layer_sizes": (16,), "max_epochs": 5},
    "contrastive": {"hidden_layer_sizes": (16,), "max_epochs": 5},
    "convolutional": {"hidden_channels": (4, 8), "max_epochs": 5},
    "convolutional_vae": {"hidden_channels": (4, 8), "max_epochs": 5},
    "elements": {"detector": COMPARES},
    "ensemble": {
        "detectors": [
            ("forest", IsolationForest(n_estimators=20)),
            ("svm", make_pipeline(StandardScaler(), OneClassSVM(nu=0.1))),
            ("envelope", EllipticEnvelope()),
            ("network", AutoencoderDetector(hidden_layer_sizes=(16,), max_epochs=5)),
        ]
    },
    "graph": {"hidden_channels": (8,), "max_epochs": 5},
    "minimum_entries": {"detector": COMPARES, "min_entries": 0},
    "neighbors": {"memory_size": 200},
    "persistence": {"detector": COMPARES, "persistence": 1},
    "pyod": {"model": "IForest"},
    "quantum": {"hidden_layer_sizes": (16,), "n_qubits": 2, "n_layers": 1, "max_epochs": 5},
    "reference": {"exposure": None, "fluctuations": "empirical"},
    # Scores of the default model level off: it does not promise that extreme rows come last.
    "river": {"model": LODA(n_random_cuts=20)},
    "vae": {"hidden_layer_sizes": (16,), "max_epochs": 5},
}
ABLE: dict[str, dict[str, Any]] = {
    "auto": {"max_epochs": 20},
    "autoencoder": {"max_epochs": 60, "batch_size": 32},
    "contrastive": {"max_epochs": 30},
    "convolutional": {"max_epochs": 60, "batch_size": 32},
    "convolutional_vae": {"max_epochs": 60, "batch_size": 32},
    "ensemble": {"detectors": None},
    "graph": {"max_epochs": 30, "batch_size": 32},
    "quantum": {"n_qubits": 3, "n_layers": 2, "max_epochs": 60, "batch_size": 32},
    "vae": {"max_epochs": 60, "batch_size": 32},
}

# Packages that some detectors need beyond the core ones.
PACKAGES = {"graph": "torch_geometric", "quantum": "pennylane"}


def names() -> list[str]:
    """Return the names of all detectors whose packages are installed."""
    return [name for name in detector_names() if find_spec(PACKAGES.get(name, "skdqm"))]


def instance(name: str, **parameters: Any) -> BaseDetector:
    """Return one detector by its short name, with a seed where it takes one."""
    cls = detector_class(name)
    seed = {"random_state": 0} if "random_state" in signature(cls).parameters else {}
    return cls(**{**seed, **SMALL.get(name, {}), **parameters})


def able_instance(name: str) -> BaseDetector:
    """Return one detector trained long enough to find what is planted."""
    return instance(name, **ABLE.get(name, {}))


def instances() -> list[BaseDetector]:
    """Return one instance of every detector."""
    return [instance(name) for name in names()]
