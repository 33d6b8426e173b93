"""How abnormal a point is among remembered ones, as torch modules.

The twins of :mod:`skdqm.detectors._latent_scores`, which is written for tiles of points in numpy.
"""

from typing import Any

import torch
from torch import nn

from skdqm.detectors._latent_scores import ROUNDING, SHORTEST, Directions, Ellipsoid, Neighbors
from skdqm.export._buffers import Buffers
from skdqm.export._scores import Restored


class Points(Buffers):
    """Latent vectors beside residuals, in their units, and how far they are from others.

    Parameters
    ----------
    units : ndarray of shape (n_coordinates,)
        The unit of each.
    distance : torch.nn.Module
        Maps points of shape (n_rows, n_coordinates) to (n_rows,).
    """

    units: torch.Tensor

    def __init__(self, units: Any, distance: nn.Module) -> None:
        super().__init__(units=units)
        self.distance = distance

    def forward(self, restored: Restored) -> torch.Tensor:
        """Return one score for each row."""
        residuals = restored.output - restored.target
        points = torch.cat([restored.code, residuals], dim=-1) / self.units
        scores: torch.Tensor = self.distance(points)
        return scores


class NeighborsTwin(Buffers):
    """Mean Euclidean distance to the nearest points."""

    transposed: torch.Tensor
    squares: torch.Tensor

    def __init__(self, known: Neighbors) -> None:
        super().__init__(transposed=known.transposed, squares=known.squares)
        self.n_neighbors = known.n_neighbors

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """Return one score for each point."""
        own = points.square().sum(dim=-1, keepdim=True)
        nearest = _smallest(self.squares - 2 * (points @ self.transposed), self.n_neighbors + 1)
        squares = (nearest + own).clamp(min=0)
        return _mean_of_others(squares.sqrt(), squares <= ROUNDING * own, self.n_neighbors)


class DirectionsTwin(Buffers):
    """One minus the mean cosine to the points of nearest direction."""

    transposed: torch.Tensor
    center: torch.Tensor

    def __init__(self, known: Directions) -> None:
        super().__init__(transposed=known.transposed, center=known.center)
        self.n_neighbors = known.n_neighbors

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """Return one score for each point."""
        apart = points - self.center
        length = apart.square().sum(dim=-1, keepdim=True).clamp(min=SHORTEST**2).sqrt()
        nearest = 1 + _smallest(-(apart / length @ self.transposed), self.n_neighbors + 1)
        return _mean_of_others(nearest, nearest <= ROUNDING, self.n_neighbors)


class EllipsoidTwin(Buffers):
    """Squared Mahalanobis distance from the mean, per coordinate."""

    center: torch.Tensor
    whiten: torch.Tensor

    def __init__(self, known: Ellipsoid) -> None:
        super().__init__(center=known.center, whiten=known.whiten)

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """Return one score for each point."""
        return ((points - self.center) @ self.whiten).square().mean(dim=-1)


TWINS: dict[type, Any] = {
    Neighbors: NeighborsTwin,
    Directions: DirectionsTwin,
    Ellipsoid: EllipsoidTwin,
}


def _smallest(values: torch.Tensor, count: int) -> torch.Tensor:
    """Return the smallest values in their order, or all if there are fewer."""
    return values.topk(min(count, values.shape[-1]), largest=False, sorted=True).values


def _mean_of_others(nearest: torch.Tensor, is_itself: torch.Tensor, count: int) -> torch.Tensor:
    others = torch.where(is_itself[..., :1], nearest[..., -count:], nearest[..., :count])
    return others.mean(dim=-1)
