"""Anomaly scores as torch modules: what a row loses in a network, and where its latent vector lies.

Each is the twin of a method of the detectors, which is written for tiles of rows in numpy.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import nn

from skdqm.detectors._convolutional import SMALLEST_COUNT
from skdqm.detectors._variational_base import LARGEST_LOG_VARIANCE
from skdqm.export._buffers import Buffers
from skdqm.export._inputs import Features
from skdqm.nn import LOSSES


class Restored(NamedTuple):
    """What a network makes of rows; all in float64, of several networks theirs first."""

    code: torch.Tensor
    output: torch.Tensor
    target: torch.Tensor


class Scorer(nn.Module):
    """Rows to anomaly scores: encode, decode, score, and take the mean over networks.

    Parameters
    ----------
    inputs : Features
        Standardises rows.
    encoder, decoder : torch.nn.Module
        The network, which alone runs in float32.
    width : int
        Width of the latent vector.
    score : torch.nn.Module
        Maps a :class:`Restored` to scores.
    n_members : int
        Number of networks.
    """

    def __init__(
        self,
        inputs: Features,
        encoder: nn.Module,
        decoder: nn.Module,
        width: int,
        score: nn.Module,
        *,
        n_members: int,
    ) -> None:
        super().__init__()
        self.inputs = inputs
        self.encoder = encoder
        self.decoder = decoder
        self.width = width
        self.score = score
        self.n_members = n_members

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Map (n_rows, n_features) to (n_rows,)."""
        standard = self.inputs(rows)
        code = self.encoder(standard.float())
        output = self.decoder(code[..., : self.width].float()).double()
        compared = self.inputs.compared(rows, standard, output)
        scores: torch.Tensor = self.score(Restored(code.double(), *compared))
        return scores if self.n_members == 1 else scores.mean(dim=0)


class Losses(Buffers):
    """The losses of features, each in units of its usual one.

    Parameters
    ----------
    loss : str
        A key of ``LOSSES``.
    usual : ndarray of shape (n_features,)
        What is divided by.
    """

    usual: torch.Tensor

    def __init__(self, loss: str, usual: NDArray[Any], **others: Any) -> None:
        super().__init__(usual=usual, **others)
        self.loss = LOSSES[loss]

    def forward(self, restored: Restored) -> torch.Tensor:
        """Return relative losses, of shape (..., n_rows, n_features)."""
        losses: torch.Tensor = self.loss(restored.output, restored.target, torch)
        return losses / self.usual


class SmoothedLosses(Losses):
    """Squares of residuals blurred over the image, in units of their usual one.

    Parameters
    ----------
    loss : str
        A key of ``LOSSES``.
    usual : ndarray of shape (n_features,)
        What is divided by.
    image_shape : sequence of int
        Channels, height and width.
    sigma : float
        Width of the blur, in pixels.
    exists : ndarray of bool of shape (n_features,) or None
        False where a pixel does not exist.
    """

    down: torch.Tensor
    across: torch.Tensor
    exists: torch.Tensor | None
    smallest: torch.Tensor

    def __init__(
        self,
        loss: str,
        usual: NDArray[Any],
        image_shape: list[int],
        sigma: float,
        exists: NDArray[Any] | None,
    ) -> None:
        # A blur is a linear map of each axis, and products run in double precision everywhere.
        down, across = (_blur(side, sigma) for side in image_shape[1:])
        super().__init__(
            loss, usual, down=down, across=across.T, exists=exists, smallest=SMALLEST_COUNT
        )
        self.image_shape = tuple(image_shape)
        self.counts = loss == "poisson"

    def forward(self, restored: Restored) -> torch.Tensor:
        """Return relative losses, of shape (n_rows, n_features)."""
        losses = self.loss(restored.output, restored.target, torch)
        target = restored.target
        if self.counts:
            target = target.maximum(self.smallest).log()
        residuals = self.masked(losses.sqrt() * (target - restored.output).sign())
        images = residuals.reshape(-1, *self.image_shape)
        blurred = (self.down @ images @ self.across).flatten(-3)
        return self.masked(blurred.square()) / self.usual

    def masked(self, values: torch.Tensor) -> torch.Tensor:
        """Return values with zeros where there is no pixel."""
        return values if self.exists is None else values.where(self.exists, 0.0)


class MeanLoss(nn.Module):
    """The mean relative loss of a row over the features that exist."""

    def __init__(self, losses: Losses, n_features: int) -> None:
        super().__init__()
        self.losses = losses
        self.n_features = n_features

    def forward(self, restored: Restored) -> torch.Tensor:
        """Return one score for each row."""
        mean: torch.Tensor = self.losses(restored).sum(dim=-1) / self.n_features
        return mean


class Divergence(nn.Module):
    """The Kullback-Leibler divergence of the latent distribution from the prior."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, restored: Restored) -> torch.Tensor:
        """Return one score for each row."""
        mean = restored.code[..., : self.width]
        log_variance = restored.code[..., self.width :].clamp(max=LARGEST_LOG_VARIANCE)
        terms = mean * mean + log_variance.exp() - 1 - log_variance
        return 0.5 * terms.sum(dim=-1)


class NegativeELBO(Buffers):
    """Half the sum of relative losses plus `beta` times the divergence."""

    beta: torch.Tensor

    def __init__(self, losses: Losses, width: int, beta: float) -> None:
        super().__init__(beta=float(beta))
        self.losses = losses
        self.divergence = Divergence(width)

    def forward(self, restored: Restored) -> torch.Tensor:
        """Return one score for each row."""
        score: torch.Tensor = 0.5 * self.losses(restored).sum(dim=-1)
        return score + self.beta * self.divergence(restored)


class LatentDistance(Buffers):
    """The squared Mahalanobis distance of latent vectors from their mean, per coordinate."""

    mean: torch.Tensor
    whiten: torch.Tensor

    def __init__(self, mean: NDArray[Any], whiten: NDArray[Any]) -> None:
        super().__init__(mean=mean, whiten=whiten)

    def forward(self, restored: Restored) -> torch.Tensor:
        """Return one score for each row."""
        return ((restored.code - self.mean) @ self.whiten).square().mean(dim=-1)


class Sum(nn.Module):
    """The sum of two scores."""

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.first = first
        self.second = second

    def forward(self, restored: Restored) -> torch.Tensor:
        """Return one score for each row."""
        total: torch.Tensor = self.first(restored) + self.second(restored)
        return total


def _blur(side: int, sigma: float) -> NDArray[np.float64]:
    """Return the matrix that blurs along an axis of so many pixels."""
    matrix: NDArray[np.float64] = gaussian_filter(np.eye(side), (sigma, 0), mode="constant")
    return matrix
