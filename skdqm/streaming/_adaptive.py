"""A detector whose threshold follows its scores."""

from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from skdqm._sklearn import HasMethods, Interval, StrOptions, _fit_context, available_if
from skdqm.base import turned
from skdqm.detectors import AutoencoderDetector
from skdqm.exceptions import UsageError
from skdqm.monitoring._wrapper import (
    Rows,
    WrapperDetector,
    enough,
    features,
    last_of,
    scores,
    scores_and_enough,
    wraps,
)
from skdqm.streaming._adaptive_limit import AdaptiveLimit, Rule
from skdqm.streaming._limit import Floats
from skdqm.streaming._strategies import STRATEGIES

if TYPE_CHECKING:
    import pandas as pd


class AdaptiveThreshold(WrapperDetector):
    """A detector whose threshold keeps the promised alarm rate when its scores drift.

    :meth:`observe` judges the next rows of a stream, then moves the threshold: the detector inside
    does not change. What moves or stretches all scores alike is followed by the median and the
    spread of the latest rows that were not flagged; the rest is up to the strategy. The scores of
    flagged rows move nothing unless `uses_flagged` says so. So a fault that makes *all* scores
    somewhat higher is followed like any drift: where that matters, a
    :class:`~skdqm.continual.ContinualDetector` decides what may be followed.

    The promise is that of :meth:`calibrate`, and `contamination` without it. In a
    :class:`StreamingDetector` the threshold follows by itself.

    Parameters
    ----------
    detector : detector, Pipeline or None, default=None
        What gives the scores; None is an :class:`~skdqm.detectors.AutoencoderDetector`.
    strategy : {"extreme", "conformal", "quantile"} or strategy, default="extreme"
        ``"extreme"``, :class:`PeaksOverThreshold`: the share of *good* rows that are flagged is the
        promised one, whatever anomalies there are beside. ``"conformal"``,
        :class:`AdaptiveConformal`: the share of *all* rows that are flagged is, in the long run,
        the promised one on any stream, which misses anomalies where they are more than that.
        ``"quantile"``, :class:`RollingQuantile`: the simplest, in between.
    block_size : int, default=128
        Rows between two moves of the threshold.
    drift_window : int or None, default=1000
        Latest rows, not flagged, whose median and spread the threshold moves with; None: it does
        not.
    uses_flagged : bool, default=False
        Whether the scores of flagged rows count as all others. Alarms are then as many as promised,
        and a long anomaly is learned. ``"conformal"`` counts alarms in any case.
    random_state : int, RandomState instance or None, default=None
        Seed of a detector that has none of its own.
    contamination : float, default=0.01
        Share of the training rows that the threshold flags, in (0, 0.5], and the promised alarm
        rate unless :meth:`calibrate` says another.

    Attributes
    ----------
    detector_ : detector or Pipeline
        The fitted detector.
    offset_ : float
        The threshold on ``score_samples``, as it is now.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, when ``fit`` saw a data frame.

    See Also
    --------
    StreamingDetector : The same for single events, in microseconds.
    skdqm.continual.ContinualDetector : Follows with the model too, and holds back at faults.

    Examples
    --------
    >>> import numpy as np
    >>> from skdqm.detectors import HistogramDetector
    >>> from skdqm.streaming import AdaptiveThreshold
    >>> rng = np.random.default_rng(0)
    >>> detector = AdaptiveThreshold(HistogramDetector()).fit(rng.normal(size=(3000, 2)))
    >>> drifting = rng.normal(size=(20_000, 2)) * np.linspace(1, 1.5, 20_000)[:, None]
    >>> static = detector.predict(drifting)
    >>> verdicts = detector.observe(drifting)
    >>> bool((verdicts["verdict"] == -1).mean() < 0.02 < (static == -1).mean())
    True
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **WrapperDetector._parameter_constraints,
        "strategy": [StrOptions(set(STRATEGIES)), HasMethods(["learned", "placed"])],
        "block_size": [Interval(Integral, 1, None, closed="left")],
        "drift_window": [Interval(Integral, 2, None, closed="left"), None],
        "uses_flagged": ["boolean"],
    }

    keeps_calibration = True

    # The threshold after what was observed; None as long as nothing was.
    _stream: dict[str, Any] | None

    def __init__(
        self,
        detector: Any = None,
        *,
        strategy: Any = "extreme",
        block_size: int = 128,
        drift_window: int | None = 1000,
        uses_flagged: bool = False,
        random_state: Any = None,
        contamination: float = 0.01,
    ) -> None:
        super().__init__(contamination=contamination)
        self.detector = detector
        self.strategy = strategy
        self.block_size = block_size
        self.drift_window = drift_window
        self.uses_flagged = uses_flagged
        self.random_state = random_state

    @classmethod
    def around(cls, detector: Any, **parameters: Any) -> Self:
        """Return a threshold around a detector that is fitted and calibrated already.

        Parameters
        ----------
        detector : detector or Pipeline
            The detector; it is not copied. Its promise is that of the threshold.
        **parameters
            Those of this class but `detector`.

        Returns
        -------
        adaptive : AdaptiveThreshold
            Fitted; a later ``fit`` begins anew with a copy of the detector.

        Raises
        ------
        UsageError
            When the detector is not calibrated.

        Examples
        --------
        >>> import numpy as np
        >>> from skdqm.detectors import HistogramDetector
        >>> from skdqm.streaming import AdaptiveThreshold
        >>> rng = np.random.default_rng(0)
        >>> trained = HistogramDetector().fit(rng.normal(size=(3000, 2)))
        >>> trained.calibrate(rng.normal(size=(3000, 2)), alarm_rate=0.005)
        HistogramDetector()
        >>> AdaptiveThreshold.around(trained, strategy="conformal").alarm_rate_
        0.005
        """
        last = last_of(detector)
        known = getattr(last, "calibration_scores_", None)
        if known is None:
            raise UsageError(
                f"this {type(last).__name__} is not calibrated; call calibrate with good rows that "
                "were not used to fit: the threshold begins there"
            )
        made = cls(clone(detector, safe=False), **parameters)
        made._validate_params()
        made._start()
        made.detector_ = detector
        made.n_features_in_ = detector.n_features_in_
        if hasattr(detector, "feature_names_in_"):
            made.feature_names_in_ = detector.feature_names_in_
        return made._calibrated_by(known, last.alarm_rate_)

    def observe(self, X: ArrayLike) -> "pd.DataFrame":
        """Judge the next rows of the stream, then let the threshold follow.

        How a stream is cut into calls makes no difference.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The next rows, in the order of time.

        Returns
        -------
        verdicts : DataFrame of shape (n_samples, 4)
            ``anomaly_score``, ``verdict`` (+1, -1, 0: not enough data), ``p_value`` and the
            ``threshold`` that each row met, in units of the anomaly score; with the index of `X` if
            it is a frame.
        """
        import pandas as pd

        rows = self._validated(X)
        found, has_enough = scores_and_enough(self.detector_, rows)
        limit = self.stream_limit()
        flagged, p_values, thresholds = limit.judge_all(found, has_enough)
        self._settle(limit)
        columns = {
            "anomaly_score": found,
            "verdict": np.where(has_enough, np.where(flagged, -1, 1), 0),
            "p_value": p_values,
            "threshold": thresholds,
        }
        return pd.DataFrame(columns, index=X.index if isinstance(X, pd.DataFrame) else None)

    @available_if(wraps("partial_fit"))
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: ArrayLike, y: object = None) -> Self:
        """Let the detector inside go on learning, and take the threshold along.

        It keeps its distance from the bulk of the scores, in units of their spread: both are
        measured on `X`, before and after.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            New rows, mostly normal. Without a fit before, the first call is one.
        y : ignored
            Present for the scikit-learn API.

        Returns
        -------
        self : object
            The updated detector.

        Raises
        ------
        TrainingError
            When training diverges; the detector is then as it was.
        """
        if not hasattr(self, "offset_"):
            return super().partial_fit(X)
        with self._all_or_nothing():
            rows = self._validated(X)
            limit, before = self.stream_limit(), scores(self.detector_, rows)
            self.detector_ = self._learned(self.detector_, rows, first=False)
            limit.moved(before, turned(self._finite_scores(rows)))
            self._settle(limit)
        return self

    def stream_limit(self) -> AdaptiveLimit:
        """Return a copy of the threshold as it is now, for one stream.

        Returns
        -------
        limit : object
            Follows the scores that it is given; this detector does not change.
        """
        check_is_fitted(self)
        rule, value = self._rule(), -self.offset_
        # Another threshold is that of a new calibration: what was before means nothing now.
        if self._stream is not None and self._stream["value"] == value:
            return AdaptiveLimit(rule, self._stream)
        return AdaptiveLimit.start(rule, self._usual_scores(), value)

    def _settle(self, limit: AdaptiveLimit) -> None:
        self._stream = limit.state()
        self.offset_ = -limit.value

    def _rule(self) -> Rule:
        asked = self.strategy
        strategy = STRATEGIES[asked]() if isinstance(asked, str) else clone(asked)
        strategy._validate_params()  # noqa: SLF001 (scikit-learn's protocol)
        rate = float(getattr(self, "alarm_rate_", self.contamination))
        window = self.drift_window
        return Rule(strategy, rate, int(self.block_size), window, bool(self.uses_flagged))

    def _usual_scores(self) -> Floats:
        """Return anomaly scores of good rows, in an order that says nothing of them."""
        if not hasattr(self, "calibration_scores_"):
            return turned(self._recent_scores)
        shuffled = np.random.default_rng(0).permutation(self.calibration_scores_)
        return turned(shuffled)

    def _p_values_of(self, scores: Floats) -> Floats:
        return self.stream_limit().p_values(turned(scores))

    def _start(self) -> None:
        self._rule()  # a strategy is judged before anything is learned
        self._stream = None

    def _fit(self, X: Rows) -> None:
        self._start()
        self.detector_ = self._fitted(self._made(), X)

    def _partial_fit(self, X: Rows) -> None:
        """Learn the first rows."""
        self._start()
        self.detector_ = self._learned(self._made(), X, first=True)

    def _asked_detector(self) -> Any:
        return AutoencoderDetector() if self.detector is None else self.detector

    def _has_enough(self, rows: Rows) -> NDArray[np.bool_]:
        return enough(self.detector_, rows)

    def _anomaly_score(self, X: Rows) -> Floats:
        return scores(self.detector_, X)

    @available_if(wraps("feature_scores"))
    def _feature_scores(self, X: Rows) -> Floats:
        return features(self.detector_, X)
