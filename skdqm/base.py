"""The contract of every detector: score, threshold, label.

A subclass writes the mathematics on validated arrays, in terms of an *anomaly score* (high is
abnormal). This module turns it into scikit-learn's signs (low is abnormal), and is the only
place that does.
"""

from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from numbers import Real
from typing import Any, Self
from warnings import warn

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from skdqm._sklearn import Interval, _fit_context, available_if
from skdqm.exceptions import (
    CalibrationWarning,
    ModelFileError,
    NotCalibratedError,
    TrainingError,
    UsageError,
)

__all__ = ["BaseDetector"]

FLOATS = (np.float64, np.float32)
# Training scores kept to place the threshold after a `partial_fit`.
RECENT_SCORES = 2048
# Up to this many rows, a plain check of the array replaces scikit-learn's: single events are scored
# in tens of microseconds, and the full check alone takes longer than that.
FEW_ROWS = 32


def has_hook(name: str) -> Callable[["BaseDetector"], bool]:
    """Tell whether a detector writes the optional hook `name` (for ``available_if``)."""

    def check(detector: "BaseDetector") -> bool:
        getattr(detector, name)  # its AttributeError names the detector and the hook
        return True

    return check


def turned(scores: NDArray[Any]) -> NDArray[np.float64]:
    """Turn anomaly scores (high is abnormal) into scikit-learn's (low is abnormal), or back."""
    return -np.asarray(scores, dtype=np.float64)


def anomaly_score_of(detector: Any, X: ArrayLike) -> NDArray[np.float64]:
    """Return the anomaly scores of rows by any fitted outlier detector of scikit-learn's kind."""
    score = getattr(detector, "score_samples", None) or detector.decision_function
    return turned(score(X))


