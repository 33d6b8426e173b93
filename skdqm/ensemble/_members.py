"""The members of an ensemble: any outlier detector of scikit-learn's kind, or of PyOD's."""

from collections.abc import Iterable, Sequence
from copy import copy, deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from skdqm.base import BaseDetector, anomaly_score_of
from skdqm.detectors import PyODDetector
from skdqm.detectors._contain import own_generators
from skdqm.exceptions import UsageError
from skdqm.nn import in_blocks
from skdqm.preprocessing import (
    ChannelMask,
    HistogramNormalizer,
    LumisectionSum,
    NormalScores,
    OccupancyCorrection,
)

if TYPE_CHECKING:
    import pandas as pd

Named = Sequence[tuple[str, Any]]

# Transformers whose rounding does not know the batch. LumisectionSum knows the run, and says so.
ROW_BY_ROW = (
    ChannelMask,
    HistogramNormalizer,
    LumisectionSum,
    MaxAbsScaler,
    MinMaxScaler,
    NormalScores,
    OccupancyCorrection,
    RobustScaler,
    StandardScaler,
)


def checked_members(detectors: Any) -> list[tuple[str, Any]]:
    """Return names and detectors as pairs, or say what is wrong with them."""
    if not (isinstance(detectors, Iterable) and not isinstance(detectors, str)):
        raise _not_members(detectors)
    members = list(detectors)
    if not members or not all(map(_is_named, members)):
        raise _not_members(detectors)
    for name, detector in members:
        _check_member(name, detector)
    return members


def _is_named(member: object) -> bool:
    return isinstance(member, tuple) and len(member) == 2 and isinstance(member[0], str)


def _not_members(found: object) -> UsageError:
    return UsageError(
        f"detectors must be a list of (name, detector) with at least one of them, found {found!r}"
    )


def _check_member(name: str, detector: Any) -> None:
    if is_pyod(detector):
        return
    if isinstance(detector, type):
        raise UsageError(
            f"the detector {name!r} is the class {detector.__name__}; give an object: "
            f"{detector.__name__}()"
        )
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
    copied = _cloned(detector)
    free = [
        name
        for name, value in sorted(copied.get_params().items())
        if name.rpartition("__")[2] == "random_state" and value is None
    ]
    stream = np.random.RandomState(seeds[0])
    return copied.set_params(**{name: int(stream.randint(2**31 - 1)) for name in free})


def _cloned(detector: Any) -> Any:
    """Return an unfitted copy, in which models of PyOD have scikit-learn's signs."""
    if is_pyod(detector):
        return PyODDetector(deepcopy(detector))
    if isinstance(detector, Pipeline):
        return _with_steps(detector, [(name, _cloned(step)) for name, step in detector.steps])
    return clone(detector, safe=False)  # a step can be the word "passthrough"


def _with_steps(pipeline: Pipeline, steps: list[tuple[str, Any]]) -> Pipeline:
    twin = copy(pipeline)
    twin.steps = steps
    return twin


def can_learn(detector: Any) -> bool:
    """Tell whether a detector, or the last step of a Pipeline, has a partial_fit."""
    return hasattr(_last(detector), "partial_fit")


def fitted(detector: Any, X: NDArray[Any], seed: int) -> Any:
    """Fit a detector; `seed` is for those that draw from the generators of the process."""
    if isinstance(detector, BaseDetector):
        return detector.fit(X)
    with own_generators(seed):
        return detector.fit(X)


def learned(detector: Any, X: NDArray[Any], seed: int, *, first: bool) -> Any:
    """Return a copy of a detector that went on learning; the detector stays as it is.

    The `first` rows are also those that the transformers of a Pipeline are fitted to, once: what
    they give must go on meaning the same to the last step.
    """
    if isinstance(detector, BaseDetector):
        # Our own detectors replace what they have learned and change nothing in place.
        return copy(detector).partial_fit(X)
    if isinstance(detector, Pipeline):
        return _pipeline_learned(detector, X, seed, first=first)
    with own_generators(seed):
        return deepcopy(detector).partial_fit(X)


def _pipeline_learned(pipeline: Pipeline, X: NDArray[Any], seed: int, *, first: bool) -> Pipeline:
    *transformers, (name, last) = pipeline.steps
    if transformers:
        others = pipeline[:-1]
        if first:
            others = fitted(others, X, seed)
        transformers, X = others.steps, others.transform(X)
    return _with_steps(pipeline, [*transformers, (name, learned(last, X, seed, first=first))])


def scores_of(detector: Any, X: NDArray[Any]) -> NDArray[np.float64]:
    """Return anomaly scores, of which none depends on the rows beside it."""
    if takes_rows_apart(detector):
        return anomaly_score_of(detector, X)
    return in_blocks(lambda rows: anomaly_score_of(detector, rows), X)


def verdicts_of(detector: Any, X: Any) -> "pd.DataFrame":
    """Return the verdicts of any fitted detector, of other packages scores and labels alone."""
    import pandas as pd

    if hasattr(detector, "verdicts"):
        frame: pd.DataFrame = detector.verdicts(X)
        return frame
    columns = {"anomaly_score": anomaly_score_of(detector, X), "verdict": detector.predict(X)}
    return pd.DataFrame(columns)


def takes_rows_apart(estimator: Any) -> bool:
    """Tell whether a row is known to give the same to the bit, alone or beside others."""
    if isinstance(estimator, Pipeline):
        return all(takes_rows_apart(step) for _, step in estimator.steps)
    return isinstance(estimator, (BaseDetector, *ROW_BY_ROW))


def _last(detector: Any) -> Any:
    return detector[-1] if isinstance(detector, Pipeline) else detector
