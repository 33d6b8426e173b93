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
from skdqm.nn._stacked import StackedLinear, StackedNoise
from skdqm.nn._variational import VariationalModule

LINEAR = (nn.Linear, StackedLinear)


def dense_layers(
    sizes: Sequence[int], activation: str, dropout: float = 0.0, n_members: int = 1
) -> nn.Sequential:
    """Stack linear layers with an activation (and dropout) between them, none after the last.

    Parameters
    ----------
    sizes : sequence of int
        Widths from input to output, at least two.
    activation : str
        A key of ``ACTIVATIONS``.
    dropout : float, default=0.0
        Probability of dropping a hidden unit while training.
    n_members : int, default=1
        Number of networks. Several are stacked, and take and give the member first.

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
        layers += [_linear(width_in, width_out, n_members), ACTIVATIONS[activation].module()]
        layers += [nn.Dropout(dropout)] if dropout else []
    n_after_last = 2 if dropout else 1
    return nn.Sequential(*layers[:-n_after_last])


def _linear(width_in: int, width_out: int, n_members: int) -> nn.Module:
    if n_members == 1:
        return nn.Linear(width_in, width_out)
    return StackedLinear(width_in, width_out, n_members)


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
    n_members : int, default=1
        Number of networks, stacked.
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
        n_members: int = 1,
    ) -> None:
        super().__init__()
        self.noise = GaussianNoise(noise) if n_members == 1 else StackedNoise(noise, n_members)
        hidden = list(hidden_layer_sizes)
        down = [n_features, *hidden, self.n_codes * latent_dim]
        up = [latent_dim, *hidden[::-1], n_features]
        self.encoder = dense_layers(down, activation, dropout, n_members)
        self.decoder = dense_layers(up, activation, dropout, n_members)

    def forward(self, inputs: torch.Tensor) -> Any:
        """Return the reconstruction, of the shape of `inputs`; of several members, theirs first."""
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
    n_members : int, default=1
        Number of networks, stacked.
    """


class DenseForward:
    """Dense layers as a numpy function, in float32 as they trained; far faster on a few rows.

    Parameters
    ----------
    layers : torch.nn.Sequential
        What :func:`dense_layers` built. Later changes of its weights are not seen. Several members
        take rows in tiles, or what each of them gave, and give the member first.
    """

    def __init__(self, layers: nn.Sequential) -> None:
        functions = {spec.module: spec.function for spec in ACTIVATIONS.values()}
        linear = [_arrays(layer) for layer in layers if isinstance(layer, LINEAR)]
        between = [functions[type(layer)] for layer in layers if type(layer) in functions]
        self.hidden = [
            (*arrays, function) for arrays, function in zip(linear[:-1], between, strict=True)
        ]
        self.output = linear[-1]

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


def _arrays(layer: nn.Linear | StackedLinear) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the weight, its inputs first, and the bias; of several members, before the tiles."""
    weight, bias = _array(layer.weight), _array(layer.bias)
    if isinstance(layer, StackedLinear):
        return weight[:, None], bias[:, None]
    return np.ascontiguousarray(weight.T), bias


def _array(tensor: torch.Tensor) -> NDArray[np.float32]:
    return tensor.detach().cpu().numpy().astype(np.float32)
