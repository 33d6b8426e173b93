"""Ready-made scorers, for ``y`` with 1 = anomaly, and their names."""

from collections.abc import Callable
from functools import partial

from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from skdqm.exceptions import UsageError
from skdqm.metrics._ranking import partial_roc_auc, precision_at_k
from skdqm.metrics._scorers import make_anomaly_scorer
from skdqm.metrics._scores import (
    background_rejection,
    false_discovery_rate,
    max_sic_score,
    signal_efficiency,
)

__all__ = [
    "anomaly_accuracy_scorer",
    "anomaly_average_precision_scorer",
    "anomaly_background_rejection_scorer",
    "anomaly_f1_scorer",
    "anomaly_false_discovery_rate_scorer",
    "anomaly_max_sic_scorer",
    "anomaly_partial_roc_auc_scorer",
    "anomaly_precision_at_k_scorer",
    "anomaly_precision_scorer",
    "anomaly_recall_scorer",
    "anomaly_roc_auc_scorer",
    "anomaly_signal_efficiency_scorer",
    "get_anomaly_scorer",
    "get_anomaly_scorer_names",
]

_of_flags = partial(make_anomaly_scorer, response_method="predict")

anomaly_roc_auc_scorer = make_anomaly_scorer(roc_auc_score)
"""Area under the ROC curve."""

anomaly_partial_roc_auc_scorer = make_anomaly_scorer(partial_roc_auc)
"""Area under the ROC curve up to 10 % background efficiency, standardised."""

anomaly_average_precision_scorer = make_anomaly_scorer(average_precision_score)
"""Average precision."""

anomaly_precision_at_k_scorer = make_anomaly_scorer(precision_at_k)
"""Precision among as many samples as there are anomalies."""

anomaly_max_sic_scorer = make_anomaly_scorer(max_sic_score)
"""Largest significance improvement, with at least 25 background events."""

anomaly_background_rejection_scorer = make_anomaly_scorer(background_rejection)
"""Background rejection at 30 % signal efficiency."""

anomaly_signal_efficiency_scorer = make_anomaly_scorer(signal_efficiency)
"""Signal efficiency at 1 % background efficiency."""

anomaly_false_discovery_rate_scorer = make_anomaly_scorer(
    false_discovery_rate, greater_is_better=False
)
"""The negative false discovery rate at 99 % detection."""

anomaly_accuracy_scorer = _of_flags(accuracy_score)
"""Accuracy of the flags."""

anomaly_precision_scorer = _of_flags(partial(precision_score, zero_division=0))
"""Share of anomalies among the flagged, 0 where nothing is flagged."""

anomaly_recall_scorer = _of_flags(recall_score)
"""Share of the anomalies that are flagged."""

anomaly_f1_scorer = _of_flags(f1_score)
"""Harmonic mean of precision and recall of the flags."""

_BY_NAME = {
    "accuracy": anomaly_accuracy_scorer,
    "average_precision": anomaly_average_precision_scorer,
    "background_rejection": anomaly_background_rejection_scorer,
    "f1": anomaly_f1_scorer,
    "false_discovery_rate": anomaly_false_discovery_rate_scorer,
    "max_sic": anomaly_max_sic_scorer,
    "partial_roc_auc": anomaly_partial_roc_auc_scorer,
    "precision": anomaly_precision_scorer,
    "precision_at_k": anomaly_precision_at_k_scorer,
    "recall": anomaly_recall_scorer,
    "roc_auc": anomaly_roc_auc_scorer,
    "signal_efficiency": anomaly_signal_efficiency_scorer,
}


def get_anomaly_scorer(name: str) -> Callable[..., float]:
    """Return a ready-made scorer of detectors by its name.

    ``scoring="max_sic"`` itself cannot work: scikit-learn looks strings up in a table of its own,
    which is private, so give the scorer.

    Parameters
    ----------
    name : str
        One of :func:`get_anomaly_scorer_names`: the scorer ``anomaly_<name>_scorer``.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y) -> float`` for ``y`` with 1 = anomaly; larger is better.

    Raises
    ------
    UsageError
        When there is none of that name.

    See Also
    --------
    make_anomaly_scorer : A scorer of any metric, for other labels.

    Examples
    --------
    >>> from skdqm.metrics import get_anomaly_scorer
    >>> scoring = {name: get_anomaly_scorer(name) for name in ("max_sic", "f1")}
    """
    if name not in _BY_NAME:
        raise UsageError(f"no scorer is called {name!r}; expected one of {', '.join(_BY_NAME)}")
    return _BY_NAME[name]


def get_anomaly_scorer_names() -> list[str]:
    """Return the names that :func:`get_anomaly_scorer` takes.

    Returns
    -------
    names : list of str
        In alphabetical order.

    Examples
    --------
    >>> from skdqm.metrics import get_anomaly_scorer_names
    >>> "background_rejection" in get_anomaly_scorer_names()
    True
    """
    return list(_BY_NAME)
