"""The variational kind of an autoencoder."""

import torch
from torch import nn

from skdqm.nn._noise import GaussianNoise


class VariationalModule(nn.Module):
    """Mixin for an autoencoder: its encoder gives mean and log-variance of the latent vector."""

    n_codes = 2

    noise: GaussianNoise
    encoder: nn.Sequential
    decoder: nn.Sequential

    def forward(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the reconstruction of one draw, the latent mean and its log-variance."""
        mean, log_variance = self.encoder(self.noise(inputs)).chunk(2, dim=-1)
        draw = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        return self.decoder(draw), mean, log_variance
