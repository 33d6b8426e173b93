"""Figures of merit of anomaly scores and flags, their uncertainties, and scorers.

Every function takes ``y_true`` (1 = anomaly, 0 = normal) and an anomaly score (high = abnormal) or
the predictions of a detector (-1 = flagged); a scorer takes an estimator, whose ``score_samples``
is low where abnormal.
"""

from skdqm.metrics._alarms import (
    DetectionDelays,
    alarms_per_day,
    alarms_per_run,
    detection_delay,
    false_alarms_per_day_scorer,
)
from skdqm.metrics._bootstrap import BootstrapInterval, bootstrap_interval
from skdqm.metrics._by_run import evaluate_by_run
from skdqm.metrics._evaluation import evaluate_labels, evaluate_scores
from skdqm.metrics._named_scorers import (
    anomaly_accuracy_scorer,
    anomaly_average_precision_scorer,
    anomaly_background_rejection_scorer,
    anomaly_f1_scorer,
    anomaly_false_discovery_rate_scorer,
    anomaly_max_sic_scorer,
    anomaly_partial_roc_auc_scorer,
    anomaly_precision_at_k_scorer,
    anomaly_precision_scorer,
    anomaly_recall_scorer,
    anomaly_roc_auc_scorer,
    anomaly_signal_efficiency_scorer,
    get_anomaly_scorer,
    get_anomaly_scorer_names,
)
from skdqm.metrics._ranking import partial_roc_auc, precision_at_k
from skdqm.metrics._scorers import make_anomaly_scorer
from skdqm.metrics._scores import (
    background_rejection,
    false_discovery_rate,
    max_sic_score,
    signal_efficiency,
    significance_improvement_curve,
)

__all__ = [
    "BootstrapInterval",
    "DetectionDelays",
    "alarms_per_day",
    "alarms_per_run",
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
    "background_rejection",
    "bootstrap_interval",
    "detection_delay",
    "evaluate_by_run",
    "evaluate_labels",
    "evaluate_scores",
    "false_alarms_per_day_scorer",
    "false_discovery_rate",
    "get_anomaly_scorer",
    "get_anomaly_scorer_names",
    "make_anomaly_scorer",
    "max_sic_score",
    "partial_roc_auc",
    "precision_at_k",
    "signal_efficiency",
    "significance_improvement_curve",
]
