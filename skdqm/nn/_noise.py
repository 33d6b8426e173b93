"""Noise that is there while a module trains."""

import torch
from torch import nn


class GaussianNoise(nn.Module):
    """Add normal noise to the input while training, nothing otherwise.

    Parameters
    ----------
    standard_deviation : float
        Standard deviation of the noise, in units of the input.
    """

    def __init__(self, standard_deviation: float) -> None:
        super().__init__()
        self.standard_deviation = standard_deviation

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the input, noisy in training mode."""
        if not (self.training and self.standard_deviation):
            return inputs
        return inputs + self.standard_deviation * torch.randn_like(inputs)
