"""A fitted detector and the scalers before it as one function of arrays.

scikit-learn checks and converts rows at every step of a Pipeline, which costs 150 microseconds a
call; for one event that is five times the arithmetic. Here events are checked once, and each step
does its arithmetic alone, in the same order: scores are equal to those of the Pipeline to the bit.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
from sklearn.utils.validation import check_is_fitted

from skdqm.base import BaseDetector, anomaly_score_of, turned
from skdqm.ensemble._members import takes_rows_apart
from skdqm.exceptions import UsageError
from skdqm.monitoring._wrapper import enough, last_of, scores_and_enough
from skdqm.nn import in_blocks
from skdqm.streaming._adaptive import AdaptiveThreshold
from skdqm.streaming._events import Features

Floats = NDArray[np.float64]
Judge = Callable[[Floats], tuple[Floats, NDArray[np.bool_]]]
Step = Callable[[Floats], Floats]


def scorer_of(estimator: Any) -> Judge:
    """Return the function that gives the anomaly scores of rows, and which hold enough data.

    Parameters
    ----------
    estimator : detector or Pipeline
        It is fitted. What it learns later is not seen.

    Returns
    -------
    judge : callable
        Maps finite rows of shape (n_rows, n_features), in double precision and in the order of the
        estimator's features, to two arrays of shape (n_rows,).
    """
    check_scores(estimator)
    steps, judge = _steps_of(estimator), _judge_of(last_of(estimator))
    if steps is None or judge is None:
        return _Whole(estimator)
    return _Fused(steps, judge)


def check_scores(estimator: Any) -> None:
    """Refuse what is not a fitted outlier detector of scikit-learn's kind."""
    check_is_fitted(estimator)
    last = last_of(estimator)
    if not (hasattr(last, "score_samples") and hasattr(last, "offset_")):
        raise UsageError(
            f"{type(last).__name__} is no outlier detector of scikit-learn's kind: expected "
            "score_samples and offset_; wrap models of PyOD in a PyODDetector and those of river "
            "in a RiverDetector"
        )


class _Fused:
    """Scalers and a detector, without checks between them."""

    def __init__(self, steps: list[Step], judge: Judge) -> None:
        self.steps, self.judge = steps, judge

    def __call__(self, rows: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        for step in self.steps:
            rows = step(rows)
        return self.judge(rows)


class _Whole:
    """Any detector, by its public methods."""

    def __init__(self, estimator: Any) -> None:
        self.estimator, self.named = estimator, Features(estimator).named

    def __call__(self, rows: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        if takes_rows_apart(self.estimator):
            return scores_and_enough(self.estimator, self.named(rows))
        scores = in_blocks(lambda some: anomaly_score_of(self.estimator, self.named(some)), rows)
        return scores, enough(self.estimator, rows)


def _judge_of(detector: Any) -> Judge | None:
    """Return the mathematics of a detector of this package that sees rows as they are."""
    if isinstance(detector, AdaptiveThreshold):
        return scorer_of(detector.detector_)
    if not isinstance(detector, BaseDetector):
        return None
    if type(detector)._as_seen is not BaseDetector._as_seen:  # noqa: SLF001
        return None

    def judge(rows: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        scores, has_enough = detector._judged(rows)  # noqa: SLF001 (past the checks)
        return turned(scores), has_enough

    return judge


def _steps_of(estimator: Any) -> list[Step] | None:
    """Return what the steps before the last one do, None if one is not known."""
    before = [step for _, step in estimator.steps[:-1]] if isinstance(estimator, Pipeline) else []
    steps: list[Step] = []
    for step in before:
        known = _KNOWN.get(type(step), _unknown)(step)
        if known is None:
            return None
        steps.append(known)
    return steps


def _unknown(step: Any) -> Step | None:
    return (lambda rows: rows) if step == "passthrough" else None


def _standard(scaler: StandardScaler) -> Step:
    return _shifted_and_divided(scaler.mean_, scaler.scale_, scaler.with_mean)


def _robust(scaler: RobustScaler) -> Step:
    return _shifted_and_divided(scaler.center_, scaler.scale_, scaler.with_centering)


def _max_abs(scaler: MaxAbsScaler) -> Step | None:
    if getattr(scaler, "clip", False):
        return None
    return lambda rows: rows / scaler.scale_


def _min_max(scaler: MinMaxScaler) -> Step | None:
    if scaler.clip:
        return None
    # In two steps, as scikit-learn does: one would round otherwise.
    return lambda rows: rows * scaler.scale_ + scaler.min_


def _shifted_and_divided(centre: Floats, scale: Floats | None, shifts: bool) -> Step:  # noqa: FBT001
    if not shifts:
        return (lambda rows: rows) if scale is None else (lambda rows: rows / scale)
    if scale is None:
        return lambda rows: rows - centre
    return lambda rows: (rows - centre) / scale


_KNOWN: dict[type, Callable[[Any], Step | None]] = {
    MaxAbsScaler: _max_abs,
    MinMaxScaler: _min_max,
    RobustScaler: _robust,
    StandardScaler: _standard,
}
