"""All figures of merit at once: of scores, and of the flags of a threshold."""

import numpy as np
from numpy.typing import ArrayLike

from skdqm.metrics._survivors import checked_survivors
from skdqm.metrics._validation import check_predictions

__all__ = ["evaluate_labels", "evaluate_scores"]


def evaluate_scores(y_true: ArrayLike, anomaly_score: ArrayLike) -> dict[str, float]:
    """Compute the usual figures of merit of an anomaly score at once.

    The scores are sorted once for all of them, which makes it cheap enough for
    :func:`bootstrap_interval`.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Labels: 1 = anomaly, 0 = normal.
    anomaly_score : array-like of shape (n_samples,)
        Scores, high = abnormal.

    Returns
    -------
    figures : dict of str to float
        ``roc_auc``, ``partial_roc_auc_10pct`` (up to 10 % background efficiency),
        ``average_precision``, ``precision_at_k`` (of as many samples as there are anomalies),
        ``max_sic`` (with at least 25 background events), ``background_rejection_30`` and
        ``background_rejection_50`` (at 30 % and 50 % signal efficiency), ``signal_efficiency_1pct``
        (at 1 % background efficiency) and ``fdr_99`` (at 99 % detection).

    Raises
    ------
    DataError
        When a score is not finite, a class is missing, or labels and scores do not match.

    See Also
    --------
    evaluate_labels : The figures of the flags that a threshold gives.

    Examples
    --------
    >>> from skdqm.metrics import evaluate_scores
    >>> figures = evaluate_scores([0, 0, 0, 0, 1, 0, 1, 1], range(8))
    >>> round(figures["roc_auc"], 3), figures["fdr_99"]
    (0.933, 0.25)
    """
    found = checked_survivors(y_true, anomaly_score)
    return {
        "roc_auc": found.roc_area(),
        "partial_roc_auc_10pct": found.roc_area(0.1),
        "average_precision": found.average_precision(),
        "precision_at_k": found.precision_at(float(found.signal[-1])),
        "max_sic": float(found.sic(25)[1].max()),
        "background_rejection_30": found.rejection(0.3),
        "background_rejection_50": found.rejection(0.5),
        "signal_efficiency_1pct": found.efficiency(0.01),
        "fdr_99": found.false_discovery_rate(0.99),
    }


def evaluate_labels(y_true: ArrayLike, y_pred: ArrayLike) -> dict[str, float]:
    """Compute the usual figures of merit of the flags of a detector.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Labels: 1 = anomaly, 0 = normal.
    y_pred : array-like of shape (n_samples,)
        What ``predict`` of a detector gives: -1 = flagged, 1 = normal.

    Returns
    -------
    figures : dict of str to float
        ``accuracy``; ``precision`` (share of anomalies among the flagged, 0 where nothing is
        flagged); ``recall`` (share of the anomalies that are flagged); ``f1`` (the harmonic mean
        of these two); ``false_alarm_rate`` (share of the normal samples that are flagged). With
        few anomalies accuracy says little: flagging nothing gives their complement.

    Raises
    ------
    DataError
        When predictions are not -1 and 1, labels not 0 and 1, a class is missing, or the two do
        not match.

    See Also
    --------
    evaluate_scores : The figures that need no threshold.

    Examples
    --------
    >>> from skdqm.metrics import evaluate_labels
    >>> figures = evaluate_labels([0, 0, 0, 0, 1, 1], [1, 1, 1, -1, -1, 1])
    >>> figures["precision"], figures["recall"], figures["false_alarm_rate"]
    (0.5, 0.5, 0.25)
    """
    is_anomaly, is_flagged = check_predictions(y_true, y_pred)
    n_anomalies, n_flagged = int(is_anomaly.sum()), int(is_flagged.sum())
    n_found = int((is_anomaly & is_flagged).sum())
    n_normal = len(is_anomaly) - n_anomalies
    return {
        "accuracy": float(np.mean(is_anomaly == is_flagged)),
        "precision": n_found / max(n_flagged, 1),
        "recall": n_found / n_anomalies,
        "f1": 2 * n_found / (n_anomalies + n_flagged),
        "false_alarm_rate": (n_flagged - n_found) / n_normal,
    }
