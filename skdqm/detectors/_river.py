"""Anomaly models of river as detectors that keep scikit-learn's promises."""

from typing import Any
from warnings import warn

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from skdqm.base import BaseDetector
from skdqm.detectors._river_models import (
    MODEL_METHODS,
    Rows,
    copied,
    learn,
    made,
    rows_to_come,
    scores,
)
from skdqm.detectors._standardise import warn_of_few_first_rows

SEEDS = 2**31 - 1
# Values farther out than so many times the width of the first rows count as if there: the squares
# of what is beyond overflow, and some models call what overflows normal.
REACH = 1e6


class RiverDetector(BaseDetector):
    """Any anomaly model of river [1]_ for rows of numbers, with scikit-learn's manners.

    Models of river learn a stream row by row: ``fit`` lets a fresh copy of the model learn the
    rows in their order, ``partial_fit`` goes on, and scoring never learns. What river's models
    take for granted is seen to: rows are validated, the sign is turned, seeds are set where the
    model has none, and features are scaled.

    Models of a *target*, such as GaussianScorer and StandardAbsoluteDeviation, watch the one column
    of one-column rows. Refused are PredictiveAnomalyDetection, which learns while it scores, and
    Pipelines that need a target.

    Parameters
    ----------
    model : None, str, class or instance, default=None
        The model: its name in ``river.anomaly`` (``"LocalOutlierFactor"``), its class, or an
        instance with parameters of its own, which is never changed; also a Pipeline of river or
        one of its anomaly filters, which then decides which rows are learned. The model sees
        columns by their numbers 0, 1, ..., not by their names.
        None is ``HalfSpaceTrees`` [2]_, with river's window of 250 rows, or of as many as the first
        block has, if they are fewer (at least 10): before their first window is full, these trees
        score all rows alike.
    scale : bool, default=True
        Scale every column so that the rows of the first block, those of ``fit`` or of the first
        ``partial_fit``, span [0, 1], as HalfSpaceTrees expect; later rows may lie outside. False
        hands rows over as they are, to models that scale or that know the limits of the features.
    contamination : float, default=0.01
        Share of the training rows that the threshold flags, in (0, 0.5].
    random_state : int, RandomState instance or None, default=None
        Seeds the parts of the model whose `seed` is None.

    Attributes
    ----------
    model_ : river.base.Estimator
        The model that has learned.
    low_, high_ : ndarray of shape (n_features,)
        What every column spanned in the first block.
    n_samples_seen_ : int
        Number of rows learned since the last ``fit``.
    offset_ : float
        The threshold: ``decision_function = score_samples - offset_``.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, when ``fit`` saw a data frame.

    See Also
    --------
    RiverAnomalyDetector : The way back, a detector as an anomaly model of river.

    Notes
    -----
    A model of river remembers what it pleases of the stream: HalfSpaceTrees score by the last full
    window alone, LocalOutlierFactor by the last 1,000 rows.

    References
    ----------
    .. [1] J. Montiel et al., "River: machine learning for streaming data in Python", JMLR 22
           (2021) 110.
    .. [2] S. C. Tan, K. M. Ting and T. F. Liu, "Fast anomaly detection for streaming data",
           IJCAI (2011).

    Examples
    --------
    >>> from river.anomaly import HalfSpaceTrees
    >>> from skdqm.datasets import make_detector_data
    >>> from skdqm.detectors import RiverDetector
    >>> X, y = make_detector_data(2000, random_state=0)
    >>> detector = RiverDetector(HalfSpaceTrees(n_trees=25), random_state=0).fit(X[:1000])
    >>> detector.partial_fit(X[1000:]).predict(X).shape
    (2000,)
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **BaseDetector._parameter_constraints,
        "model": [None, str, MODEL_METHODS],
        "scale": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        model: Any = None,
        *,
        scale: bool = True,
        contamination: float = 0.01,
        random_state: int | RandomState | None = None,
    ) -> None:
        super().__init__(contamination=contamination)
        self.model = model
        self.scale = scale
        self.random_state = random_state

    def _fit(self, X: NDArray[Any]) -> None:
        self._start(X)
        self._learn(X)

    def _partial_fit(self, X: NDArray[Any]) -> None:
        if not hasattr(self, "model_"):
            warn_of_few_first_rows(X)
            self._start(X)
        self._learn(X)

    def _start(self, X: NDArray[Any]) -> None:
        random = check_random_state(self.random_state)
        self.model_ = made(self.model, len(X), lambda: int(random.randint(SEEDS)))
        self.n_samples_seen_ = 0
        low, high = X.min(axis=0).astype(np.float64), X.max(axis=0).astype(np.float64)
        # A column that never changed says nothing of how far is far.
        width = np.where(high > low, high - low, np.maximum(np.abs(high), 1))
        self.low_, self.high_ = low, high
        self._bounds = np.stack([low - REACH * width, high + REACH * width])
        self._location, self._width = (
            (low, width) if self.scale else (np.zeros_like(low), np.ones_like(low))
        )

    def _learn(self, X: NDArray[Any]) -> None:
        # The model changes in place: a copy learns, so that a failure leaves the detector as it was
        # and copies of the detector share nothing that changes.
        model = copied(self.model_)
        learn(model, self._reached(X))
        self.model_, self.n_samples_seen_ = model, self.n_samples_seen_ + len(X)
        waits = rows_to_come(model, self.n_samples_seen_)
        if waits is not None and self.model is not None:
            warn(
                f"{waits} has learned {self.n_samples_seen_:,} rows and scores all alike until it "
                "has learned more; go on with partial_fit, or make that number smaller",
                stacklevel=2,
            )

    def _anomaly_score(self, X: NDArray[Any]) -> Rows:
        return scores(self.model_, self._reached(X))

    def _reached(self, X: NDArray[Any]) -> Rows:
        """Return rows as the model takes them: no farther out than it can bear, scaled if asked."""
        lowest, highest = self._bounds
        rows: Rows = np.minimum(np.maximum(X, lowest), highest)
        rows -= self._location
        rows /= self._width
        return rows