class BaseDetector(OutlierMixin, BaseEstimator, metaclass=ABCMeta):
    """Base class of all detectors.

    A subclass writes ``_fit(X)`` and ``_anomaly_score(X)``, and where it can ``_partial_fit(X)``
    and ``_feature_scores(X)``. All of them see validated floating-point arrays only.

    Parameters
    ----------
    contamination : float, default=0.01
        Share of the training rows that the threshold flags, in (0, 0.5]. Training scores are
        optimistic; for an alarm rate that holds on new data, use :meth:`calibrate`.

    Attributes
    ----------
    offset_ : float
        The threshold: ``decision_function = score_samples - offset_``.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, when ``fit`` saw a data frame.
    calibration_scores_ : ndarray of shape (n_calibration,)
        Sorted scores of the calibration rows. Only after :meth:`calibrate`.
    alarm_rate_ : float
        The promised false-alarm rate. Only after :meth:`calibrate`.
    alarm_rate_interval_ : tuple of float
        The central 95 % interval of the false-alarm rate that this calibration realises.
        Only after :meth:`calibrate`.
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012 (scikit-learn's protocol)
        "contamination": [Interval(Real, 0, 0.5, closed="right")],
    }

    # Parameters that a model file leaves out.
    _transient_parameters: tuple[str, ...] = ()

    def __init__(self, *, contamination: float = 0.01) -> None:
        self.contamination = contamination

    @abstractmethod
    def _fit(self, X: NDArray[Any]) -> None:
        """Learn from `X` alone, forgetting what was learned before."""

    @abstractmethod
    def _anomaly_score(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Score rows, of shape (n_samples,); high is abnormal."""

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Learn what normal rows look like.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows, mostly normal, at least two.
        y : ignored
            Present for the scikit-learn API.

        Returns
        -------
        self : object
            The fitted detector.

        Raises
        ------
        TrainingError
            When training diverges.
        """
        with self._all_or_nothing():
            rows = validate_data(self, X, dtype=FLOATS, order="C", ensure_min_samples=2)
            self._forget_calibration()
            self._fit(rows)
            scores = self._finite_scores(rows)
            self.offset_ = float(np.quantile(scores, self.contamination))
            # A sample in random order: `partial_fit` pushes scores out from its front.
            shuffled = np.random.default_rng(0).permutation(len(scores))
            self._recent_scores = scores[shuffled[:RECENT_SCORES]]
        return self

    @available_if(has_hook("_partial_fit"))
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: ArrayLike, y: object = None) -> Self:
        """Go on learning from one more block of rows, with one pass over it.

        The threshold becomes the `contamination` quantile of the latest 2,048 training scores, each
        as it was when its row was learned. A calibration describes the model before the update,
        so it is dropped with a warning: calibrate again.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            New rows, mostly normal.
        y : ignored
            Present for the scikit-learn API.

        Returns
        -------
        self : object
            The updated detector.

        Raises
        ------
        TrainingError
            When training diverges.

        Warns
        -----
        CalibrationWarning
            When the detector was calibrated before.
        """
        with self._all_or_nothing():
            first = not hasattr(self, "offset_")
            rows = validate_data(self, X, dtype=FLOATS, order="C", reset=first)
            self._partial_fit(rows)
            scores = self._finite_scores(rows)
            was_calibrated = self._forget_calibration()
            window = scores if first else np.concatenate([self._recent_scores, scores])
            self._recent_scores = window[-RECENT_SCORES:]
            self.offset_ = float(np.quantile(self._recent_scores, self.contamination))
        if was_calibrated:
            warn(
                "partial_fit changed the model, so its calibration was dropped and the threshold "
                "is again the contamination quantile of training scores; call calibrate again",
                CalibrationWarning,
                stacklevel=2,
            )
        return self

    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:
        """Score rows; low is abnormal.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to score. The score of a row does not depend on the rows beside it.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            The negative anomaly score of each row.
        """
        return turned(self._anomaly_score(self._validated(X)))

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Score rows against the threshold; negative is abnormal.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to score.

        Returns
        -------
        decision : ndarray of shape (n_samples,)
            ``score_samples(X) - offset_``.
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """Label rows: +1 is normal, -1 is abnormal.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to label.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            +1 or -1.
        """
        return np.where(self.decision_function(X) >= 0, 1, -1)

    @available_if(has_hook("_feature_scores"))
    def feature_scores(self, X: ArrayLike) -> NDArray[np.float64]:
        """Say which features make a row abnormal.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to explain.

        Returns
        -------
        feature_scores : ndarray of shape (n_samples, n_features)
            How abnormal each feature of each row is; high is abnormal.
        """
        features: NDArray[np.float64] = self._feature_scores(self._validated(X))
        return features

    def calibrate(self, X: ArrayLike, y: object = None, *, alarm_rate: float = 0.01) -> Self:
        """Set the threshold so that a promised share of good rows is flagged.

        Split-conformal calibration [1]_: for rows exchangeable with the calibration rows, the
        chance of a false alarm is at most `alarm_rate`. Once calibrated on n rows, the rate
        realised on endless new data follows the Beta(k, n + 1 - k) law with
        k = floor(alarm_rate * (n + 1)), see [2]_; its central 95 % is `alarm_rate_interval_`.
        That law is for continuous scores: ties between them can only lower the rate.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Good rows that were *not* used to fit.
        y : ignored
            Present for the scikit-learn API.
        alarm_rate : float, default=0.01
            Promised share of good rows that are flagged, in (0, 1).

        Returns
        -------
        self : object
            The calibrated detector.

        Raises
        ------
        UsageError
            When `alarm_rate` is not in (0, 1), or there are too few rows for it.

        References
        ----------
        .. [1] J. Lei et al., "Distribution-free predictive inference for regression",
               JASA 113 (2018), section 2.2.
        .. [2] V. Vovk, "Conditional validity of inductive conformal predictors",
               ACML (2012), proposition 2a.
        """
        if not (isinstance(alarm_rate, Real) and 0 < alarm_rate < 1):
            raise UsageError(f"alarm_rate must be a number in (0, 1), found {alarm_rate!r}")
        scores = np.sort(self.score_samples(X))
        # The tolerance keeps 0.01 * 100 from falling short of 1.
        rank = min(int(alarm_rate * (len(scores) + 1) + 1e-9), len(scores))
        if rank == 0:
            raise UsageError(
                f"an alarm rate of {alarm_rate} needs at least {int(np.ceil(1 / alarm_rate)) - 1} "
                f"good rows, found {len(scores)}; give more rows or a larger alarm_rate"
            )
        self.calibration_scores_: NDArray[np.float64] = scores
        self.alarm_rate_ = float(alarm_rate)
        law = beta(rank, len(scores) + 1 - rank)
        self.alarm_rate_interval_ = (float(law.ppf(0.025)), float(law.ppf(0.975)))
        self.offset_ = float(scores[rank - 1])
        return self

    def p_values(self, X: ArrayLike) -> NDArray[np.float64]:
        """Conformal p-values: the chance that a good row is at least as abnormal.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to score.

        Returns
        -------
        p_values : ndarray of shape (n_samples,)
            In [1 / (n_calibration + 1), 1]; a row is flagged when its p-value is at most
            the promised alarm rate.

        Raises
        ------
        NotCalibratedError
            When :meth:`calibrate` was not called, or an update dropped the calibration.
        """
        check_is_fitted(self)
        if not hasattr(self, "calibration_scores_"):
            raise NotCalibratedError(
                f"this {type(self).__name__} is not calibrated; "
                "call calibrate with good rows that were not used to fit"
            )
        return self._p_values_of(self.score_samples(X))

    def _p_values_of(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the p-values of scores of a calibrated detector."""
        known = self.calibration_scores_
        at_least_as_low = np.searchsorted(known, scores, side="right")
        return np.asarray((1 + at_least_as_low) / (1 + len(known)))

    def _validated(self, X: ArrayLike) -> NDArray[Any]:
        if type(X) is np.ndarray and hasattr(self, "offset_") and self._is_plain(X):
            return X
        check_is_fitted(self)
        validated: NDArray[Any] = validate_data(self, X, dtype=FLOATS, reset=False)
        return validated

    def _is_plain(self, X: NDArray[Any]) -> bool:
        """Tell whether a small array needs none of scikit-learn's conversions."""
        return (
            X.ndim == 2
            and 0 < len(X) <= FEW_ROWS
            and X.dtype == np.float64
            and X.shape[1] == self.n_features_in_
            and not hasattr(self, "feature_names_in_")
            and bool(np.isfinite(X).all())
        )

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Let learning that fails, or is interrupted, leave the detector as it was.

        Attributes are put back, not what is inside them: learning replaces, and does not change
        in place.
        """
        before = dict(vars(self))
        try:
            yield
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    def _finite_scores(self, X: NDArray[Any]) -> NDArray[np.float64]:
        scores = turned(self._anomaly_score(X))
        if not np.isfinite(scores).all():
            raise TrainingError(
                f"{type(self).__name__} gives scores that are not finite after training; "
                "scale the features or lower the learning rate"
            )
        return scores

    def _forget_calibration(self) -> bool:
        """Drop the calibration; tell whether there was one."""
        names = ("calibration_scores_", "alarm_rate_", "alarm_rate_interval_")
        dropped = [self.__dict__.pop(name, None) for name in names]
        return any(value is not None for value in dropped)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "offset_")

    def _get_state(self) -> dict[str, Any]:
        """Return the fitted attributes as plain data: arrays, numbers, strings, lists, dicts."""
        parameters = self.get_params(deep=False)
        return {name: value for name, value in vars(self).items() if name not in parameters}

    def _set_state(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`_get_state` returned."""
        for name, value in state.items():
            is_float = isinstance(value, float) or getattr(value, "dtype", None) in FLOATS
            if is_float and not np.isfinite(value).all():
                raise ModelFileError(f"the attribute {name!r} holds values that are not finite")
        self.__dict__.update(state)
