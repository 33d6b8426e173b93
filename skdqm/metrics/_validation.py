"""Checks that every metric makes of its labels and scores."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skdqm.exceptions import DataError, UsageError


def check_scores(
    y_true: ArrayLike, anomaly_score: ArrayLike
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return labels and scores as arrays, or raise ``DataError``."""
    labels, scores = np.asarray(y_true), _as_floats(anomaly_score)
    if labels.ndim != 1 or labels.shape != scores.shape:
        raise DataError(
            f"y_true has shape {labels.shape} and anomaly_score {scores.shape}; "
            "give one label and one score per sample, both of shape (n_samples,)"
        )
    _check_finite(scores)
    _check_labels(labels)
    return labels.astype(np.int64), scores


def check_predictions(
    y_true: ArrayLike, y_pred: ArrayLike
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which samples are anomalies and which are flagged, or raise ``DataError``."""
    labels, predicted = np.asarray(y_true), np.asarray(y_pred)
    if labels.ndim != 1 or labels.shape != predicted.shape:
        raise DataError(
            f"y_true has shape {labels.shape} and y_pred {predicted.shape}; "
            "give one label and one prediction per sample, both of shape (n_samples,)"
        )
    _check_labels(labels)
    if not np.isin(predicted, (-1, 1)).all():
        raise DataError(
            f"y_pred holds {show_labels(predicted)}; predictions must be -1 (flagged) and 1 "
            "(normal), as predict of a detector gives them. For 1 = flagged give "
            "`np.where(y_pred == 1, -1, 1)`"
        )
    return labels == 1, predicted == -1


def check_number(name: str, value: int, at_least: int) -> None:
    """Raise ``UsageError`` unless it is a whole number, and not a smaller one."""
    if not (isinstance(value, Integral) and value >= at_least):
        raise UsageError(f"{name}={value!r}; give a whole number of {at_least} or more")


def check_share(name: str, value: float) -> None:
    """Raise ``UsageError`` unless 0 < value <= 1."""
    if not (isinstance(value, Real) and 0 < value <= 1):
        raise UsageError(f"{name}={value!r} is not a share of events; give a number in (0, 1]")


def _as_floats(values: ArrayLike) -> NDArray[np.float64]:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"anomaly_score must hold one number per sample: {error}") from error


def _check_finite(scores: NDArray[np.float64]) -> None:
    bad = np.flatnonzero(~np.isfinite(scores))
    if bad.size:
        raise DataError(
            f"anomaly_score has {bad.size} values that are NaN or infinite, the first at position "
            f"{bad[0]}; a score must be finite: drop these samples or mend the detector"
        )


def _check_labels(labels: NDArray[Any]) -> None:
    if not labels.size:
        raise DataError("y_true is empty; there is nothing to evaluate")
    if not np.isin(labels, (0, 1)).all():
        raise DataError(
            f"y_true holds {show_labels(labels)}; labels must be 1 (anomaly) and 0 (normal). For "
            "scikit-learn's convention give `y == -1`"
        )
    if labels.min() == labels.max():
        raise DataError(
            f"y_true holds only the label {show_labels(labels)}; "
            "both anomalies (1) and normal samples (0) are needed"
        )


def show_labels(labels: NDArray[Any]) -> str:
    """Name up to five distinct labels."""
    distinct = sorted(map(str, set(labels.tolist())))
    return ", ".join(distinct[:5]) + (", ..." if len(distinct) > 5 else "")
