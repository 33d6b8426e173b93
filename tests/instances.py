"""One small instance of every registered detector: quick to fit, with a fixed seed."""

from typing import Any

from skdqm.base import BaseDetector
from skdqm.registry import detector_class, detector_names

SMALL: dict[str, dict[str, Any]] = {
    "autoencoder": {"hidden_layer_sizes": (16,), "max_epochs": 5},
    "convolutional": {"hidden_channels": (4, 8), "max_epochs": 5},
    "convolutional_vae": {"hidden_channels": (4, 8), "max_epochs": 5},
    "vae": {"hidden_layer_sizes": (16,), "max_epochs": 5},
}
ABLE: dict[str, dict[str, Any]] = {
    "autoencoder": {"max_epochs": 60, "batch_size": 32},
    "convolutional": {"max_epochs": 60, "batch_size": 32},
    "convolutional_vae": {"max_epochs": 60, "batch_size": 32},
    "vae": {"max_epochs": 60, "batch_size": 32},
}


def instance(name: str, **parameters: Any) -> BaseDetector:
    """Return one detector by its short name."""
    return detector_class(name)(**{"random_state": 0, **SMALL.get(name, {}), **parameters})


def able_instance(name: str) -> BaseDetector:
    """Return one detector trained long enough to find what is planted."""
    return instance(name, **ABLE.get(name, {}))


def instances() -> list[BaseDetector]:
    """Return one instance of every detector."""
    return [instance(name) for name in detector_names()]
