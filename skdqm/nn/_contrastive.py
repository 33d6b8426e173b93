"""Contrastive learning: random views of rows, an encoder that tells rows apart, its losses."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from skdqm.nn._dense import DenseForward
from skdqm.nn._losses import ReconstructionLoss

# Rows contrasted with each other: their similarities are a matrix, quadratic in memory.
LARGEST_CROWD = 256


class ScaleRows(nn.Module):
    """Multiply every row by a random factor around one.

    Parameters
    ----------
    standard_deviation : float
        Standard deviation of the factor.
    """

    def __init__(self, standard_deviation: float) -> None:
        super().__init__()
        self.standard_deviation = standard_deviation

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Return rows, each larger or smaller as a whole."""
        factors = torch.randn(len(rows), 1, device=rows.device, dtype=rows.dtype)
        return rows * (1 + self.standard_deviation * factors)


class MaskFeatures(nn.Module):
    """Put the values of other rows of the batch in place of random features [1]_.

    Parameters
    ----------
    fraction : float
        Probability of a value to be replaced.

    References
    ----------
    .. [1] D. Bahri et al., "SCARF: self-supervised contrastive learning using random feature
           corruption", ICLR (2022).
    """

    def __init__(self, fraction: float) -> None:
        super().__init__()
        self.fraction = fraction

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Return rows with some of their values from elsewhere."""
        donors = torch.randint(len(rows), rows.shape, device=rows.device)
        masked = torch.rand_like(rows) < self.fraction
        return torch.where(masked, rows.gather(0, donors), rows)


class ShiftImages(nn.Module):
    """Move every image by a random number of pixels: a random crop of its padded self.

    Parameters
    ----------
    image_shape : sequence of int
        Channels, height and width of the images that the rows hold, in pixels.
    most : int
        Pixels that an image moves at most, up or down and left or right. Zeros move in.
    """

    def __init__(self, image_shape: Sequence[int], most: int) -> None:
        super().__init__()
        self.image_shape = tuple(image_shape)
        self.most = most

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Return rows of images that have moved."""
        _, height, width = self.image_shape
        padded = functional.pad(rows.reshape(-1, *self.image_shape), [self.most] * 4)
        pixel_rows, pixel_columns = (
            torch.randint(2 * self.most + 1, (len(rows), 1), device=rows.device)
            + torch.arange(side, device=rows.device)
            for side in (height, width)
        )
        every = torch.arange(len(rows), device=rows.device)[:, None, None]
        moved = padded[every, :, pixel_rows[:, :, None], pixel_columns[:, None, :]]
        return moved.movedim(-1, 1).flatten(1)


class TurnImages(nn.Module):
    """Turn every image by a random number of right angles; by half turns if it is not square.

    Parameters
    ----------
    image_shape : sequence of int
        Channels, height and width of the images that the rows hold, in pixels.
    """

    def __init__(self, image_shape: Sequence[int]) -> None:
        super().__init__()
        self.image_shape = tuple(image_shape)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Return rows of images that have turned."""
        images = rows.reshape(-1, *self.image_shape)
        step = 1 if self.image_shape[1] == self.image_shape[2] else 2
        angles = torch.arange(0, 4, step, device=rows.device)
        drawn = torch.randint(len(angles), (len(rows),), device=rows.device)
        turned = torch.stack([torch.rot90(images, int(angle), (2, 3)) for angle in angles])
        return turned[drawn, torch.arange(len(rows), device=rows.device)].flatten(1)


class ShortcutEncoder(nn.Module):
    """A network plus a linear map, which starts as a rotation (or projection, if it narrows).

    The rotation carries the distances between rows into the latent space; the network adds what
    it learns.

    Parameters
    ----------
    layers : torch.nn.Module
        The network.
    n_inputs, n_outputs : int
        What it maps from and to.
    """

    def __init__(self, layers: nn.Module, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        rotation = nn.Linear(n_inputs, n_outputs)
        nn.init.orthogonal_(rotation.weight)
        self.layers = layers
        self.shortcut = nn.Sequential(rotation)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Map rows to latent vectors."""
        latent: torch.Tensor = self.layers(rows) + self.shortcut(rows)
        return latent


