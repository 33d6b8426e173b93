"""Losses of one value, written once for numpy (scoring) and torch (training)."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn

Loss = Callable[[Any, Any, ModuleType], Any]

# exp() of it stays finite in float32.
LARGEST_LOG_RATE = 80.0
# A row without counts has this total: its logarithm stays finite, and so small a rate no loss.
SMALLEST_TOTAL = 1e-20


def squared(output: Any, target: Any, xp: ModuleType) -> Any:
    """(output - target)^2."""
    return (output - target) ** 2


def absolute(output: Any, target: Any, xp: ModuleType) -> Any:
    """|output - target|."""
    return xp.abs(output - target)


def huber(output: Any, target: Any, xp: ModuleType) -> Any:
    """Huber's loss with its corner at one, doubled: squared near zero, linear far away."""
    distance = xp.abs(output - target)
    near = distance.clip(max=1)
    return near * (2 * distance - near)


def poisson(output: Any, target: Any, xp: ModuleType) -> Any:
    """Poisson deviance of a count `target` from the rate exp(output).

    In terms of the ratio of rate and count, which keeps its digits where the two are large.
    """
    log_rate = output.clip(max=LARGEST_LOG_RATE)
    counted = xp.where(target > 0, target, 1)
    log_ratio = log_rate - xp.log(counted)
    deviance = counted * (xp.expm1(log_ratio) - log_ratio)
    return 2 * xp.where(target > 0, deviance, xp.exp(log_rate))


LOSSES: dict[str, Loss] = {
    "squared": squared,
    "absolute": absolute,
    "huber": huber,
    "poisson": poisson,
}


class Affine(nn.Module):
    """Undo a standardisation: ``location + scale * inputs``.

    Parameters
    ----------
    location, scale : ndarray of shape (n_features,)
        What was taken off, and what was divided by.
    """

    def __init__(self, location: NDArray[Any], scale: NDArray[Any]) -> None:
        super().__init__()
        self.register_buffer("location", torch.from_numpy(location).float())
        self.register_buffer("scale", torch.from_numpy(scale).float())

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the values in their own units."""
        return self.location + self.scale * inputs  # type: ignore[operator]


def log_exposure(target: Any, usual_total: float, xp: ModuleType) -> Any:
    """Return the logarithm of the total of rows, in units of a usual one.

    Parameters
    ----------
    target : ndarray or torch.Tensor of shape (..., n_features)
        Counts.
    usual_total : float
        The total that gives 0.
    xp : module
        ``numpy`` or ``torch``.

    Returns
    -------
    log_exposure : ndarray or torch.Tensor of shape (..., 1)
        To be added to the logarithm of rates.

    Examples
    --------
    >>> import numpy as np
    >>> from skdqm.nn import log_exposure
    >>> log_exposure(np.array([[1.0, 3.0], [2.0, 6.0]]), 4.0, np).round(2).ravel()
    array([0.  , 0.69])
    """
    return xp.log(target.sum(-1, keepdims=True).clip(SMALLEST_TOTAL) / usual_total)


class ReconstructionLoss(nn.Module):
    """Mean loss over rows and features.

    Parameters
    ----------
    loss : str
        A key of ``LOSSES``.
    head : torch.nn.Module or None, default=None
        Applied to the output first.
    usual_total : float or None, default=None
        Of counts: the sum of a row to which the output belongs; those of other rows are in
        proportion to their sums. None: the output belongs to the row as it is.
    """

    def __init__(
        self, loss: str, head: nn.Module | None = None, usual_total: float | None = None
    ) -> None:
        super().__init__()
        self.loss = LOSSES[loss]
        self.head = nn.Identity() if head is None else head
        self.usual_total = usual_total

    def forward(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the mean loss of a batch."""
        values = self.head(output)
        if self.usual_total is not None:
            values = values + log_exposure(target, self.usual_total, torch)
        return self.loss(values, target, torch).mean()


class ELBOLoss(nn.Module):
    """Negative evidence lower bound per feature, of half the loss as negative log-likelihood.

    Parameters
    ----------
    loss : str
        A key of ``LOSSES``.
    beta : float
        Weight of the Kullback-Leibler term.
    head : torch.nn.Module or None, default=None
        Applied to the reconstruction first.
    usual_total : float or None, default=None
        As of :class:`ReconstructionLoss`.
    """

    def __init__(
        self,
        loss: str,
        beta: float,
        head: nn.Module | None = None,
        usual_total: float | None = None,
    ) -> None:
        super().__init__()
        self.reconstruction = ReconstructionLoss(loss, head, usual_total)
        self.beta = beta

    def forward(
        self, output: tuple[torch.Tensor, torch.Tensor, torch.Tensor], target: torch.Tensor
    ) -> torch.Tensor:
        """Return the mean over rows and features of a batch."""
        reconstructed, mean, log_variance = output
        divergence = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(dim=-1)
        per_feature = self.beta * divergence.mean() / target.shape[-1]
        return 0.5 * self.reconstruction(reconstructed, target) + per_feature
