"""One detector for each of many monitoring elements, fused to one verdict on the lumisection."""

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from skdqm._lumisections import element_of as element_in_name
from skdqm._lumisections import place_of
from skdqm._messages import listed
from skdqm._sklearn import StrOptions, available_if
from skdqm.base import RECENT_SCORES, turned
from skdqm.ensemble._scales import PValue
from skdqm.exceptions import DataError, TrainingError, UsageError
from skdqm.monitoring._wrapper import (
    Rows,
    WrapperDetector,
    ahead_of,
    enough,
    expected,
    features,
    scores_and_enough,
    wraps,
)

Floats = NDArray[np.float64]

# Smaller sums of surprises are taken for this: their logarithm stays finite.
TINY = 1e-300
# The element of columns whose names say none, as those of an array.
UNNAMED = "columns without an element"


def _union(surprises: Floats, _: NDArray[np.bool_]) -> Floats:
    largest: Floats = np.maximum.reduce(surprises, axis=1)
    return largest


def _cauchy(surprises: Floats, with_verdict: NDArray[np.bool_]) -> Floats:
    """Of small p-values, Cauchy's combination is the mean of their inverses."""
    return _log_sum(surprises, with_verdict) - np.log(np.maximum(with_verdict.sum(axis=1), 1))


def _fisher(surprises: Floats, with_verdict: NDArray[np.bool_]) -> Floats:
    """Minus the logarithm of the tail of the law of their sum, of those with a verdict."""
    total = np.add.reduce(surprises, axis=1)
    power = np.arange(surprises.shape[1])
    terms = power * np.log(np.maximum(total, TINY))[:, None] - gammaln(power + 1)
    return total - _log_sum(terms, power < with_verdict.sum(axis=1, keepdims=True))


def _log_sum(logarithms: Floats, counted: NDArray[np.bool_]) -> Floats:
    """Return the logarithm of the sum of those that count, of each row; 0 if none does."""
    kept = np.where(counted, logarithms, -np.inf)
    kept[~counted.any(axis=1), 0] = 0.0
    largest = np.maximum.reduce(kept, axis=1, keepdims=True)
    found: Floats = largest[:, 0] + np.log(np.add.reduce(np.exp(kept - largest), axis=1))
    return found


COMBINATIONS: dict[str, Callable[[Floats, NDArray[np.bool_]], Floats]] = {
    "cauchy": _cauchy,
    "fisher": _fisher,
    "union": _union,
}


