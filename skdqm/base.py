"""The contract of every detector: score, threshold, label.

A subclass writes the mathematics on validated arrays, in terms of an *anomaly score* (high is
abnormal). This module turns it into scikit-learn's signs (low is abnormal), and is the only
place that does.
"""

from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from numbers import Real
from typing import TYPE_CHECKING, Any, Self
from warnings import warn

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_is_fitted

from skdqm._calibration import CalibrationMixin
from skdqm._numbers import FLOATS, validated_numbers
from skdqm._sklearn import Interval, _fit_context, available_if
from skdqm.exceptions import CalibrationWarning, ModelFileError, TrainingError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BaseDetector"]

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


def blame_of(detector: Any, X: ArrayLike) -> NDArray[np.float64]:
    """Return how abnormal each feature is, in whatever direction; high is abnormal."""
    scores = np.asarray(detector.feature_scores(X))
    return np.abs(scores) if getattr(detector, "signed_feature_scores", False) else scores


def _is_finite(value: Any) -> bool:
    """Tell whether plain data holds no infinity and no NaN, also inside lists and dicts."""
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    if isinstance(value, list):
        return all(map(_is_finite, value))
    is_float = isinstance(value, float) or getattr(value, "dtype", None) in FLOATS
    return not is_float or bool(np.isfinite(value).all())


class BaseDetector(CalibrationMixin, OutlierMixin, BaseEstimator, metaclass=ABCMeta):
    """Base class of all detectors.

    A subclass writes ``_fit(X)`` and ``_anomaly_score(X)``, and where it can ``_partial_fit(X)``
    and ``_feature_scores(X)``. All of them see validated floating-point arrays only, unless
    ``_as_seen`` says otherwise; ``_has_enough`` may keep rows from a verdict.

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
    feature_names_in_ : ndarray of shape (n_features,)
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

    # Whether feature scores say by their sign if there is too much or too little.
    signed_feature_scores: bool = False
    # Whether rows are counts, which a scaler before the detector would spoil.
    takes_counts: bool = False
    # Whether an update leaves the promised alarm rate in force.
    keeps_calibration: bool = False
    # Whether an update chooses by itself which rows are learned.
    chooses_rows: bool = False
    # Parameters that a model file leaves out.
    _transient_parameters: tuple[str, ...] = ()

    def __init__(self, *, contamination: float = 0.01) -> None:
        self.contamination = contamination

    @abstractmethod
    def _fit(self, X: Any) -> None:
        """Learn from `X` alone, forgetting what was learned before."""

    @abstractmethod
    def _anomaly_score(self, X: Any) -> NDArray[np.float64]:
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
            valid = validated_numbers(self, X, order="C", ensure_min_samples=2)
            rows = self._as_seen(valid, X)
            self._forget_calibration()
            self._fit(rows)
            scores = self._finite_scores(rows)
            self.offset_ = self._placed_threshold(scores)
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
            valid = validated_numbers(self, X, order="C", reset=first)
            rows = self._as_seen(valid, X)
            self._partial_fit(rows)
            scores = self._finite_scores(rows)
            was_calibrated = self._forget_calibration()
            window = scores if first else np.concatenate([self._recent_scores, scores])
            self._recent_scores = window[-RECENT_SCORES:]
            self.offset_ = self._placed_threshold(self._recent_scores)
        if was_calibrated:
            warn(
                "partial_fit changed the model, so its calibration was dropped and the threshold "
                "is again the contamination quantile of training scores; call calibrate again",
                CalibrationWarning,
                stacklevel=3,
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
            +1 or -1; 0, no verdict, for rows that hold too little data to a detector that asks.
        """
        return self._labels(*self._judged(self._validated(X)))

    def verdicts(self, X: ArrayLike) -> "pd.DataFrame":
        """Score and label rows in one pass; a frame in gives its index out.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to judge.

        Returns
        -------
        verdicts : DataFrame of shape (n_samples, 2 or 3)
            ``anomaly_score`` (high is abnormal), ``verdict`` (as :meth:`predict` gives), and
            ``p_value`` of a calibrated detector, with the index of `X` if it is a frame of pandas.
        """
        return self._verdicts_of(*self._judged(self._validated(X)), X)

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
            How abnormal each feature of each row is; high is abnormal. They have a direction, and
            their size tells, where ``signed_feature_scores`` is true.
        """
        features: NDArray[np.float64] = self._feature_scores(self._validated(X))
        return features

    def _as_seen(self, rows: NDArray[Any], X: ArrayLike) -> Any:
        """Return validated rows as the subclass takes them; `X` is what the user gave."""
        del X
        return rows

    def _has_enough(self, rows: Any) -> NDArray[np.bool_]:
        """Tell which rows hold enough data for a verdict."""
        return np.ones(len(rows), dtype=bool)

    def _judged(self, rows: Any) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return scores, low is abnormal, and which rows hold enough data for a verdict."""
        return turned(self._anomaly_score(rows)), self._has_enough(rows)

    def _labels(
        self, scores: NDArray[np.float64], has_enough: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        return np.where(has_enough, np.where(scores - self.offset_ >= 0, 1, -1), 0)

    def _verdicts_of(
        self, scores: NDArray[np.float64], has_enough: NDArray[np.bool_], X: ArrayLike
    ) -> "pd.DataFrame":
        import pandas as pd

        columns = {"anomaly_score": turned(scores), "verdict": self._labels(scores, has_enough)}
        if hasattr(self, "calibration_scores_"):
            columns["p_value"] = self._p_values_of(scores)
        return pd.DataFrame(columns, index=X.index if isinstance(X, pd.DataFrame) else None)

    def _scores_with_verdict(self, X: ArrayLike) -> NDArray[np.float64]:
        scores, has_enough = self._judged(self._validated(X))
        return scores[has_enough]

    def _validated(self, X: ArrayLike) -> Any:
        if type(X) is np.ndarray and hasattr(self, "offset_") and self._is_plain(X):
            return self._as_seen(X, X)
        check_is_fitted(self)
        return self._as_seen(validated_numbers(self, X, reset=False), X)

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

    def _scores_of_learned(self, rows: Any) -> NDArray[np.float64]:
        """Score rows that were just learned, to place the threshold by; low is abnormal."""
        return turned(self._anomaly_score(rows))

    def _placed_threshold(self, scores: NDArray[np.float64]) -> float:
        if not len(scores):
            raise TrainingError(
                "no training row holds enough data for a verdict; expected some to place the "
                "threshold by"
            )
        return float(np.quantile(scores, self.contamination))

    def _finite_scores(self, rows: Any) -> NDArray[np.float64]:
        scores = self._scores_of_learned(rows)[self._has_enough(rows)]
        if not np.isfinite(scores).all():
            raise TrainingError(
                f"{type(self).__name__} gives scores that are not finite after training; "
                "scale the features or lower the learning rate"
            )
        return scores

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "offset_")

    def _get_state(self) -> dict[str, Any]:
        """Return the fitted attributes as plain data: arrays, numbers, strings, lists, dicts."""
        parameters = self.get_params(deep=False)
        return {name: value for name, value in vars(self).items() if name not in parameters}

    def _set_state(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`_get_state` returned."""
        for name, value in state.items():
            if not _is_finite(value):
                raise ModelFileError(f"the attribute {name!r} holds values that are not finite")
        self.__dict__.update(state)
