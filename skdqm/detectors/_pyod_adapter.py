"""The class behind :func:`as_pyod`; by itself, because it needs PyOD to be defined."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyod.models.base import BaseDetector
from sklearn.base import clone
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from skdqm.base import anomaly_score_of


class PyODAdapter(BaseDetector):
    """An outlier detector of scikit-learn's kind as a model of PyOD.

    Parameters
    ----------
    detector : object
        The detector.
    contamination : float, default=0.1
        Share of the training rows that the threshold flags, in (0, 0.5].
    """

    def __init__(self, detector: Any, contamination: float = 0.1) -> None:
        super().__init__(contamination=contamination)
        self.detector = detector

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Fit a clone of the detector, and PyOD's threshold on its scores.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows.
        y : ignored
            Present for PyOD's API.

        Returns
        -------
        self : object
            The fitted model.
        """
        rows = check_array(X)
        self._set_n_classes(None)
        self.detector_ = clone(self.detector).fit(rows)
        self.decision_scores_ = self.decision_function(rows)
        self._process_decision_scores()
        return self

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Score rows; high is abnormal.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to score.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            The detector's scores with the other sign.
        """
        check_is_fitted(self)
        return anomaly_score_of(self.detector_, check_array(X))
