"""Losses of one value, written once for numpy (scoring) and torch (training)."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch
from torch import nn

Loss = Callable[[Any, Any, ModuleType], Any]

# exp(output) stays finite in float32 up to here.
LARGEST_LOG_RATE = 80.0
SMALLEST_COUNT = 1e-30


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
    """Poisson deviance of a count `target` from the rate exp(output)."""
    log_rate = output.clip(max=LARGEST_LOG_RATE)
    own = target * xp.log(target.clip(min=SMALLEST_COUNT)) - target
    return 2 * (xp.exp(log_rate) - target * log_rate + own)


LOSSES: dict[str, Loss] = {
    "squared": squared,
    "absolute": absolute,
    "huber": huber,
    "poisson": poisson,
}


class ReconstructionLoss(nn.Module):
    """Mean loss over rows and features.

    Parameters
    ----------
    loss : str
        A key of ``LOSSES``.
    """

    def __init__(self, loss: str) -> None:
        super().__init__()
        self.loss = LOSSES[loss]

    def forward(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the mean loss of a batch."""
        return self.loss(output, target, torch).mean()


class ELBOLoss(nn.Module):
    """Negative evidence lower bound per feature, of half the loss as negative log-likelihood.

    Parameters
    ----------
    loss : str
        A key of ``LOSSES``.
    beta : float
        Weight of the Kullback-Leibler term.
    """

    def __init__(self, loss: str, beta: float) -> None:
        super().__init__()
        self.loss = LOSSES[loss]
        self.beta = beta

    def forward(
        self, output: tuple[torch.Tensor, torch.Tensor, torch.Tensor], target: torch.Tensor
    ) -> torch.Tensor:
        """Return the mean over rows and features of a batch."""
        reconstruction, mean, log_variance = output
        negative_log_likelihood = 0.5 * self.loss(reconstruction, target, torch).sum(dim=-1)
        divergence = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(dim=-1)
        return (negative_log_likelihood + self.beta * divergence).mean() / target.shape[-1]
