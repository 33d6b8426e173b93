"""An exported program is compared with the model before its file appears."""
# ruff: noqa: SLF001 (rows of the training law are made of what a detector knows of it)

from collections.abc import Callable
from os import PathLike
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skdqm._pipeline import parts_of
from skdqm.base import anomaly_score_of
from skdqm.detectors import GraphAutoencoderDetector
from skdqm.exceptions import ModelFileError
from skdqm.preprocessing import LHCO_COLUMNS, JetFeatures

N_ROWS = 256
# Where residuals are tiny, single precision alone makes 1e-5; a wrong program is off by far more.
TOLERANCE = 1e-4

Floats = NDArray[np.float64]


def check_scores(
    estimator: Any, scores: Callable[[Floats], Floats], path: str | PathLike[str]
) -> None:
    """Compare scores of rows of about the training law; high is abnormal.

    Differences are relative, and absolute of scores below one.
    """
    rows = training_like(estimator)
    names = getattr(estimator, "feature_names_in_", None)
    known = anomaly_score_of(
        estimator, rows if names is None else pd.DataFrame(rows, columns=names)
    )
    apart = np.abs(scores(rows) - known) / np.maximum(np.abs(known), 1)
    # Written so that a NaN fails.
    if not (apart <= TOLERANCE).all():
        raise ModelFileError(
            f"{path} was not written: the exported program and the model give scores that are "
            f"{np.max(apart):.2g} apart, expected {TOLERANCE:g} at most; please report this with "
            "the parameters of the model"
        )


def training_like(estimator: Any) -> Floats:
    """Return rows with about the mean and the spread that the model has learned."""
    steps, detector = parts_of(estimator)
    rows = _rows_of(detector, np.random.default_rng(0))
    for _, step in reversed(steps):
        if isinstance(step, JetFeatures):
            rows = _as_jets(rows)
        elif hasattr(step, "inverse_transform"):
            rows = step.inverse_transform(rows)
    return np.ascontiguousarray(rows, dtype=np.float64)


def _rows_of(detector: Any, rng: np.random.Generator) -> Floats:
    size = N_ROWS, detector.n_features_in_
    rows: Floats = detector.location_ + detector.scale_ * rng.standard_normal(size)
    if isinstance(detector, GraphAutoencoderDetector):
        return _as_nodes(rows, detector, rng)
    if detector._counts():
        return rng.poisson(np.expm1(rows).clip(0, 1e6)).astype(np.float64)
    return rows


def _as_nodes(rows: Floats, detector: Any, rng: np.random.Generator) -> Floats:
    """Return rows whose nodes have weights, of which some are padding."""
    if not detector._is_set:
        return rows
    nodes = rows.reshape(N_ROWS, *detector._graph_shape)
    if detector._weight is not None:
        nodes[..., detector._weight] = np.abs(nodes[..., detector._weight])
    nodes[rng.random(nodes.shape[:-1]) < 0.2] = 0
    return nodes.reshape(rows.shape)


def _as_jets(features: Floats) -> Floats:
    """Return events that have these features of jets, at some azimuth."""
    columns = []
    for pt, eta, mass, tau21, tau32 in (features[:, :5].T, features[:, 5:10].T):
        azimuth = np.linspace(0, 2 * np.pi, len(features))
        momentum, tau2 = np.abs(pt), 0.5 * tau21
        transverse = [momentum * np.cos(azimuth), momentum * np.sin(azimuth)]
        columns += [*transverse, momentum * np.sinh(eta.clip(-5, 5)), mass]
        columns += [np.full_like(pt, 0.5), tau2, tau2 * tau32]
    return np.column_stack(columns)[:, : len(LHCO_COLUMNS)]
