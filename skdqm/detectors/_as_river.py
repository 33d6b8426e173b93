"""The way to river: detectors with scikit-learn's manners as anomaly models of river."""

from collections.abc import Hashable, Iterator
from copy import deepcopy
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from river.base import AnomalyDetector
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skdqm.base import BaseDetector, anomaly_score_of
from skdqm.detectors._river_rows import Means, Numbers, Row, in_order, numbers
from skdqm.exceptions import UsageError

if TYPE_CHECKING:
    import pandas as pd

Rows = NDArray[np.float64]


class RiverAnomalyDetector(AnomalyDetector):
    """A detector as an anomaly model of river [1]_: ``learn_one``, ``score_one``.

    It stands where river's own models stand: at the end of a river Pipeline, inside of
    ``anomaly.QuantileFilter`` and ``ThresholdFilter``, in ``evaluate.progressive_val_score``.
    A high score is abnormal.

    Rows are learned in blocks of `batch_size`: a copy of the detector is *fitted* to the first
    block, with all its epochs, and goes on from there by ``partial_fit``, one pass over each
    block. Of a Pipeline of scikit-learn the transformers stay as the first block made them. Until
    the first block is full, all scores are 0, as river's HalfSpaceTrees give. A detector that was
    fitted before scores from the first row on, and goes on learning.

    The features are those of the first block, in whatever order a row names them. Those that come
    later are ignored, as other models of river do; one that is missing counts as the mean of
    its learned values, which says nothing.

    Parameters
    ----------
    detector : object
        A detector of skdqm, or any of scikit-learn's kind, with ``partial_fit``, or a Pipeline that
        ends in one. It is not changed. Fitted on a frame, it takes features by its names of the
        columns; on an array, by their numbers 0, 1, ....
    batch_size : int, default=64
        Rows of a block, at least 2. Small blocks learn more often; the first one also sets the
        scale of the features for detectors that standardise, and more rows set it better.

    Attributes
    ----------
    detector_ : object or None
        The detector that has learned; None before the first block is full.
    features_ : list or None
        The features, in the order of the detector's columns.

    Raises
    ------
    UsageError
        When `detector` cannot score rows or cannot go on learning.

    See Also
    --------
    RiverDetector : The way back, an anomaly model of river as a detector.

    References
    ----------
    .. [1] J. Montiel et al., "River: machine learning for streaming data in Python", JMLR 22
           (2021) 110.

    Examples
    --------
    >>> from river import anomaly, preprocessing
    >>> from skdqm.datasets import make_detector_data
    >>> from skdqm.detectors import HistogramDetector, RiverAnomalyDetector
    >>> X, _ = make_detector_data(600, random_state=0)
    >>> model = preprocessing.StandardScaler() | anomaly.QuantileFilter(
    ...     RiverAnomalyDetector(HistogramDetector(), batch_size=100), q=0.99
    ... )
    >>> for x in X.to_dict("records"):
    ...     score = model.score_one(x)
    ...     model.learn_one(x)
    >>> model.score_one({name: 9.0 for name in X}) > model.score_one(x)
    True
    """

    def __init__(self, detector: Any, batch_size: int = 64) -> None:
        self.detector = _checked(detector)
        self.batch_size = _checked_size(batch_size)
        self.features_ = _features_of(detector)
        self.detector_ = _starting_point(detector)
        self._takes_frames = hasattr(self.detector_, "feature_names_in_")
        self._rows: list[Numbers] = []
        self._means = Means({})

    def learn_one(self, x: Row) -> None:
        """Learn a row, with the block that it completes.

        Parameters
        ----------
        x : dict
            The features of the row: finite numbers.

        Raises
        ------
        DataError
            When a feature holds something else; the row is not learned.
        """
        self._rows.append(numbers(x, self.features_))
        if len(self._rows) >= self.batch_size:
            # A block that cannot be learned is gone: the stream goes on.
            rows, self._rows = self._rows, []
            self._learn(rows)

    def score_one(self, x: Row) -> float:
        """Score a row; high is abnormal.

        Parameters
        ----------
        x : dict
            The features of the row: finite numbers.

        Returns
        -------
        score : float
            The detector's anomaly score, 0 before the first block was learned.

        Raises
        ------
        DataError
            When a feature holds something else, or is missing and was never learned.
        """
        if self.detector_ is None:
            return 0.0
        return float(self._scores(np.array([self._values(x)], dtype=np.float64))[0])

    def learn_many(self, X: "pd.DataFrame") -> None:
        """Learn the rows of a frame, as ``learn_one`` learns them one after the other.

        Parameters
        ----------
        X : DataFrame of shape (n_samples, n_features)
            The rows.

        Raises
        ------
        DataError
            As :meth:`learn_one`.
        """
        for x in X.to_dict("records"):
            self.learn_one(x)

    def score_many(self, X: "pd.DataFrame") -> "pd.Series":
        """Score the rows of a frame in one go, each as ``score_one`` scores it.

        Parameters
        ----------
        X : DataFrame of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        scores : Series of shape (n_samples,)
            Their scores, with the index of `X`.

        Raises
        ------
        DataError
            As :meth:`score_one`.
        """
        import pandas as pd

        if self.detector_ is None or X.empty:
            return pd.Series(0.0, index=X.index)
        rows = np.array([self._values(x) for x in X.to_dict("records")], dtype=np.float64)
        return pd.Series(self._scores(rows), index=X.index)

    def _learn(self, rows: list[Numbers]) -> None:
        features = self.features_ or in_order({name for row in rows for name in row})
        means = self._means.with_rows(rows)
        block = np.array([means.filled(row, features) for row in rows])
        self.detector_ = _taught(self.detector_, self.detector, self._seen(block))
        self.features_, self._means = features, means

    def _values(self, x: Row) -> list[float]:
        """Return the values of a row, in the order of the detector's columns."""
        features = self.features_ or []
        try:
            values = [x[name] for name in features]
            if isfinite(sum(values)):
                return values
        except (KeyError, TypeError, OverflowError):
            pass
        return self._means.filled(numbers(x, features), features)

    def _scores(self, rows: Rows) -> Rows:
        return anomaly_score_of(self.detector_, self._seen(rows))

    def _seen(self, rows: Rows) -> Any:
        if not self._takes_frames:
            return rows
        import pandas as pd

        return pd.DataFrame(rows, columns=self.features_)

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, Any]]:
        """Say what river's checks make it of."""
        from skdqm.detectors._histogram import HistogramDetector

        yield {"detector": HistogramDetector(), "batch_size": 50}


