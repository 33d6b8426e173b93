"""How abnormal a point is among remembered ones, as functions of tiles of points."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdqm.detectors._standardise import Rows

# Added to every variance: directions in which nothing varies do not rule the score.
VARIANCE_FLOOR = 1e-3
# Vectors shorter than this have no direction.
SHORTEST = 1e-12
# Squared distances below this share of the squared length are zero but for rounding.
ROUNDING = 1e-12


class Neighbors:
    """Mean Euclidean distance to the nearest points, of which a point itself is none.

    Parameters
    ----------
    points : ndarray of shape (n_points, n_coordinates)
        The points remembered.
    n_neighbors : int
        Points that a distance is the mean of, if there are as many.
    """

    def __init__(self, points: Rows, n_neighbors: int) -> None:
        self.transposed = np.ascontiguousarray(points.T)
        self.squares = _squared_lengths(points)
        self.n_neighbors = _as_many(n_neighbors, points)

    def __call__(self, tiles: Rows) -> Rows:
        """Map points of shape (n_tiles, tile_rows, n_coordinates) to one score each."""
        own = _squared_lengths(tiles)[..., None]
        # Tile by tile: the distances of a few rows to all points stay in the processor's cache.
        nearest = [
            _smallest(self.squares - 2 * (tile @ self.transposed), self.n_neighbors + 1)
            for tile in tiles
        ]
        squares = (np.stack(nearest) + own).clip(min=0)
        return _mean_of_others(np.sqrt(squares), squares <= ROUNDING * own, self.n_neighbors)


class Directions:
    """One minus the mean cosine to the points of nearest direction, of which itself is none.

    Parameters
    ----------
    points : ndarray of shape (n_points, n_coordinates)
        The points remembered; angles are seen from their mean.
    n_neighbors : int
        Points that a cosine is the mean of, if there are as many.
    """

    def __init__(self, points: Rows, n_neighbors: int) -> None:
        self.center = points.mean(axis=0)
        self.transposed = np.ascontiguousarray(_directions(points - self.center).T)
        self.n_neighbors = _as_many(n_neighbors, points)

    def __call__(self, tiles: Rows) -> Rows:
        """Map points of shape (n_tiles, tile_rows, n_coordinates) to one score each."""
        nearest = [
            _smallest(-(tile @ self.transposed), self.n_neighbors + 1)
            for tile in _directions(tiles - self.center)
        ]
        turned = 1 + np.stack(nearest)
        return _mean_of_others(turned, turned <= ROUNDING, self.n_neighbors)


class Ellipsoid:
    """Squared Mahalanobis distance from the mean, per coordinate.

    Parameters
    ----------
    points : ndarray of shape (n_points, n_coordinates)
        The points remembered.
    n_neighbors : int
        Not used: all points count.
    """

    def __init__(self, points: Rows, n_neighbors: int) -> None:
        self.center = points.mean(axis=0)
        centered = points - self.center
        variances, axes = np.linalg.eigh(centered.T @ centered / len(points))
        self.whiten = axes / np.sqrt(variances.clip(min=0) + VARIANCE_FLOOR)

    def __call__(self, tiles: Rows) -> Rows:
        """Map points of shape (n_tiles, tile_rows, n_coordinates) to one score each."""
        return _squared_lengths((tiles - self.center) @ self.whiten) / len(self.center)


LATENT_SCORES: dict[str, Any] = {
    "knn": Neighbors,
    "cosine": Directions,
    "mahalanobis": Ellipsoid,
}


def _as_many(n_neighbors: int, points: Rows) -> int:
    """Return how many neighbours a point has, which is none of its own."""
    return min(n_neighbors, max(1, len(points) - 1))


def _squared_lengths(points: Rows) -> Rows:
    lengths: Rows = np.add.reduce(points * points, axis=-1)
    return lengths


def _directions(points: Rows) -> Rows:
    return points / np.sqrt(_squared_lengths(points).clip(min=SHORTEST**2))[..., None]


def _smallest(values: NDArray[Any], count: int) -> NDArray[Any]:
    """Return the smallest values along the last axis in their order, or all if there are fewer."""
    count = min(count, values.shape[-1])
    return np.sort(np.partition(values, count - 1, axis=-1)[..., :count], axis=-1)


def _mean_of_others(nearest: Rows, is_itself: NDArray[np.bool_], count: int) -> Rows:
    """Return the mean of `count` sorted distances, without the first where that is to itself.

    So a remembered row scores as if it were not remembered: else the scores of training rows, and
    a threshold on them, would be far too low.
    """
    others = np.where(is_itself[..., :1], nearest[..., -count:], nearest[..., :count])
    return np.add.reduce(others, axis=-1) / others.shape[-1]
