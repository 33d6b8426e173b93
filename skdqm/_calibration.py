"""Thresholds that promise an alarm rate: split-conformal calibration, and p-values."""

from numbers import Real
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta
from sklearn.utils.validation import check_is_fitted

from skdqm.exceptions import NotCalibratedError, UsageError


class CalibrationMixin:
    """Calibration of whatever has ``score_samples`` (low is abnormal) and an ``offset_``."""

    offset_: float

    if TYPE_CHECKING:

        def _scores_with_verdict(self, X: ArrayLike) -> NDArray[np.float64]: ...
        def score_samples(self, X: ArrayLike) -> NDArray[np.float64]: ...

    def calibrate(self, X: ArrayLike, y: object = None, *, alarm_rate: float = 0.01) -> Self:
        """Set the threshold so that a promised share of good rows is flagged.

        Split-conformal calibration [1]_: for rows exchangeable with the calibration rows, the
        chance of a false alarm is at most `alarm_rate`. Once calibrated on n rows, the rate
        realised on endless new data follows the Beta(k, n + 1 - k) law with
        k = floor(alarm_rate * (n + 1)), see [2]_; its central 95 % is `alarm_rate_interval_`.
        That law is for continuous scores: ties between them can only lower the rate. Rows of
        another run are exchangeable only if runs are alike: calibrate on several of them.

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
        return self._calibrated_by(self._scores_with_verdict(X), float(alarm_rate))

    def _calibrated_by(self, good_scores: NDArray[np.float64], alarm_rate: float) -> Self:
        """Set the threshold by scores of good rows that were not learned when they were scored."""
        scores = np.sort(good_scores)
        # The tolerance keeps 0.01 * 100 from falling short of 1.
        rank = min(int(alarm_rate * (len(scores) + 1) + 1e-9), len(scores))
        if rank == 0:
            needed = np.ceil(1 / alarm_rate) - 1  # of tiny rates infinite
            raise UsageError(
                f"an alarm rate of {alarm_rate} needs at least {needed:.0f} "
                f"good rows, found {len(scores)}; give more rows or a larger alarm_rate"
            )
        self.calibration_scores_: NDArray[np.float64] = scores
        self.alarm_rate_ = alarm_rate
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

    def _forget_calibration(self) -> bool:
        """Drop the calibration; tell whether there was one."""
        names = ("calibration_scores_", "alarm_rate_", "alarm_rate_interval_")
        dropped = [self.__dict__.pop(name, None) for name in names]
        return any(value is not None for value in dropped)
