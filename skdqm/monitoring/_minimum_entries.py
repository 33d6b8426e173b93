"""A gate: no verdict on histograms that hold too little data."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdqm._lumisections import place_of
from skdqm._row_shape import column_number
from skdqm._sklearn import Interval, available_if
from skdqm.base import turned
from skdqm.exceptions import DataError
from skdqm.monitoring._wrapper import (
    Rows,
    WrapperDetector,
    ahead_of,
    enough,
    features,
    last_of,
    scores,
    wraps,
)

Floats = NDArray[np.float64]


class MinimumEntries(WrapperDetector):
    """Abstain where a row holds too little data; else the verdict of another detector.

    Of few entries every histogram looks good, or none does. Rows with fewer than `min_entries` are
    neither: ``predict`` gives 0, "not enough data"; they are not learned, and neither threshold nor
    calibration counts them. ``score_samples`` scores them all the same.

    Parameters
    ----------
    detector : detector, Pipeline or None, default=None
        What judges the others; None is a :class:`~skdqm.detectors.ReferenceDetector`.
    min_entries : float, default=200
        Entries that a verdict needs, at least 0.
    entries : "total", int or str, default="total"
        Where they stand: the ``"total"`` of the bins of the row, or the column of that number or
        name, such as the number of events or the luminosity. The detector sees that column too:
        let it be its `exposure`.
    random_state : int, RandomState instance or None, default=None
        Seed of a detector that has none of its own.
    contamination : float, default=0.01
        Share of the training rows with enough data that the threshold flags, in (0, 0.5].

    Attributes
    ----------
    detector_ : detector or Pipeline
        The fitted detector.
    offset_ : float
        The threshold on ``score_samples``.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, when ``fit`` saw a data frame.

    Examples
    --------
    >>> import numpy as np
    >>> from skdqm.monitoring import MinimumEntries
    >>> rng = np.random.default_rng(0)
    >>> shape = np.array([50, 200, 400, 200, 50])
    >>> gate = MinimumEntries(min_entries=100).fit(rng.poisson(shape, size=(100, 5)))
    >>> gate.predict([shape, [50, 200, 0, 200, 50], [0, 2, 0, 3, 1]])
    array([ 1, -1,  0])
    """

    _ahead: Floats | None

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **WrapperDetector._parameter_constraints,
        "min_entries": [Interval(Real, 0, None, closed="left")],
        "entries": [str, Integral],
    }

    def __init__(
        self,
        detector: Any = None,
        *,
        min_entries: float = 200,
        entries: Any = "total",
        random_state: Any = None,
        contamination: float = 0.01,
    ) -> None:
        super().__init__(contamination=contamination)
        self.detector = detector
        self.min_entries = min_entries
        self.entries = entries
        self.random_state = random_state

    def _fit(self, X: Rows) -> None:
        self._start()
        rows = self._those_with_enough(X, fewest=2)
        self.detector_ = self._fitted(self._made(), rows)

    @available_if(wraps("partial_fit"))
    def _partial_fit(self, X: Rows) -> None:
        first = not hasattr(self, "detector_")
        if first:
            self._start()
            self.detector_ = self._learned(self._made(), self._those_with_enough(X), first=True)
        elif (full := self._is_full(X)).any():
            self.detector_ = self._learned(self.detector_, X[full], first=False)

    def _start(self) -> None:
        named = self.entries != "total"
        self._column = column_number(self, "entries", self.entries) if named else None
        self._fewest = float(self.min_entries)
        self._counted = self._columns_of_entries()

    def _columns_of_entries(self) -> NDArray[np.intp]:
        """Return the columns of bins: an exposure beside them holds no entries."""
        names = list(getattr(self, "feature_names_in_", []))
        bins = [column for column, name in enumerate(names) if place_of(name)]
        exposure = getattr(last_of(self._asked_detector()), "exposure", None)
        if not bins and exposure is not None and exposure != "total":
            column = column_number(self, "exposure of the detector", exposure)
            return np.delete(np.arange(self.n_features_in_), column)
        return np.asarray(bins or np.arange(self.n_features_in_))

    def _has_enough(self, rows: Rows) -> NDArray[np.bool_]:
        # The detector may abstain as well: one of elements that are gated each.
        return self._is_full(rows) & enough(self.detector_, rows)

    def _is_full(self, rows: Rows) -> NDArray[np.bool_]:
        values = np.asarray(rows)
        if self._column is None:
            return np.add.reduce(np.abs(values[:, self._counted]), axis=1) >= self._fewest
        return np.asarray(values[:, self._column] >= self._fewest)

    def _those_with_enough(self, X: Rows, fewest: int = 1) -> Rows:
        full = self._is_full(X)
        if full.sum() < fewest:
            raise DataError(
                f"{full.sum()} of {len(X)} rows have {self._fewest:g} entries or more; expected "
                f"at least {fewest} to learn from; lower min_entries, or sum lumisections first"
            )
        return X[full]

    def _scores_of_learned(self, rows: Rows) -> Floats:
        ahead, full = ahead_of(self.detector_), self._is_full(rows)
        self._ahead = None
        if ahead is None or len(ahead) != full.sum():
            return super()._scores_of_learned(rows)
        self._ahead = np.zeros(len(rows))
        self._ahead[full] = ahead
        return turned(self._ahead)

    def _get_state(self) -> dict[str, Any]:
        return {name: value for name, value in super()._get_state().items() if name != "_ahead"}

    def _anomaly_score(self, X: Rows) -> Floats:
        return scores(self.detector_, X)

    @available_if(wraps("feature_scores"))
    def _feature_scores(self, X: Rows) -> Floats:
        return features(self.detector_, X)
