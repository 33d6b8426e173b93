"""The members of an ensemble: any outlier detector of scikit-learn's kind, or of PyOD's."""

from collections.abc import Iterable, Sequence
from copy import copy, deepcopy
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skdqm.base import BaseDetector, anomaly_score_of
from skdqm.detectors import PyODDetector
from skdqm.detectors._contain import own_generators
from skdqm.exceptions import UsageError
from skdqm.nn import in_blocks

Named = Sequence[tuple[str, Any]]


def checked_members(detectors: Any) -> list[tuple[str, Any]]:
    """Return names and detectors as pairs, or say what is wrong with them."""
    if not (isinstance(detectors, Iterable) and not isinstance(detectors, str)):
        raise _not_members(detectors)
    members = list(detectors)
    if not members or not all(isinstance(each, tuple) and len(each) == 2 for each in members):
        raise _not_members(detectors)
    for name, detector in members:
        _check_member(name, detector)
    return members


def _not_members(found: object) -> UsageError:
    return UsageError(
        f"detectors must be a list of (name, detector) with at least one of them, found {found!r}"
    )


def _check_member(name: object, detector: Any) -> None:
    if is_pyod(detector):
        return
    if not (hasattr(detector, "fit") and can_score(detector)):
        raise UsageError(
            f"the detector {name!r} is no outlier detector that scores new rows: found "
            f"{type(detector).__name__}, expected one with fit and score_samples (a "
            "LocalOutlierFactor needs novelty=True)"
        )


def can_score(detector: Any) -> bool:
    """Tell whether a detector scores rows that it was not fitted on."""
    return hasattr(detector, "score_samples") or hasattr(detector, "decision_function")


def is_pyod(detector: object) -> bool:
    """Tell whether a detector is a model of PyOD, without importing it."""
    return any(cls.__module__ == "pyod.models.base" for cls in type(detector).__mro__)


def unfitted(detector: Any, random: np.random.RandomState) -> Any:
    """Return a copy to fit; random states that nobody has set are drawn, so that one seeds all."""
    # Drawn for every member, so that the seeds do not depend on which member uses one.
    seeds = random.randint(2**31 - 1, size=2)
    copied = PyODDetector(deepcopy(detector)) if is_pyod(detector) else clone(detector)
    free = [
        name
        for name, value in sorted(copied.get_params().items())
        if name.rpartition("__")[2] == "random_state" and value is None
    ]
    stream = np.random.RandomState(seeds[0])
    return copied.set_params(**{name: int(stream.randint(2**31 - 1)) for name in free})


def can_learn(detector: Any) -> bool:
    """Tell whether a detector, or the last step of a Pipeline, has a partial_fit."""
    return hasattr(_last(detector), "partial_fit")


def fitted(detector: Any, X: NDArray[Any], seed: int) -> Any:
    """Fit a detector; `seed` is for those that draw from the generators of the process."""
    if isinstance(detector, BaseDetector):
        return detector.fit(X)
    with own_generators(seed):
        return detector.fit(X)


def learned(detector: Any, X: NDArray[Any], seed: int) -> Any:
    """Return a copy of a detector that went on learning; the detector stays as it is."""
    if isinstance(detector, BaseDetector):
        # Our own detectors replace what they have learned and change nothing in place.
        return copy(detector).partial_fit(X)
    if isinstance(detector, Pipeline):
        return _pipeline_learned(detector, X, seed)
    with own_generators(seed):
        return deepcopy(detector).partial_fit(X)


def _pipeline_learned(pipeline: Pipeline, X: NDArray[Any], seed: int) -> Pipeline:
    """Let the last step learn; what the others give must go on meaning the same to it."""
    others = pipeline[:-1]
    if not _is_fitted(others):
        others = fitted(clone(others), X, seed)
    last = learned(pipeline[-1], others.transform(X), seed)
    return Pipeline([*others.steps, (pipeline.steps[-1][0], last)])


def scores_of(detector: Any, X: NDArray[Any]) -> NDArray[np.float64]:
    """Return anomaly scores, of which none depends on the rows beside it."""
    if isinstance(detector, BaseDetector):
        return anomaly_score_of(detector, X)
    if isinstance(detector, Pipeline) and len(detector) > 1:
        return scores_of(detector[-1], in_blocks(detector[:-1].transform, X))
    return in_blocks(lambda rows: anomaly_score_of(detector, rows), X)


def _last(detector: Any) -> Any:
    return detector[-1] if isinstance(detector, Pipeline) else detector


def _is_fitted(estimator: Any) -> bool:
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return True
