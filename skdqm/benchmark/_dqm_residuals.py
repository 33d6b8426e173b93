"""The plain methods that detectors of histograms are measured against."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OutlierMixin, clone

from skdqm.base import anomaly_score_of

Floats = NDArray[np.float64]


class ResidualDetector(OutlierMixin, BaseEstimator):
    """Mean squared residual of a row after a decomposition of scikit-learn.

    Parameters
    ----------
    model : object
        PCA, NMF or the like.
    """

    def __init__(self, model: Any) -> None:
        self.model = model

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Decompose rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Good rows.
        y : ignored
            Present for the scikit-learn API.

        Returns
        -------
        self : object
            Fitted.
        """
        del y
        self.model_ = clone(self.model).fit(np.asarray(X))
        return self

    def score_samples(self, X: ArrayLike) -> Floats:
        """Score rows; low is abnormal.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Minus the mean squared residual.
        """
        rows = np.asarray(X, dtype=np.float64)
        restored = self.model_.inverse_transform(self.model_.transform(rows))
        return -np.asarray(np.square(rows - restored).mean(axis=1))


class Refitted(OutlierMixin, BaseEstimator):
    """A detector without ``partial_fit`` that learns by a new fit to all rows it was ever given.

    Parameters
    ----------
    detector : object
        The detector.
    """

    def __init__(self, detector: Any) -> None:
        self.detector = detector

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Learn rows, and remember them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Good rows.
        y : ignored
            Present for the scikit-learn API.

        Returns
        -------
        self : object
            Fitted.
        """
        del y
        self.rows_ = np.asarray(X, dtype=np.float64)
        self.detector_ = clone(self.detector).fit(self.rows_)
        return self

    def partial_fit(self, X: ArrayLike, y: object = None) -> Self:
        """Learn further rows with those before.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Good rows.
        y : ignored
            Present for the scikit-learn API.

        Returns
        -------
        self : object
            Fitted.
        """
        new = np.asarray(X, dtype=np.float64)
        return self.fit(np.concatenate([self.rows_, new]) if hasattr(self, "rows_") else new, y)

    def score_samples(self, X: ArrayLike) -> Floats:
        """Score rows; low is abnormal.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Those of the detector.
        """
        return -anomaly_score_of(self.detector_, np.asarray(X, dtype=np.float64))


class CellPullDetector(OutlierMixin, BaseEstimator):
    """The textbook pull: a count beside its usual share of the total, in roots of what is expected.

    A ruler for maps of few faults: no overdispersion, no uncertainty of the reference, no tails.
    """

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Learn the usual share of each cell.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Good maps.
        y : ignored
            Present for the scikit-learn API.

        Returns
        -------
        self : object
            Fitted.
        """
        del y
        rows = np.asarray(X, dtype=np.float64)
        self.share_ = rows.sum(axis=0) / rows.sum()
        return self

    def feature_scores(self, X: ArrayLike) -> Floats:
        """Return the size of the pull of each cell.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Maps.

        Returns
        -------
        pulls : ndarray of shape (n_samples, n_features)
            In standard deviations, one entry added to their square.
        """
        rows = np.asarray(X, dtype=np.float64)
        expected = self.share_ * rows.sum(axis=1, keepdims=True)
        return np.asarray(np.abs(rows - expected) / np.sqrt(expected + 1.0))

    def score_samples(self, X: ArrayLike) -> Floats:
        """Score maps; low is abnormal.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Maps.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Minus the largest pull.
        """
        return -np.asarray(self.feature_scores(X).max(axis=1))
