"""Figures of merit of anomaly scores, and scorers for model selection.

Every function takes ``y_true`` (1 = anomaly, 0 = normal) and an anomaly score (high = abnormal);
a scorer takes an estimator, whose ``score_samples`` is low where abnormal.
"""

from skdqm.metrics._scorers import (
    anomaly_average_precision_scorer,
    anomaly_roc_auc_scorer,
    make_anomaly_scorer,
)
from skdqm.metrics._scores import (
    background_rejection,
    evaluate_scores,
    false_discovery_rate,
    max_sic_score,
    signal_efficiency,
    significance_improvement_curve,
)

__all__ = [
    "anomaly_average_precision_scorer",
    "anomaly_roc_auc_scorer",
    "background_rejection",
    "evaluate_scores",
    "false_discovery_rate",
    "make_anomaly_scorer",
    "max_sic_score",
    "signal_efficiency",
    "significance_improvement_curve",
]
