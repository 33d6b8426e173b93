"""One small instance of every registered detector: quick to fit, with a fixed seed."""

from importlib.util import find_spec
from typing import Any

from skdqm.base import BaseDetector
from skdqm.registry import detector_class, detector_names

SMALL: dict[str, dict[str, Any]] = {
    "autoencoder": {"hidden_layer_sizes": (16,), "max_epochs": 5},
    "contrastive": {"hidden_layer_sizes": (16,), "max_epochs": 5},
    "convolutional": {"hidden_channels": (4, 8), "max_epochs": 5},
    "convolutional_vae": {"hidden_channels": (4, 8), "max_epochs": 5},
    "graph": {"hidden_channels": (8,), "max_epochs": 5},
    "quantum": {"hidden_layer_sizes": (16,), "n_qubits": 2, "n_layers": 1, "max_epochs": 5},
    "vae": {"hidden_layer_sizes": (16,), "max_epochs": 5},
}
ABLE: dict[str, dict[str, Any]] = {
    "autoencoder": {"max_epochs": 60, "batch_size": 32},
    "contrastive": {"max_epochs": 30},
    "convolutional": {"max_epochs": 60, "batch_size": 32},
    "convolutional_vae": {"max_epochs": 60, "batch_size": 32},
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
    """Return one detector by its short name."""
    return detector_class(name)(**{"random_state": 0, **SMALL.get(name, {}), **parameters})


def able_instance(name: str) -> BaseDetector:
    """Return one detector trained long enough to find what is planted."""
    return instance(name, **ABLE.get(name, {}))


def instances() -> list[BaseDetector]:
    """Return one instance of every detector."""
    return [instance(name) for name in names()]
