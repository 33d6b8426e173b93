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
from skdqm.metrics._stream_alarms import AlarmStorms, alarm_storms, windowed_false_alarm_rate
from skdqm.metrics._stream_auc import (
    PrequentialFigures,
    normalised_roc_auc,
    prequential_roc_auc,
    windowed_roc_auc,
)
from skdqm.metrics._stream_learning import (
    AdaptationGain,
    PoisoningLoss,
    adaptation_gain,
    poisoning_loss,
    share_of_faulty_learned,
)
from skdqm.metrics._stream_recovery import RecoveryTimes, recovery_time, time_to_detection
from skdqm.metrics._stream_transfer import (
    backward_transfer,
    forgetting,
    forward_transfer,
    lifelong_score,
)
from skdqm.metrics._stream_windows import WindowedFigures

__all__ = [
    "AdaptationGain",
    "AlarmStorms",
    "BootstrapInterval",
    "DetectionDelays",
    "PoisoningLoss",
    "PrequentialFigures",
    "RecoveryTimes",
    "WindowedFigures",
    "adaptation_gain",
    "alarm_storms",
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
    "backward_transfer",
    "bootstrap_interval",
    "detection_delay",
    "evaluate_by_run",
    "evaluate_labels",
    "evaluate_scores",
    "false_alarms_per_day_scorer",
    "false_discovery_rate",
    "forgetting",
    "forward_transfer",
    "get_anomaly_scorer",
    "get_anomaly_scorer_names",
    "lifelong_score",
    "make_anomaly_scorer",
    "max_sic_score",
    "normalised_roc_auc",
    "partial_roc_auc",
    "poisoning_loss",
    "precision_at_k",
    "prequential_roc_auc",
    "recovery_time",
    "share_of_faulty_learned",
    "signal_efficiency",
    "significance_improvement_curve",
    "time_to_detection",
    "windowed_false_alarm_rate",
    "windowed_roc_auc",
]
