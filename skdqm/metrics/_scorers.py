"""Scorers for model selection that know which label is the anomaly."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skdqm.exceptions import DataError, UsageError
from skdqm.metrics._validation import check_predictions, check_scores, show_labels

__all__ = ["make_anomaly_scorer"]

Metric = Callable[[ArrayLike, ArrayLike], float]
ResponseMethod = Literal["score_samples", "predict"]
RESPONSE_METHODS = ("score_samples", "predict")


@dataclass(frozen=True)
class _AnomalyScorer:
    metric: Metric
    anomaly_label: int | str
    greater_is_better: bool
    response_method: ResponseMethod

    def __call__(self, estimator: Any, X: Any, y: ArrayLike) -> float:
        if not hasattr(estimator, self.response_method):
            raise UsageError(
                f"{type(estimator).__name__} has no {self.response_method}; an anomaly scorer "
                "needs a detector, or a Pipeline that ends in one"
            )
        value = float(self.metric(*self._judged(estimator, X, self._is_anomaly(y))))
        return value if self.greater_is_better else -value

    def _is_anomaly(self, y: ArrayLike) -> NDArray[np.bool_]:
        labels = np.asarray(y)
        is_anomaly = labels == self.anomaly_label
        if np.all(is_anomaly) or not np.any(is_anomaly):
            raise DataError(
                f"y holds the labels {show_labels(labels)}; to score a detector it must hold both "
                f"anomalies (anomaly_label={self.anomaly_label!r}) and normal samples"
            )
        result: NDArray[np.bool_] = is_anomaly
        return result

    def _judged(
        self, estimator: Any, X: Any, is_anomaly: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """Return labels and anomaly scores, or labels and flags (1 for the flagged)."""
        if self.response_method == "score_samples":
            return check_scores(is_anomaly, -estimator.score_samples(X))
        labels, flags = check_predictions(is_anomaly, estimator.predict(X))
        return labels.astype(np.int64), flags.astype(np.int64)


def make_anomaly_scorer(
    metric: Metric,
    *,
    anomaly_label: int | str = 1,
    greater_is_better: bool = True,
    response_method: ResponseMethod = "score_samples",
) -> Callable[..., float]:
    """Make a scorer of detectors from a metric of labels and anomaly scores, or of flags.

    ``scoring="roc_auc"`` takes the larger label for the positive class and ``score_samples`` for
    its score: with y = 1 for the signal, a perfect detector gets 0. A scorer made here turns both
    the labels and the scores, so that 1 and high mean abnormal to the metric.

    Parameters
    ----------
    metric : callable
        ``metric(y_true, anomaly_score) -> float`` with 1 = anomaly and high = abnormal; any
        function of :mod:`skdqm.metrics` or ``sklearn.metrics`` of this shape. For other
        arguments use :func:`functools.partial`.
    anomaly_label : int or str, default=1
        The label of anomalies in the ``y`` of the scorer; all others count as normal. Give -1 for
        scikit-learn's convention (+1 inlier, -1 outlier).
    greater_is_better : bool, default=True
        False for a metric that is low for a good detector: the scorer returns its negative.
    response_method : {"score_samples", "predict"}, default="score_samples"
        What `metric` judges: scores, or the flags of the threshold, which it gets as 1 = flagged
        and 0 = not, like the labels. So any metric of two labels in ``sklearn.metrics`` fits.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y) -> float``, for ``scoring=`` of ``GridSearchCV``,
        ``cross_validate`` and their like; it can be pickled if `metric` can. It raises
        ``DataError`` when ``y`` lacks anomalies or normal samples, so give every fold some
        (``StratifiedKFold``), and ``UsageError`` when the estimator lacks the response method.

    Raises
    ------
    UsageError
        When `metric` is not callable or the response method is another.

    See Also
    --------
    get_anomaly_scorer : Ready-made scorers by their names.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import IsolationForest
    >>> from skdqm.metrics import false_discovery_rate, make_anomaly_scorer
    >>> X = np.array([[0.0], [0.1], [0.2], [0.3], [9.0]])
    >>> y = np.array([1, 1, 1, 1, -1])  # scikit-learn's convention
    >>> scorer = make_anomaly_scorer(
    ...     false_discovery_rate, anomaly_label=-1, greater_is_better=False
    ... )
    >>> scorer(IsolationForest(random_state=0).fit(X), X, y)
    -0.0
    """
    if not callable(metric):
        raise UsageError(
            f"metric must be a function of (y_true, anomaly_score), for example "
            f"skdqm.metrics.max_sic_score; got {metric!r}"
        )
    if response_method not in RESPONSE_METHODS:
        raise UsageError(
            f"response_method={response_method!r}; expected one of {', '.join(RESPONSE_METHODS)}"
        )
    return _AnomalyScorer(metric, anomaly_label, greater_is_better, response_method)
