"""The figures of merit that ``skdqm evaluate`` knows, and their uncertainties."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from skdqm.cli._labelled import Labelled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MEANINGS = {
    "roc_auc": "area under the ROC curve",
    "partial_roc_auc_10pct": "area under the ROC curve up to 10 % background, standardised",
    "average_precision": "average precision",
    "precision_at_k": "share of signal in as many top rows as there is signal",
    "max_sic": "largest significance improvement, >= 25 background events",
    "background_rejection_30": "background rejection at 30 % signal efficiency",
    "background_rejection_50": "background rejection at 50 % signal efficiency",
    "signal_efficiency_1pct": "signal efficiency at 1 % background",
    "fdr_99": "false discovery rate at 99 % detection",
    "background_flagged": "background flagged at the model's threshold",
    "signal_detected": "signal detected at the model's threshold (recall)",
    "precision": "share of signal in the flagged rows",
    "f1": "F1 of the flags",
    "accuracy": "accuracy of the flags",
    "n_background": "background rows",
    "n_signal": "signal rows",
}
CONFIDENCE_LEVEL = 0.95
# Intervals come from so many resamples, fewer of many rows: some seconds in all. Below the fewest
# their ends mean nothing, and from so many rows they would be narrow.
MOST_RESAMPLES = 1000
FEWEST_RESAMPLES = 100
RESAMPLED_ROWS = 100_000_000


def figures_of(
    is_signal: "NDArray[np.int64]", anomaly_score: "NDArray[np.float64]", *, offset: float
) -> dict[str, float]:
    """Return the figures of scores, and those of the flags at a detector's ``offset_``."""
    import numpy as np

    from skdqm.metrics import evaluate_labels, evaluate_scores

    figures = evaluate_scores(is_signal, anomaly_score)
    flags = evaluate_labels(is_signal, np.where(-anomaly_score - offset < 0, -1, 1))
    return {
        **figures,
        "background_flagged": flags["false_alarm_rate"],
        "signal_detected": flags["recall"],
        **{name: flags[name] for name in ("precision", "f1", "accuracy")},
    }


@dataclass(frozen=True)
class Uncertain:
    """Figures with their bootstrap intervals.

    Attributes
    ----------
    figures : dict
        By name: the estimate, the ends of the interval and the standard error, the latter None
        without resamples.
    n_resamples : int
        Number of resamples, 0 of too many rows.
    """

    figures: dict[str, dict[str, Any]]
    n_resamples: int


def with_intervals(found: Labelled, offset: float) -> Uncertain:
    """Return the figures of a file with intervals, unless it has too many rows for them."""
    from skdqm.metrics import bootstrap_interval

    metric = partial(figures_of, offset=offset)
    n_resamples = min(MOST_RESAMPLES, RESAMPLED_ROWS // len(found.scores))
    if n_resamples < FEWEST_RESAMPLES:
        unknown = {"low": None, "high": None, "standard_error": None}
        estimates = metric(found.is_signal, -found.scores)
        return Uncertain({name: {"estimate": x, **unknown} for name, x in estimates.items()}, 0)
    intervals = bootstrap_interval(
        metric,
        found.is_signal,
        -found.scores,
        confidence_level=CONFIDENCE_LEVEL,
        n_resamples=n_resamples,
        random_state=0,
    )
    return Uncertain({name: each._asdict() for name, each in intervals.items()}, n_resamples)
