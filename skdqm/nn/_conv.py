"""Convolutional networks for images of any size, from flattened rows to flattened rows."""

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

ImageShape = tuple[int, int, int]


def conv_encoder(
    image_shape: Sequence[int], hidden_channels: Sequence[int], n_outputs: int, activation: str
) -> nn.Sequential:
    """Stack convolutions, each of which halves the image, and a linear layer.

    Parameters
    ----------
    image_shape : sequence of int
        Channels, height and width of the images, in pixels.
    hidden_channels : sequence of int
        Channels after each convolution.
    n_outputs : int
        Width of what comes out.
    activation : str
        A key of ``ACTIVATIONS``.

    Returns
    -------
    encoder : torch.nn.Sequential
        Maps rows of shape (n_rows, channels * height * width) to (n_rows, n_outputs).

    Examples
    --------
    >>> import torch
    >>> from skdqm.nn import conv_encoder
    >>> conv_encoder((1, 5, 7), [8, 16], 3, "relu")(torch.zeros(2, 35)).shape
    torch.Size([2, 3])
    """
    layers: list[nn.Module] = [nn.Unflatten(1, tuple(image_shape))]
    for n_in, n_out in pairwise([image_shape[0], *hidden_channels]):
        layers += [nn.Conv2d(n_in, n_out, 3, stride=2, padding=1), ACTIVATIONS[activation].module()]
    n_inner = int(np.prod(_innermost(image_shape, hidden_channels)))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(n_inner, n_outputs))


def conv_decoder(
    image_shape: Sequence[int], hidden_channels: Sequence[int], n_inputs: int, activation: str
) -> nn.Sequential:
    """Mirror :func:`conv_encoder`: a linear layer, then enlarge and convolve.

    Enlarging by copying pixels, before a plain convolution, reaches every size and leaves no
    checkerboard [1]_.

    Parameters
    ----------
    image_shape : sequence of int
        Channels, height and width of the images, in pixels.
    hidden_channels : sequence of int
        Channels after each convolution of the encoder.
    n_inputs : int
        Width of what goes in.
    activation : str
        A key of ``ACTIVATIONS``.

    Returns
    -------
    decoder : torch.nn.Sequential
        Maps rows of shape (n_rows, n_inputs) to (n_rows, channels * height * width).

    References
    ----------
    .. [1] A. Odena et al., "Deconvolution and checkerboard artifacts", Distill (2016).

    Examples
    --------
    >>> import torch
    >>> from skdqm.nn import conv_decoder
    >>> conv_decoder((1, 5, 7), [8, 16], 3, "relu")(torch.zeros(2, 3)).shape
    torch.Size([2, 35])
    """
    inner = _innermost(image_shape, hidden_channels)
    layers: list[nn.Module] = [nn.Linear(n_inputs, int(np.prod(inner))), nn.Unflatten(1, inner)]
    sizes = _sizes(image_shape, len(hidden_channels))[-2::-1]
    widths = pairwise([*hidden_channels[::-1], image_shape[0]])
    for size, (n_in, n_out) in zip(sizes, widths, strict=True):
        layers += [
            ACTIVATIONS[activation].module(),
            nn.Upsample(size=size),
            nn.Conv2d(n_in, n_out, 3, padding=1),
        ]
    return nn.Sequential(*layers, nn.Flatten())


class Masked(nn.Module):
    """Set the pixels that do not exist to zero.

    Parameters
    ----------
    mask : ndarray of shape (n_pixels,)
        True where a pixel exists.
    """

    def __init__(self, mask: NDArray[Any]) -> None:
        super().__init__()
        self.register_buffer("mask", torch.tensor(mask, dtype=torch.float32))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Return rows with zeros where there is no pixel."""
        return rows * self.mask  # type: ignore[operator]


class ConvAutoencoder(nn.Module):
    """Encode images to a small latent vector, and decode it again.

    Parameters
    ----------
    n_features : int
        Pixels of an image over all channels.
    image_shape : sequence of int
        Channels, height and width, in pixels.
    hidden_channels : sequence of int
        Channels after each halving of the image; the decoder mirrors them.
    latent_dim : int
        Width of the latent vector.
    activation : str
        A key of ``ACTIVATIONS``.
    noise : float, default=0.0
        Standard deviation of normal noise added to the input while training.
    mask : ndarray of shape (n_features,) or None, default=None
        True where a pixel exists; None where all do. The input is zero elsewhere, and so is the
        output.
    """

    n_codes = 1

    def __init__(
        self,
        n_features: int,
        *,
        image_shape: Sequence[int],
        hidden_channels: Sequence[int],
        latent_dim: int,
        activation: str,
        noise: float = 0.0,
        mask: NDArray[Any] | None = None,
    ) -> None:
        super().__init__()
        self.noise = GaussianNoise(noise)
        n_codes = self.n_codes * latent_dim
        self.encoder = conv_encoder(image_shape, hidden_channels, n_codes, activation)
        self.decoder = conv_decoder(image_shape, hidden_channels, latent_dim, activation)
        if mask is not None:
            self.decoder.append(Masked(mask))

    def forward(self, inputs: torch.Tensor) -> Any:
        """Return the reconstruction, of the shape of `inputs`."""
        return self.decoder(self.encoder(self.noise(inputs)))


class ConvVAE(VariationalModule, ConvAutoencoder):
    """The variational kind: its encoder gives mean and log-variance of the latent vector.

    Parameters
    ----------
    n_features : int
        Pixels of an image over all channels.
    image_shape : sequence of int
        Channels, height and width, in pixels.
    hidden_channels : sequence of int
        Channels after each halving of the image; the decoder mirrors them.
    latent_dim : int
        Width of the latent vector.
    activation : str
        A key of ``ACTIVATIONS``.
    noise : float, default=0.0
        Standard deviation of normal noise added to the input while training.
    mask : ndarray of shape (n_features,) or None, default=None
        True where a pixel exists; None where all do.
    """


def _sizes(image_shape: Sequence[int], n_halvings: int) -> list[tuple[int, int]]:
    """Return height and width, and both after each halving (rounded up)."""
    sizes = [(image_shape[1], image_shape[2])]
    for _ in range(n_halvings):
        height, width = sizes[-1]
        sizes.append(((height + 1) // 2, (width + 1) // 2))
    return sizes


def _innermost(image_shape: Sequence[int], hidden_channels: Sequence[int]) -> ImageShape:
    return ([image_shape[0], *hidden_channels][-1], *_sizes(image_shape, len(hidden_channels))[-1])
