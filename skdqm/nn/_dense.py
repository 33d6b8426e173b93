"""Dense networks: the torch modules that train, and their forward pass in numpy that scores."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from skdqm.nn._activations import ACTIVATIONS
from skdqm.nn._noise import GaussianNoise
from skdqm.nn._variational import VariationalModule


def dense_layers(sizes: Sequence[int], activation: str, dropout: float = 0.0) -> nn.Sequential:
    """Stack linear layers with an activation (and dropout) between them, none after the last.

    Parameters
    ----------
    sizes : sequence of int
        Widths from input to output, at least two.
    activation : str
        A key of ``ACTIVATIONS``.
    dropout : float, default=0.0
        Probability of dropping a hidden unit while training.

    Returns
    -------
    layers : torch.nn.Sequential
        The network.

    Examples
    --------
    >>> from skdqm.nn import dense_layers
    >>> [type(layer).__name__ for layer in dense_layers([14, 64, 4], "relu")]
    ['Linear', 'ReLU', 'Linear']
    """
    layers: list[nn.Module] = []
    for width_in, width_out in pairwise(sizes):
        layers += [nn.Linear(width_in, width_out), ACTIVATIONS[activation].module()]
        layers += [nn.Dropout(dropout)] if dropout else []
    n_after_last = 2 if dropout else 1
    return nn.Sequential(*layers[:-n_after_last])


class DenseAutoencoder(nn.Module):
    """Encode rows to a small latent vector, and decode it again.

    Parameters
    ----------
    n_features : int
        Width of the input and of the output.
    hidden_layer_sizes : sequence of int
        Widths from the input to the latent vector; the decoder mirrors them.
    latent_dim : int
        Width of the latent vector.
    activation : str
        A key of ``ACTIVATIONS``.
    dropout : float, default=0.0
        Probability of dropping a hidden unit while training.
    noise : float, default=0.0
        Standard deviation of normal noise added to the input while training.
    """

    n_codes = 1

    def __init__(
        self,
        n_features: int,
        *,
        hidden_layer_sizes: Sequence[int],
        latent_dim: int,
        activation: str,
        dropout: float = 0.0,
        noise: float = 0.0,
    ) -> None:
        super().__init__()
        self.noise = GaussianNoise(noise)
        hidden = list(hidden_layer_sizes)
        down = [n_features, *hidden, self.n_codes * latent_dim]
        up = [latent_dim, *hidden[::-1], n_features]
        self.encoder = dense_layers(down, activation, dropout)
        self.decoder = dense_layers(up, activation, dropout)

    def forward(self, inputs: torch.Tensor) -> Any:
        """Return the reconstruction, of the shape of `inputs`."""
        return self.decoder(self.encoder(self.noise(inputs)))


class DenseVAE(VariationalModule, DenseAutoencoder):
    """The variational kind: its encoder gives mean and log-variance of the latent vector.

    Parameters
    ----------
    n_features : int
        Width of the input and of the output.
    hidden_layer_sizes : sequence of int
        Widths from the input to the latent vector; the decoder mirrors them.
    latent_dim : int
        Width of the latent vector.
    activation : str
        A key of ``ACTIVATIONS``.
    dropout : float, default=0.0
        Probability of dropping a hidden unit while training.
    noise : float, default=0.0
        Standard deviation of normal noise added to the input while training.
    """


class DenseForward:
    """Dense layers as a numpy function, in float32 as they trained; far faster on a few rows.

    Parameters
    ----------
    layers : torch.nn.Sequential
        What :func:`dense_layers` built. Later changes of its weights are not seen.
    """

    def __init__(self, layers: nn.Sequential) -> None:
        functions = {spec.module: spec.function for spec in ACTIVATIONS.values()}
        linear = [layer for layer in layers if isinstance(layer, nn.Linear)]
        between = [functions[type(layer)] for layer in layers if type(layer) in functions]
        weights = [np.ascontiguousarray(_array(layer.weight).T) for layer in linear]
        biases = [_array(layer.bias) for layer in linear]
        self.hidden = list(zip(weights[:-1], biases[:-1], between, strict=True))
        self.output = weights[-1], biases[-1]

    def __call__(self, x: NDArray[Any]) -> NDArray[np.float32]:
        """Map arrays of shape (..., n_inputs) to (..., n_outputs)."""
        x = x.astype(np.float32, copy=False)
        for weight, bias, activate in self.hidden:
            x = x @ weight
            x += bias
            x = activate(x)
        weight, bias = self.output
        x = x @ weight
        x += bias
        return x


def _array(tensor: torch.Tensor) -> NDArray[np.float32]:
    return tensor.detach().cpu().numpy().astype(np.float32)