class ElementsDetector(WrapperDetector):
    """Judge each monitoring element by a detector of its own, and fuse what they say.

    Columns are called ``element[bin]``, as :func:`skdqm.io.join_histograms` does; those of one
    element go to one copy of the detector, and those whose names say no element together to
    another. Its scores become p-values, by their rank among those of
    the training rows and, beyond the highest tenth, the tail of an exponential law. The fused score
    says how rare such p-values are together, so that one threshold, and one calibration, controls
    the alarm rate of all elements at once: dozens of histograms do not make dozens of alarms.

    An element that abstains (:class:`MinimumEntries`) says nothing, and its feature scores are 0;
    there is no verdict where all of them do.

    Parameters
    ----------
    detector : detector, Pipeline or None, default=None
        What judges an element; None is a :class:`~skdqm.detectors.ReferenceDetector`.
    combine : {"union", "cauchy", "fisher"}, default="union"
        ``"union"``: the smallest p-value; one element is enough, and flags are the union of theirs.
        ``"cauchy"`` and ``"fisher"``: of all elements with a verdict, as in
        :func:`skdqm.statistics.combine_p_values`; what many elements feel a little adds up.
    shared : sequence of str, default=()
        Names of columns that belong to no element and that every detector sees: an exposure, such
        as a luminosity, that its parameter `exposure` names.
    random_state : int, RandomState instance or None, default=None
        Seed of detectors that have none of their own.
    contamination : float, default=0.01
        Share of the training rows that the threshold flags, in (0, 0.5]. See
        :meth:`calibrate` for an alarm rate that holds on new rows.

    Attributes
    ----------
    detectors_ : list of detector
        The fitted detectors, in the order of `elements_`.
    elements_ : list of str
        Names of the monitoring elements.
    offset_ : float
        The threshold on ``score_samples``.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, when ``fit`` saw a data frame.

    Examples
    --------
    >>> from skdqm.datasets import make_lumisections
    >>> from skdqm.monitoring import ElementsDetector
    >>> X, y = make_lumisections(
    ...     4, 50, shape={"charge": (20,), "time": (10,)}, drift=0, random_state=0
    ... )
    >>> detector = ElementsDetector().fit(X[y == 0])
    >>> detector.elements_
    ['charge', 'time']
    >>> detector.element_p_values(X[y == 1]).shape[1]
    2
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **WrapperDetector._parameter_constraints,
        "combine": [StrOptions(set(COMBINATIONS))],
        "shared": ["array-like"],
    }

    def __init__(
        self,
        detector: Any = None,
        *,
        combine: str = "union",
        shared: Sequence[str] = (),
        random_state: Any = None,
        contamination: float = 0.01,
    ) -> None:
        super().__init__(contamination=contamination)
        self.detector = detector
        self.combine = combine
        self.shared = shared
        self.random_state = random_state

    def element_p_values(self, X: ArrayLike) -> pd.DataFrame:
        """Return how rare each element is among the training rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to judge.

        Returns
        -------
        p_values : DataFrame of shape (n_samples, n_elements)
            In [0, 1], a column for each element, with the index of `X` if it is a frame; 1 where an
            element has too little data.
        """
        surprises, _ = self._judged_elements(self._validated(X))
        return self._of_elements(np.exp(-surprises), X)

    def element_predictions(self, X: ArrayLike) -> pd.DataFrame:
        """Label each element: which ones made the alarm.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to judge.

        Returns
        -------
        labels : DataFrame of shape (n_samples, n_elements)
            -1 is abnormal, +1 normal, 0 too little data. With ``combine="union"`` a row is flagged
            exactly where one of its elements is; else elements are flagged at the alarm rate, or
            the contamination, divided by their number.
        """
        surprises, with_verdict = self._judged_elements(self._validated(X))
        labels = np.where(surprises > self._level(), -1, 1)
        return self._of_elements(np.where(with_verdict, labels, 0), X)

    def _level(self) -> float:
        """Return the surprise above which an element is flagged."""
        if self._combine == "union":
            return -self.offset_
        rate = getattr(self, "alarm_rate_", self.contamination)
        return float(np.log(len(self.elements_) / rate))

    def _of_elements(self, values: NDArray[Any], X: ArrayLike) -> pd.DataFrame:
        index = X.index if isinstance(X, pd.DataFrame) else None
        return pd.DataFrame(values, index=index, columns=self.elements_)

    def _expected(self, rows: Rows) -> Floats:
        return self._in_columns(rows, expected)

    def _known_detector(self) -> Any:
        known = getattr(self, "detectors_", None)
        return known[0] if known else super()._known_detector()

    def _start(self) -> list[Any]:
        """Find the elements, and return a detector for each."""
        names = list(getattr(self, "feature_names_in_", []))
        shared = self._shared_columns(names)
        found: dict[str, list[int]] = {}
        for column in np.delete(np.arange(self.n_features_in_), shared).tolist():
            found.setdefault(_element_of(names[column] if names else ""), []).append(column)
        if not found:
            raise UsageError("all columns are shared; expected columns of elements beside them")
        self.elements_ = list(found)
        self._columns = [[*columns, *shared] for columns in found.values()]
        self._combine = self.combine
        made = self._made()
        return [deepcopy(made) for _ in found]

    def _shared_columns(self, names: list[str]) -> list[int]:
        shared = [] if isinstance(self.shared, str) else list(self.shared)
        numbers = [names.index(name) for name in shared if name in names]
        if isinstance(self.shared, str) or not len(set(numbers)) == len(numbers) == len(shared):
            raise UsageError(
                f"shared={self.shared!r}: expected a list of different names of columns; there are "
                f"{listed([name for name in names if not place_of(name)]) or 'none beside bins'}"
            )
        return numbers

    def _parts(self, X: Rows) -> Iterator[Rows]:
        """Cut rows into those of each element."""
        for columns in self._columns:
            yield X.iloc[:, columns] if isinstance(X, pd.DataFrame) else X[:, columns]

    def _fit(self, X: Rows) -> None:
        self.detectors_ = self._by_element(self._fitted, self._start(), X)
        self._refer(X, [np.empty(0)] * len(self.elements_))

    @available_if(wraps("partial_fit"))
    def _partial_fit(self, X: Rows) -> None:
        first = not hasattr(self, "detectors_")
        known = self._start() if first else self.detectors_
        self.detectors_ = self._by_element(partial(self._learned, first=first), known, X)
        self._refer(X, [np.empty(0)] * len(known) if first else self._reference_scores)

    def _by_element(
        self, function: Callable[[Any, Rows], Any], detectors: list[Any], X: Rows
    ) -> list[Any]:
        """Give each detector its element, and let an error say which one it is about."""
        found = []
        for element, detector, part in zip(self.elements_, detectors, self._parts(X), strict=True):
            try:
                found.append(function(detector, part))
            except (DataError, TrainingError, UsageError) as error:
                raise type(error)(f"monitoring element {element!r}: {error}") from error
        return found

    def _refer(self, X: Rows, before: list[Floats]) -> None:
        """Learn which scores are usual; the latest are kept, in the order of time."""
        self._learned_now = self._by_element(_scores_when_learned, self.detectors_, X)
        latest = [_some(values[mask]) for values, mask in self._learned_now]
        self._settle(
            [
                np.concatenate([old, new])[-RECENT_SCORES:]
                for old, new in zip(before, latest, strict=True)
            ]
        )

    def _scores_of_learned(self, rows: Rows) -> Floats:
        del rows
        return turned(COMBINATIONS[self._combine](*self._fused(self.__dict__.pop("_learned_now"))))

    def _settle(self, reference: list[Floats]) -> None:
        self._reference_scores = reference
        self._scales = [PValue(np.sort(each)) for each in reference]

    def _judged_elements(self, X: Rows) -> tuple[Floats, NDArray[np.bool_]]:
        """Return minus the logarithm of the p-values, 0 without a verdict, and where there is one.

        Both are of shape (n_samples, n_elements).
        """
        return self._fused(self._by_element(scores_and_enough, self.detectors_, X))

    def _fused(
        self, found: list[tuple[Floats, NDArray[np.bool_]]]
    ) -> tuple[Floats, NDArray[np.bool_]]:
        surprises = [scale(scores) for scale, (scores, _) in zip(self._scales, found, strict=True)]
        with_verdict = np.column_stack([mask for _, mask in found])
        return np.where(with_verdict, np.column_stack(surprises), 0.0), with_verdict

    def _with_verdict(self, X: Rows) -> NDArray[np.bool_]:
        return np.column_stack(self._by_element(enough, self.detectors_, X))

    def _has_enough(self, rows: Rows) -> NDArray[np.bool_]:
        return np.asarray(self._with_verdict(rows).any(axis=1))

    def _anomaly_score(self, X: Rows) -> Floats:
        return COMBINATIONS[self._combine](*self._judged_elements(X))

    def _judged(self, rows: Rows) -> tuple[Floats, NDArray[np.bool_]]:
        return self._judged_by(*self._judged_elements(rows))

    def _judged_by(
        self, surprises: Floats, with_verdict: NDArray[np.bool_]
    ) -> tuple[Floats, NDArray[np.bool_]]:
        fused = COMBINATIONS[self._combine](surprises, with_verdict)
        return turned(fused), np.asarray(with_verdict.any(axis=1))

    def _verdicts_and_surprises(self, X: pd.DataFrame) -> tuple[pd.DataFrame, Floats]:
        """Return what ``verdicts`` does, and what it was fused of, in one pass."""
        surprises, with_verdict = self._judged_elements(self._validated(X))
        return self._verdicts_of(*self._judged_by(surprises, with_verdict), X), surprises

    def _in_columns(self, X: Rows, function: Any) -> Floats:
        """Put what belongs to the columns of each element into one array."""
        found = np.zeros((len(X), self.n_features_in_))
        parts = self._by_element(function, self.detectors_, X)
        for columns, part in zip(self._columns, parts, strict=True):
            found[:, columns] = part
        return found

    @available_if(wraps("feature_scores"))
    def _feature_scores(self, X: Rows) -> Floats:
        return self._in_columns(X, _features_with_verdict)

    def _get_state(self) -> dict[str, Any]:
        return {name: value for name, value in super()._get_state().items() if name != "_scales"}

    def _set_state(self, state: dict[str, Any]) -> None:
        super()._set_state(state)
        if hasattr(self, "_reference_scores"):
            self._settle(self._reference_scores)


def _element_of(name: str) -> str:
    return element_in_name(name) if place_of(name) else UNNAMED


def _scores_when_learned(detector: Any, rows: Rows) -> tuple[Floats, NDArray[np.bool_]]:
    """Return scores of rows that were just learned, and which of them have a verdict."""
    ahead = ahead_of(detector)
    if ahead is not None and len(ahead) == len(rows):
        values, mask = ahead, enough(detector, rows)
    else:
        values, mask = scores_and_enough(detector, rows)
    if not np.isfinite(values[mask]).all():
        raise TrainingError("scores are not finite")
    return values, mask


def _some(values: Floats) -> Floats:
    """Return at most as many values as are kept, early and late ones alike."""
    return values[np.random.default_rng(0).permutation(len(values))[:RECENT_SCORES]]


def _features_with_verdict(detector: Any, rows: Rows) -> Floats:
    return np.where(enough(detector, rows)[:, None], features(detector, rows), 0.0)
