"""The contenders of the speed test: each trains a network of the same layer sizes.

Autoencoders are n-64-32-64-n; variational ones n-64-32-(7)-32-64-n, with rectifiers, and ours
plain: no noise and no dropout. PyOD's are at its defaults: dropout, and batch normalisation in its
autoencoder.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from skdqm.detectors import AutoencoderDetector, VAEDetector
from skdqm.nn import dense_layers

HIDDEN, BOTTLENECK, LATENT = 64, 32, 7


@dataclass(frozen=True)
class Training:
    """How every contender trains.

    Attributes
    ----------
    batch_size : int
        Rows of a training step.
    epochs : int
        Passes over the rows.
    """

    batch_size: int
    epochs: int


class Network(Protocol):
    """What the speed test times."""

    def fit(self, X: NDArray[Any]) -> Any:
        """Train on rows."""

    def decision_function(self, X: NDArray[Any]) -> NDArray[Any]:
        """Score rows."""


class BareLoop:
    """The limit: the autoencoder's plain net in the shortest torch loop that trains it.

    Parameters
    ----------
    training : Training
        Batch size and epochs.
    """

    def __init__(self, training: Training) -> None:
        self.training = training

    def fit(self, X: NDArray[Any]) -> "BareLoop":
        """Train with a fused Adam on slices of a shuffled tensor."""
        torch.manual_seed(0)
        self.mean_, self.scale_ = X.mean(axis=0), X.std(axis=0)
        self.net_ = _plain_net(X.shape[1])
        optimizer = torch.optim.Adam(self.net_.parameters(), lr=1e-3, fused=True)
        rows, loss = self._tensor(X), nn.MSELoss()
        for _ in range(self.training.epochs):
            shuffled = rows[torch.randperm(len(rows))]
            for start in range(0, len(rows), self.training.batch_size):
                batch = shuffled[start : start + self.training.batch_size]
                optimizer.zero_grad()
                loss(self.net_(batch), batch).backward()
                optimizer.step()
        return self

    def decision_function(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return the mean squared error of each row."""
        with torch.no_grad():
            rows = self._tensor(X)
            errors: NDArray[Any] = ((self.net_(rows) - rows) ** 2).mean(dim=1).numpy()
        return errors

    def _tensor(self, X: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(((X - self.mean_) / self.scale_).astype(np.float32))


def _plain_net(n_features: int) -> nn.Module:
    encoder = dense_layers([n_features, HIDDEN, BOTTLENECK], "relu")
    return nn.Sequential(encoder, dense_layers([BOTTLENECK, HIDDEN, n_features], "relu"))


def _autoencoder(training: Training) -> Network:
    return AutoencoderDetector(
        hidden_layer_sizes=(HIDDEN,),
        latent_dim=BOTTLENECK,
        activation="relu",
        noise=0.0,
        batch_size=training.batch_size,
        max_epochs=training.epochs,
        random_state=0,
    )


def _vae(training: Training) -> Network:
    return VAEDetector(
        hidden_layer_sizes=(HIDDEN, BOTTLENECK),
        latent_dim=LATENT,
        activation="relu",
        batch_size=training.batch_size,
        max_epochs=training.epochs,
        random_state=0,
    )


def _pyod_autoencoder(training: Training) -> Any:
    from pyod.models.auto_encoder import AutoEncoder

    return AutoEncoder(
        hidden_neuron_list=[HIDDEN, BOTTLENECK],
        batch_size=training.batch_size,
        epoch_num=training.epochs,
        device="cpu",
        verbose=0,
    )


def _pyod_vae(training: Training) -> Any:
    from pyod.models.vae import VAE

    return VAE(
        encoder_neuron_list=[HIDDEN, BOTTLENECK],
        decoder_neuron_list=[BOTTLENECK, HIDDEN],
        latent_dim=LATENT,
        batch_size=training.batch_size,
        epoch_num=training.epochs,
        device="cpu",
        verbose=0,
    )


CONTENDERS: dict[str, Callable[[Training], Network]] = {
    "skdqm AutoencoderDetector": _autoencoder,
    "skdqm VAEDetector": _vae,
    "PyOD AutoEncoder": _pyod_autoencoder,
    "PyOD VAE": _pyod_vae,
    "bare torch loop": BareLoop,
}
"""Names of what :func:`speed` can compare, and how each is made."""


def warm_up(name: str, X: NDArray[Any], training: Training) -> None:
    """Train on one batch: libraries import parts of themselves as late as in the first fit.

    Parameters
    ----------
    name : str
        A key of ``CONTENDERS``.
    X : ndarray of shape (n_samples, n_features)
        Rows, at least one batch of them.
    training : Training
        Batch size; one epoch is enough.
    """
    CONTENDERS[name](replace(training, epochs=1)).fit(X[: training.batch_size])
