"""What tests of the parts are made of: rows, a detector whose scores are known, a workshop."""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin

from skdqm.continual import ReservoirMemory
from skdqm.continual._expert import Expert, new_expert
from skdqm.continual._pool import Pool, pool_of
from skdqm.continual._rows import Rows
from skdqm.continual._strategies import Workshop
from skdqm.continual._trainer import Trainer


class Centre(OutlierMixin, BaseEstimator):
    """Scores rows by their distance from the mean of the rows it was fitted to."""

    def fit(self, X: Any, y: object = None) -> Self:
        self.centre_ = np.asarray(X).mean(axis=0)
        self.n_rows_ = len(X)
        return self

    def score_samples(self, X: Any) -> Any:
        return -np.linalg.norm(np.asarray(X) - self.centre_, axis=1)


class Column(OutlierMixin, BaseEstimator):
    """Scores rows by their first value, whatever it has learned."""

    def fit(self, X: Any, y: object = None) -> Self:
        self.n_features_in_ = np.shape(X)[1]
        return self

    def partial_fit(self, X: Any, y: object = None) -> Self:
        return self.fit(X)

    def score_samples(self, X: Any) -> Any:
        return -np.asarray(X)[:, 0]


def rows_of(values: Any, first: int = 0, groups: Any = 0) -> Rows:
    """Return rows at places from `first` on."""
    values = np.asarray(values, dtype=float)
    values = values[:, None] if values.ndim == 1 else values
    n = len(values)
    places = first + np.arange(n)
    return Rows(values, places, np.full((n, 2), -1), np.zeros(n, dtype=np.int64) + groups)


def numbered(n_rows: int, first: int = 0, groups: Any = 0) -> Rows:
    """Return rows whose values are their places."""
    return rows_of(first + np.arange(n_rows), first, groups)


def cloud(centre: float, n_rows: int = 200, *, first: int = 0, seed: int = 0) -> Rows:
    """Return rows around a place on the diagonal."""
    values = np.random.default_rng([seed, abs(first)]).normal(centre, 1, (n_rows, 4))
    return rows_of(values, first)


def workshop(trainer: Trainer, seed: int = 0, **others: Any) -> Workshop:
    """Return what strategies work with."""
    content: dict[str, Any] = {
        "memory": ReservoirMemory(),
        "held_out": 0.2,
        "n_calibration": 1000,
        "censored": 0.0,
        "used": {},
        "random": np.random.default_rng(seed),
        **others,
    }
    return Workshop(trainer, **content)


def expert_of(trainer: Trainer, rows: Rows, number: int = 1) -> Expert:
    """Return an expert that was fitted to rows."""
    return new_expert(trainer, ReservoirMemory(), rows, number, np.random.default_rng(number))


def first_pool(trainer: Trainer, rows: Rows) -> Pool:
    """Return the pool of one expert that was fitted to rows."""
    return pool_of(trainer, expert_of(trainer, rows))
