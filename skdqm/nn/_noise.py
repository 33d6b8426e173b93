"""Normal noise: on every value, or while a module trains."""

import torch
from torch import nn


class AddNoise(nn.Module):
    """Add normal noise to every value.

    Parameters
    ----------
    standard_deviation : float
        Standard deviation of the noise, in units of the input.
    """

    def __init__(self, standard_deviation: float) -> None:
        super().__init__()
        self.standard_deviation = standard_deviation

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Return noisy rows."""
        return rows + self.standard_deviation * torch.randn_like(rows)


class GaussianNoise(AddNoise):
    """Add normal noise to the input while training, nothing otherwise.

    Parameters
    ----------
    standard_deviation : float
        Standard deviation of the noise, in units of the input.
    """

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the input, noisy in training mode."""
        return super().forward(rows) if self.training and self.standard_deviation else rows
