"""What all wrappers share: detectors inside, which see frames with their index and names."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state

from skdqm._sklearn import HasMethods, available_if
from skdqm.base import BaseDetector, turned
from skdqm.detectors import ReferenceDetector
from skdqm.ensemble._members import fitted, learned, scores_of, takes_rows_apart, unfitted
from skdqm.exceptions import UsageError
from skdqm.nn import in_blocks

Floats = NDArray[np.float64]
# A frame where the user gave names, else an array.
Rows = Any


def wraps(name: str) -> Callable[[Any], bool]:
    """Tell whether the wrapped detector has a method (for ``available_if``)."""

    def check(wrapper: Any) -> bool:
        last = last_of(wrapper._known_detector())  # noqa: SLF001
        getattr(last, name)  # its AttributeError names the detector and the method
        return True

    return check


class WrapperDetector(BaseDetector):
    """Base class of detectors around one or several copies of another detector."""

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **BaseDetector._parameter_constraints,
        "detector": [HasMethods(["fit"]), None],
        "random_state": ["random_state"],
    }

    detector: Any
    random_state: Any

    detector_: Any
    takes_counts = True

    @property
    def signed_feature_scores(self) -> bool:  # type: ignore[override]
        """Whether feature scores have a sign: those of the wrapped detector do."""
        return bool(getattr(last_of(self._known_detector()), "signed_feature_scores", False))

    @available_if(wraps("reconstruct"))
    def reconstruct(self, X: ArrayLike) -> Floats:
        """Return what the wrapped detector expects of rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to judge.

        Returns
        -------
        expected : ndarray of shape (n_samples, n_features)
            What it expects in their place.
        """
        return self._expected(self._validated(X))

    def _expected(self, rows: Rows) -> Floats:
        return expected(self.detector_, rows)

    def _known_detector(self) -> Any:
        """Return a fitted detector, or the one to fit."""
        return getattr(self, "detector_", None) or self._asked_detector()

    def _asked_detector(self) -> Any:
        return ReferenceDetector() if self.detector is None else self.detector

    def _as_seen(self, rows: NDArray[Any], X: ArrayLike) -> Rows:
        if not hasattr(self, "feature_names_in_"):
            return rows
        index = X.index if isinstance(X, pd.DataFrame) else None
        return pd.DataFrame(rows, index=index, columns=self.feature_names_in_)

    def _made(self) -> Any:
        """Return a copy of the detector to fit."""
        random = check_random_state(self.random_state)
        self._seed = int(random.randint(2**31 - 1))
        return unfitted(self._asked_detector(), random)

    def _fitted(self, detector: Any, rows: Rows) -> Any:
        return fitted(detector, seen_by(detector, rows), self._seed)

    def _learned(self, detector: Any, rows: Rows, *, first: bool) -> Any:
        return learned(detector, seen_by(detector, rows), self._seed, first=first)


def last_of(detector: Any) -> Any:
    """Return the last step of a Pipeline, or the detector."""
    return detector[-1] if isinstance(detector, Pipeline) else detector


def seen_by(detector: Any, rows: Rows) -> Rows:
    """Return rows as a detector takes them: those of other packages in plain arrays."""
    return rows if takes_rows_apart(detector) else np.asarray(rows)


def scores(detector: Any, rows: Rows) -> Floats:
    """Return anomaly scores by a wrapped detector."""
    return scores_of(detector, seen_by(detector, rows))


def behind_steps(detector: Any, rows: Rows) -> Rows:
    """Return rows as the last step of a Pipeline gets them."""
    if not isinstance(detector, Pipeline) or len(detector) == 1:
        return seen_by(detector, rows)
    transform = detector[:-1].transform
    if takes_rows_apart(detector):
        return transform(rows)
    return in_blocks(transform, np.asarray(rows))


def enough(detector: Any, rows: Rows) -> NDArray[np.bool_]:
    """Tell for which rows a wrapped detector has a verdict."""
    last = last_of(detector)
    if not _may_abstain(last):
        return np.ones(len(rows), dtype=bool)
    return last._has_enough(last._validated(behind_steps(detector, rows)))  # noqa: SLF001


def _may_abstain(detector: Any) -> bool:
    has_enough = getattr(type(detector), "_has_enough", None)
    return has_enough not in {None, BaseDetector._has_enough}  # noqa: SLF001


def scores_and_enough(detector: Any, rows: Rows) -> tuple[Floats, NDArray[np.bool_]]:
    """Return anomaly scores, and for which rows there is a verdict."""
    last = last_of(detector)
    if not (_may_abstain(last) and takes_rows_apart(detector)):
        return scores(detector, rows), enough(detector, rows)
    # Rows go through steps and checks once only.
    found, has_enough = last._judged(last._validated(behind_steps(detector, rows)))  # noqa: SLF001
    return turned(found), has_enough


def maps(detector: Any, rows: Rows) -> Floats:
    """Return the feature scores by a wrapped detector: by the last step of a Pipeline."""
    found: Floats = last_of(detector).feature_scores(behind_steps(detector, rows))
    return found


def features(detector: Any, rows: Rows) -> Floats:
    """Return the feature scores of columns by a wrapped detector."""
    return of_columns(maps(detector, rows), rows)


def expected(detector: Any, rows: Rows) -> Floats:
    """Return what a wrapped detector expects of rows."""
    return of_columns(last_of(detector).reconstruct(behind_steps(detector, rows)), rows)


def of_columns(found: Floats, rows: Rows) -> Floats:
    if found.shape != rows.shape:
        raise UsageError(
            f"the last step of the Pipeline sees {found.shape[1]} columns, made of "
            f"{rows.shape[1]} by those before it, and cannot speak of these; put the steps that "
            "change their number, such as PCA or a ChannelMask, before the outermost detector"
        )
    return found


def ahead_of(detector: Any) -> Floats | None:
    """Return the anomaly scores that rows had before they were learned, if the detector says."""
    return getattr(last_of(detector), "_ahead", None)