class ShortcutForward:
    """A :class:`ShortcutEncoder` of dense layers as a numpy function of tiles of rows.

    Parameters
    ----------
    encoder : ShortcutEncoder
        The encoder. Later changes of its weights are not seen.
    """

    def __init__(self, encoder: ShortcutEncoder) -> None:
        self.layers = DenseForward(encoder.layers)  # type: ignore[arg-type]
        self.shortcut = DenseForward(encoder.shortcut)

    def __call__(self, rows: NDArray[np.float64]) -> NDArray[np.float32]:
        """Map arrays of shape (..., n_inputs) to (..., n_outputs)."""
        return self.layers(rows) + self.shortcut(rows)


class ContrastiveModule(nn.Module):
    """Encode two random views of every row, decode both, and project both for the contrast.

    Views are drawn in evaluation mode too: rows held out are judged as the others are. Scoring
    calls encoder and decoder by themselves.

    Parameters
    ----------
    augmentation : torch.nn.Module
        Maps rows to random views of them.
    encoder : torch.nn.Module
        Maps rows to latent vectors.
    decoder : torch.nn.Module
        Maps latent vectors to rows.
    projector : torch.nn.Module
        Maps latent vectors to those that are contrasted [1]_.

    References
    ----------
    .. [1] T. Chen et al., "A simple framework for contrastive learning of visual representations",
           ICML (2020).
    """

    def __init__(
        self, augmentation: nn.Module, encoder: nn.Module, decoder: nn.Module, projector: nn.Module
    ) -> None:
        super().__init__()
        self.augmentation = augmentation
        self.encoder = encoder
        self.decoder = decoder
        self.projector = projector

    def forward(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return reconstructions and projections of both views, each of shape (2, n_rows, ...)."""
        views = torch.cat([self.augmentation(rows), self.augmentation(rows)])
        latent = self.encoder(views)
        shape = (2, len(rows))
        return self.decoder(latent).unflatten(0, shape), self.projector(latent).unflatten(0, shape)


class NTXentLoss(nn.Module):
    """Normalised, temperature-scaled cross entropy of SimCLR [1]_.

    Each vector must find the other view of its row, by cosine similarity, among all vectors of at
    most 256 rows.

    Parameters
    ----------
    temperature : float
        Divides the similarities; the smaller, the more the nearest strangers count.

    References
    ----------
    .. [1] T. Chen et al., "A simple framework for contrastive learning of visual representations",
           ICML (2020), equation 1.

    Examples
    --------
    >>> import torch
    >>> from skdqm.nn import NTXentLoss
    >>> apart = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    >>> bool(NTXentLoss(0.1)(apart, apart) < NTXentLoss(0.1)(apart, apart.flip(0)))
    True
    """

    def __init__(self, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Return the mean loss of two views of shape (n_rows, width)."""
        crowds = zip(*(torch.split(views, LARGEST_CROWD) for views in (first, second)), strict=True)
        losses = [len(one) * self._loss_in_crowd(one, other) for one, other in crowds]
        return torch.stack(losses).sum() / len(first)

    def _loss_in_crowd(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        directions = functional.normalize(torch.cat([first, second]), dim=1)
        similarity = directions @ directions.T / self.temperature
        itself = torch.eye(len(directions), dtype=torch.bool, device=directions.device)
        partner = torch.arange(len(directions), device=directions.device).roll(len(first))
        return functional.cross_entropy(similarity.masked_fill(itself, -torch.inf), partner)


class ContrastiveLoss(nn.Module):
    """The reconstruction loss of both views, plus their contrast.

    Parameters
    ----------
    reconstruction : ReconstructionLoss
        Compares the reconstruction of each view with the row itself.
    temperature : float
        Temperature of the contrast.
    weight : float
        Weight of the contrast.
    """

    def __init__(
        self, reconstruction: ReconstructionLoss, temperature: float, weight: float
    ) -> None:
        super().__init__()
        self.reconstruction = reconstruction
        self.contrast = NTXentLoss(temperature)
        self.weight = weight

    def forward(
        self, output: tuple[torch.Tensor, torch.Tensor], target: torch.Tensor
    ) -> torch.Tensor:
        """Return the loss of what :class:`ContrastiveModule` gives for a batch."""
        reconstructed, (first, second) = output
        loss: torch.Tensor = self.reconstruction(reconstructed, target)
        return loss + self.weight * self.contrast(first, second)