def _checked(detector: Any) -> Any:
    last = detector[-1] if isinstance(detector, Pipeline) else detector
    scores = hasattr(last, "score_samples") or hasattr(last, "decision_function")
    if isinstance(last, type) or not (scores and hasattr(last, "partial_fit")):
        raise UsageError(
            "RiverAnomalyDetector takes an outlier detector with score_samples and partial_fit, or "
            f"a Pipeline that ends in one, found {detector!r}"
        )
    return detector


def _checked_size(batch_size: Any) -> int:
    if not isinstance(batch_size, int) or batch_size < 2:
        raise UsageError(f"batch_size={batch_size!r}: expected a whole number of rows, 2 or more")
    return batch_size


def _is_fitted(detector: Any) -> bool:
    try:
        check_is_fitted(detector)
    except NotFittedError:
        return False
    return True


def _features_of(detector: Any) -> list[Hashable] | None:
    """Return the features that a fitted detector takes, None if it was not fitted."""
    if not _is_fitted(detector):
        return None
    names = getattr(detector, "feature_names_in_", None)
    return list(range(detector.n_features_in_)) if names is None else list(names)


def _sees_frames(detector: BaseDetector) -> bool:
    """Tell whether a detector takes rows in its own way, as one that needs their names does."""
    classes = type(detector).__mro__
    return any("_as_seen" in vars(each) for each in classes[: classes.index(BaseDetector)])


def _starting_point(detector: Any) -> Any:
    """Return a copy of a detector that was fitted before, None if it was not."""
    if not _is_fitted(detector):
        return None
    copied = deepcopy(detector)
    if isinstance(copied, BaseDetector) and not _sees_frames(copied):
        # Nothing inside has seen the names: without them an array will do, which is much faster.
        copied.__dict__.pop("feature_names_in_", None)
    return copied


def _taught(detector: Any, prototype: Any, rows: Any) -> Any:
    """Return a detector that has learned one more block."""
    if detector is None:
        return clone(prototype, safe=False).fit(rows)
    if not isinstance(detector, Pipeline):
        return detector.partial_fit(rows)
    # What the transformers give must go on meaning the same to the last step.
    others = detector[:-1]
    detector[-1].partial_fit(others.transform(rows) if len(others) else rows)
    return detector
