"""One version of a model: what it takes, how it judges, what it has learned."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import copy
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from skdqm._pipeline import parts_of
from skdqm.base import BaseDetector
from skdqm.exceptions import ModelFileError
from skdqm.service._decode import Expected, Rows
from skdqm.service._errors import RequestError
from skdqm.service._judgement import Finding, Floats, Integers

# Rows of a request that are explained, the most abnormal ones.
MOST_EXPLAINED = 50


class Verdicts(NamedTuple):
    """Verdicts on rows, each an array of shape (n_rows,), and why rows were flagged."""

    scores: Floats
    p_values: Floats
    thresholds: Floats
    verdicts: Integers
    findings: list[Finding]
    histograms: Sequence[bytes] | None


class ServedModel(ABC):
    """One version of a model; another one takes its place as a whole.

    Parameters
    ----------
    name : str
        Of the model.
    estimator : detector or Pipeline
        It is fitted, and not changed any more.
    metadata : dict
        What the model file says of its origin.
    """

    kind: str
    expected: Expected

    def __init__(self, name: str, estimator: Any, metadata: dict[str, Any]) -> None:
        self.name, self.estimator, self.metadata = name, estimator, metadata
        self.detector: BaseDetector = parts_of(estimator)[1]

    @abstractmethod
    def judge(self, rows: Rows) -> Verdicts:
        """Judge rows, in the order of time."""

    @abstractmethod
    def taught(self, rows: Rows) -> Any:
        """Return a copy of the estimator that has learned rows."""

    @abstractmethod
    def n_flagged(self, rows: Rows) -> int:
        """Return how many of some rows are flagged, without counting them as judged."""

    @property
    def is_stateful(self) -> bool:
        """Whether the threshold follows the scores: several workers would each have their own."""
        return hasattr(self.detector, "stream_limit")

    @property
    def can_update(self) -> bool:
        """Whether it can go on learning."""
        return hasattr(self.detector, "partial_fit")

    @property
    def threshold(self) -> float:
        """The anomaly score beyond which a row is flagged now."""
        return -float(np.asarray(self.detector.offset_).item())

    def recent_scores(self) -> Floats:
        """Return the anomaly scores of the latest rows."""
        return np.empty(0)

    def new_drifts(self) -> int:
        """Return how many drifts of the scores were found since the last call."""
        return 0

    def facts(self) -> dict[str, Any]:
        """Return what clients and the page need to know, as JSON values."""
        shapes = self.expected.shapes
        return {
            "name": self.name,
            "kind": self.kind,
            "detector": type(self.detector).__name__,
            "features": None if self.expected.names is None else list(self.expected.names),
            "n_features": self.expected.number,
            "elements": None if shapes is None else {name: list(shapes[name]) for name in shapes},
            "threshold": self.threshold,
            "alarm_rate": getattr(self.detector, "alarm_rate_", None),
            "can_update": self.can_update,
        }

    def with_alarm_rate(self, alarm_rate: float) -> Any:
        """Return a copy of the estimator that promises another rate."""
        self._refuse_if_it_follows()
        known = getattr(self.detector, "calibration_scores_", None)
        if known is None:
            raise RequestError(
                409,
                f"the model {self.name!r} keeps no scores of good rows to place a threshold by; "
                "give the threshold itself, or calibrate the model first",
            )
        twin = copy(self.detector)
        twin._calibrated_by(known, alarm_rate)  # noqa: SLF001 (on scores that it kept)
        return self._ending_in(twin)

    def with_threshold(self, threshold: float) -> Any:
        """Return a copy of the estimator that flags scores above a number, and promises nothing."""
        self._refuse_if_it_follows()
        if hasattr(self.detector, "calibration_scores_"):
            raise RequestError(
                409,
                f"the threshold of the model {self.name!r} belongs to a promised alarm rate; give "
                "alarm_rate instead",
            )
        twin = copy(self.detector)
        twin.offset_ = -threshold
        return self._ending_in(twin)

    def _refuse_if_it_follows(self) -> None:
        if self.is_stateful:
            raise RequestError(
                409,
                f"the threshold of the model {self.name!r} follows the scores, and cannot be set; "
                "train it for another alarm rate",
            )

    def _ending_in(self, detector: Any) -> Any:
        if not isinstance(self.estimator, Pipeline):
            return detector
        twin = copy(self.estimator)
        twin.steps = [*self.estimator.steps[:-1], (self.estimator.steps[-1][0], detector)]
        return twin


def checked_detector(name: str, estimator: Any) -> None:
    """Refuse what cannot judge."""
    detector = parts_of(estimator)[1]
    if not isinstance(detector, BaseDetector) or not hasattr(detector, "offset_"):
        raise ModelFileError(
            f"the model {name!r} holds a {type(detector).__name__}, expected a fitted detector or "
            "a Pipeline that ends in one"
        )


def frame_of(rows: Rows, names: Sequence[str] | None) -> Any:
    """Return rows as a model was fitted to them."""
    return rows.numbers if names is None else pd.DataFrame(rows.numbers, columns=list(names))
