"""Detectors and streams that the tests of streaming share."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skdqm.detectors import AutoencoderDetector
from skdqm.exceptions import TrainingError

SMALL = {"hidden_layer_sizes": (16,), "max_epochs": 3, "random_state": 0}


class FirstColumn(OutlierMixin, BaseEstimator):
    """A detector whose anomaly score is the first feature: its threshold is what is tested."""

    def fit(self, X: ArrayLike, y: object = None) -> "FirstColumn":
        self.n_features_in_ = np.shape(X)[1]
        self.offset_ = -float(np.quantile(np.asarray(X)[:, 0], 0.99))
        return self

    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:
        return -np.asarray(X)[:, 0]

    def partial_fit(self, X: ArrayLike, y: object = None) -> "FirstColumn":
        if np.asarray(X).max() > 1e5:
            raise TrainingError("it diverged")
        self.n_learned_ = getattr(self, "n_learned_", 0) + np.shape(X)[0]
        return self


def rows(n_rows: int, n_features: int = 5, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(3, 2, size=(n_rows, n_features))


def column(scores: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(scores, dtype=np.float64)[:, None]


def small_pipeline(**parameters: Any) -> Pipeline:
    return make_pipeline(StandardScaler(), AutoencoderDetector(**{**SMALL, **parameters}))


def cut(array: NDArray[Any], sizes: list[int]) -> list[NDArray[Any]]:
    """Cut rows into pieces of these sizes, and the rest."""
    return np.split(array, np.minimum(np.cumsum(sizes), len(array)))
