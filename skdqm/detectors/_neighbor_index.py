"""Finding the nearest remembered points: exactly in a tree or by brute force, or approximately."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import KDTree

from skdqm._optional import require
from skdqm.detectors._standardise import Rows
from skdqm.nn import in_blocks

# Beyond so many coordinates a tree looks at nearly all points, and a matrix product is faster.
TREE_COORDINATES = 15
# Rows of a matrix product: few, because one event pays for all of them.
BRUTE_ROWS = 8
# Of the graph: links of a point, and points looked at while it is built and searched.
LINKS, BUILD_EFFORT, SEARCH_EFFORT = 16, 100, 64

# Numbers of points and their distances, of shape (n_rows, count), the nearest first.
Found = tuple[NDArray[np.intp], Rows]


class TreeIndex:
    """The nearest points, found in a k-d tree.

    Parameters
    ----------
    points : ndarray of shape (n_points, n_coordinates)
        The points remembered.
    """

    def __init__(self, points: Rows) -> None:
        self.tree = KDTree(points)

    def __call__(self, rows: Rows, count: int) -> Found:
        """Return the numbers and the distances of the `count` nearest points of each row."""
        distances, found = self.tree.query(rows, count)
        return found, distances


class BruteIndex:
    """The nearest points, found by comparing with all of them.

    Parameters
    ----------
    points : ndarray of shape (n_points, n_coordinates)
        The points remembered.
    """

    def __init__(self, points: Rows) -> None:
        self.points = points
        self.transposed = np.ascontiguousarray(points.T)
        self.squares = np.add.reduce(points * points, axis=1)

    def __call__(self, rows: Rows, count: int) -> Found:
        """Return the numbers and the distances of the `count` nearest points of each row."""
        blocks = (rows[start : start + BRUTE_ROWS] for start in range(0, len(rows), BRUTE_ROWS))
        found = np.concatenate([self._nearest(block, count) for block in blocks])
        return _nearest_first(self.points, rows, found)

    def _nearest(self, rows: Rows, count: int) -> NDArray[np.intp]:
        products = in_blocks(lambda block: block @ self.transposed, rows, BRUTE_ROWS)
        squares = self.squares - 2 * products  # but for a term of the row, and rounding
        # A copy, lest the numbers of all points are kept.
        return np.argpartition(squares, count - 1, axis=1)[:, :count].copy()


class GraphIndex:
    """Points that are nearly always the nearest, found in a small-world graph by FAISS.

    Parameters
    ----------
    points : ndarray of shape (n_points, n_coordinates)
        The points remembered.
    """

    def __init__(self, points: Rows) -> None:
        faiss = require("faiss", extra="neighbors")
        self.points = points
        threads = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(1)  # threads would link the points in the order they finish
        try:
            self.graph = faiss.IndexHNSWFlat(points.shape[1], LINKS)
            self.graph.hnsw.efConstruction = BUILD_EFFORT
            self.graph.add(points.astype(np.float32))
        finally:
            faiss.omp_set_num_threads(threads)

    def __call__(self, rows: Rows, count: int) -> Found:
        """Return the numbers and the distances of the `count` nearest points of each row."""
        self.graph.hnsw.efSearch = max(SEARCH_EFFORT, 2 * count)
        found = self.graph.search(rows.astype(np.float32), count)[1]
        # The graph of many equal points can fall apart: some are then out of reach.
        short = (found < 0).any(axis=1)
        if short.any():
            found[short] = BruteIndex(self.points)(rows[short], count)[0]
        return _nearest_first(self.points, rows, found.astype(np.intp))


def make_index(points: Rows, algorithm: str) -> Any:
    """Return a function of rows and a count that finds points, the nearest first."""
    if algorithm == "approximate":
        return GraphIndex(points)
    return TreeIndex(points) if points.shape[1] <= TREE_COORDINATES else BruteIndex(points)


def _nearest_first(points: Rows, rows: Rows, found: NDArray[np.intp]) -> Found:
    """Return the points found in the order of their distances, computed from the rows themselves.

    So distances are exact, and zero from a row to itself.
    """
    squares = np.add.reduce((points[found] - rows[:, None]) ** 2, axis=2)
    order = np.argsort(squares, axis=1, kind="stable")
    found, squares = (np.take_along_axis(each, order, axis=1) for each in (found, squares))
    return found, np.sqrt(squares)
