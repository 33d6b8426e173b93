"""Distance to the nearest of remembered good rows."""

from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import ledoit_wolf
from sklearn.utils import check_random_state

from skdqm._sklearn import Interval, RealNotInt, StrOptions
from skdqm.base import BaseDetector
from skdqm.detectors._memory import remembered
from skdqm.detectors._neighbor_index import Found, make_index
from skdqm.detectors._standardise import Rows, StandardisingMixin, warn_of_few_first_rows
from skdqm.exceptions import UsageError
from skdqm.nn import in_blocks

# Differences from neighbours that are held in memory at once.
VALUES_AT_ONCE = 2**20
# Added to distances whose logarithms are averaged: rows that are closer than this share of the
# spread are alike.
CLOSEST = 1e-3
# Training rows at most that the covariance is estimated from.
COVARIANCE_ROWS = 2**14
# Of a direction in which the training rows do not spread at all.
SMALLEST_VARIANCE = 1e-6


class NeighborsDetector(StandardisingMixin, BaseDetector):
    """Distance to the nearest training rows.

    A row is abnormal when its `n_neighbors`-th nearest neighbour among the remembered training rows
    is far away [1]_, in the Euclidean distance of standardised features. Simple, and hard to beat
    on tables. With several numbers of neighbours the score is the geometric mean of the distances:
    few neighbours see what is locally odd, many what is globally rare, and no one scale must be
    right.

    At most `memory_size` training rows are remembered, drawn at random; ``partial_fit`` adds
    rows and lets a random share go, so that memory and time stay bounded. A remembered row is
    none of its own neighbours: training scores are like those of new rows.
    ``feature_scores`` say which features the distances come from.

    Up to 15 features the neighbours are found in a k-d tree, beyond by comparing with all rows;
    both are exact. ``algorithm="approximate"`` searches a graph (HNSW, [2]_) with FAISS, for
    memories of 100,000 rows and more: its search time grows with their logarithm, building takes
    some seconds. Distances to what it finds are exact; it can miss a neighbour.

    Parameters
    ----------
    n_neighbors : int, float or sequence of them, default=5
        Neighbour whose distance counts, or several; a number below 1 is a share of the memory.
    distance : {"largest", "mean"}, default="largest"
        Distance to that neighbour, or mean distance to all up to it.
    metric : {"euclidean", "mahalanobis"}, default="euclidean"
        Distance of standardised features. ``"mahalanobis"`` counts it in units of how far the first
        training rows spread in that direction (their covariance, shrunk as in [3]_): where features
        follow common causes, as the channels of a detector do, a small step against them is far.
    memory_size : int, default=16384
        Training rows remembered at most.
    algorithm : {"exact", "approximate"}, default="exact"
        How neighbours are found; ``"approximate"`` needs the extra ``neighbors``.
    random_state : int, RandomState instance or None, default=None
        Seed of the rows remembered, where there are more than `memory_size`.
    contamination : float, default=0.01
        Share of the training rows that the threshold flags, in (0, 0.5]. See
        :meth:`calibrate` for an alarm rate that holds on new rows.

    Attributes
    ----------
    memory_ : ndarray of shape (n_remembered, n_features)
        The training rows remembered.
    location_, scale_ : ndarray of shape (n_features,)
        What the features were standardised with.
    offset_ : float
        The threshold on ``score_samples``.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, when ``fit`` saw a data frame.

    See Also
    --------
    ContrastiveDetector : Neighbours in a learned space.

    References
    ----------
    .. [1] S. Ramaswamy, R. Rastogi and K. Shim, "Efficient algorithms for mining outliers from
           large data sets", SIGMOD (2000).
    .. [2] Y. Malkov and D. Yashunin, "Efficient and robust approximate nearest neighbor search
           using hierarchical navigable small world graphs", IEEE TPAMI 42 (2020) 824.
    .. [3] O. Ledoit and M. Wolf, "A well-conditioned estimator for large-dimensional covariance
           matrices", Journal of Multivariate Analysis 88 (2004) 365.

    Examples
    --------
    >>> from skdqm.datasets import make_detector_data
    >>> from skdqm.detectors import NeighborsDetector
    >>> X, y = make_detector_data(1000, random_state=0)
    >>> detector = NeighborsDetector(random_state=0).fit(X[y == 0])
    >>> float((detector.predict(X[y == 1]) == -1).mean()) > 0.5
    True
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **BaseDetector._parameter_constraints,
        "n_neighbors": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="neither"),
            "array-like",
        ],
        "distance": [StrOptions({"largest", "mean"})],
        "metric": [StrOptions({"euclidean", "mahalanobis"})],
        "memory_size": [Interval(Integral, 1, None, closed="left")],
        "algorithm": [StrOptions({"exact", "approximate"})],
        "random_state": ["random_state"],
    }

    _frozen: dict[str, Any]

    def __init__(
        self,
        *,
        n_neighbors: float | Sequence[float] = 5,
        distance: str = "largest",
        metric: str = "euclidean",
        memory_size: int = 16384,
        algorithm: str = "exact",
        random_state: Any = None,
        contamination: float = 0.01,
    ) -> None:
        super().__init__(contamination=contamination)
        self.n_neighbors = n_neighbors
        self.distance = distance
        self.metric = metric
        self.memory_size = memory_size
        self.algorithm = algorithm
        self.random_state = random_state

    def _fit(self, X: NDArray[Any]) -> None:
        self._start(X)
        self._remember(X)

    def _partial_fit(self, X: NDArray[Any]) -> None:
        if hasattr(self, "memory_"):
            self._remember(np.concatenate([self.memory_, X]))
        else:
            warn_of_few_first_rows(X)
            self._fit(X)

    def _start(self, X: NDArray[Any]) -> None:
        """Settle what the scores mean, and the scale of the features."""
        self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self._n_blocks = 0
        self._frozen = {
            "n_neighbors": _checked_numbers(self.n_neighbors),
            "distance": self.distance,
            "algorithm": self.algorithm,
        }
        self._learn_scale(X)
        self._whitening = self._learned_whitening(X) if self.metric == "mahalanobis" else None

    def _learned_whitening(self, X: NDArray[Any]) -> Rows:
        rows = self._standardise(remembered(X, COVARIANCE_ROWS, [self._seed, 0]))
        variances, directions = np.linalg.eigh(ledoit_wolf(rows)[0])
        spreads = np.sqrt(np.maximum(variances, SMALLEST_VARIANCE))
        # Of all square roots this one keeps coordinates nearest to the features they are named by.
        whitening: Rows = (directions / spreads) @ directions.T
        return whitening

    def _coordinates(self, X: NDArray[Any]) -> Rows:
        rows, whitening = self._standardise(X), self._whitening
        return rows if whitening is None else in_blocks(lambda block: block @ whitening, rows)

    def _remember(self, rows: NDArray[Any]) -> None:
        self._n_blocks += 1
        self.memory_: NDArray[Any] = remembered(
            rows, self.memory_size, [self._seed, self._n_blocks]
        )
        self._build()

    def _build(self) -> None:
        self._points = self._coordinates(self.memory_)
        self._index = make_index(self._points, self._frozen["algorithm"])
        # Of one point alone there are no others.
        most = max(1, len(self._points) - 1)
        asked = [n if n >= 1 else round(n * most) for n in self._frozen["n_neighbors"]]
        self._numbers = sorted({int(np.clip(n, 1, most)) for n in asked})

    def _anomaly_score(self, X: NDArray[Any]) -> Rows:
        return self._by_parts(self._mean_distance, X)

    def _feature_scores(self, X: NDArray[Any]) -> Rows:
        return self._by_parts(self._mean_squares, X)

    def _by_parts(self, function: Callable[[Rows], Rows], X: NDArray[Any]) -> Rows:
        """Apply a function of the coordinates of rows to some of them at a time."""
        at_once = max(1, VALUES_AT_ONCE // (self._numbers[-1] * X.shape[1]))
        parts = (X[start : start + at_once] for start in range(0, len(X), at_once))
        return np.concatenate([function(self._coordinates(part)) for part in parts])

    def _neighbors(self, rows: Rows) -> Found:
        """Find the nearest points, of which a remembered row is none of its own."""
        count = self._numbers[-1]
        found, distances = self._index(rows, min(count + 1, len(self._points)))
        itself = distances[:, :1] == 0
        return (
            np.where(itself, found[:, -count:], found[:, :count]),
            np.where(itself, distances[:, -count:], distances[:, :count]),
        )

    def _mean_squares(self, rows: Rows) -> Rows:
        found, _ = self._neighbors(rows)
        squares = (self._points[found] - rows[:, None]) ** 2
        return squares.mean(axis=1)

    def _mean_distance(self, rows: Rows) -> Rows:
        _, distances = self._neighbors(rows)
        if self._frozen["distance"] == "mean":
            distances = np.add.accumulate(distances, axis=1) / np.arange(1, self._numbers[-1] + 1)
        asked = [np.log(distances[:, number - 1] + CLOSEST) for number in self._numbers]
        return np.exp(np.add.reduce(asked) / len(asked))

    def _get_state(self) -> dict[str, Any]:
        rebuilt = ("_points", "_index", "_numbers")
        return {name: value for name, value in super()._get_state().items() if name not in rebuilt}

    def _set_state(self, state: dict[str, Any]) -> None:
        super()._set_state(state)
        if hasattr(self, "memory_"):
            self._build()


def _checked_numbers(n_neighbors: Any) -> list[float]:
    """Return the numbers of neighbours, or say what is wrong with them."""
    numbers = [n_neighbors] if isinstance(n_neighbors, Real) else list(n_neighbors)
    if not (numbers and all(map(_is_number_of_neighbors, numbers))):
        raise UsageError(
            "n_neighbors must hold whole numbers of at least 1, or shares of the memory in (0, 1); "
            f"found {n_neighbors!r}"
        )
    return [float(n) for n in numbers]


def _is_number_of_neighbors(value: Any) -> bool:
    is_count = isinstance(value, Integral) and int(value) >= 1
    return is_count or (isinstance(value, Real) and 0 < float(value) < 1)
