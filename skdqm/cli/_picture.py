"""The picture of the demo: distributions of the scores, ROC curve, significance improvement."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def save_picture(
    path: Path,
    labels: "NDArray[np.int64]",
    anomaly_score: "NDArray[np.float64]",
    *,
    threshold: float,
) -> None:
    """Draw how scores part signal (label 1) from background (label 0)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    _draw_distributions(left, labels, anomaly_score, threshold)
    _draw_roc(middle, labels, anomaly_score)
    _draw_improvement(right, labels, anomaly_score)
    figure.savefig(path, dpi=120)


def _draw_distributions(
    axes: Any, labels: "NDArray[np.int64]", scores: "NDArray[np.float64]", threshold: float
) -> None:
    import numpy as np

    # All but the few largest scores, which would squeeze the rest into one bin.
    low, high = np.quantile(scores, [0, 0.999])
    bins = np.linspace(low, max(high, threshold), 60)
    for label, name in ((0, "background"), (1, "signal")):
        axes.hist(scores[labels == label], bins, density=True, histtype="step", label=name)
    axes.axvline(threshold, color="black", linestyle="--", label="threshold")
    axes.set(xlabel="anomaly score", ylabel="density", yscale="log", title="Scores")
    axes.legend()


def _draw_roc(axes: Any, labels: "NDArray[np.int64]", scores: "NDArray[np.float64]") -> None:
    from sklearn.metrics import roc_auc_score, roc_curve

    background, signal, _ = roc_curve(labels, scores)
    axes.plot(background, signal, label=f"AUC = {roc_auc_score(labels, scores):.3f}")
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label="chance")
    axes.set(xlabel="background efficiency", ylabel="signal efficiency", title="ROC")
    axes.legend()


def _draw_improvement(
    axes: Any, labels: "NDArray[np.int64]", scores: "NDArray[np.float64]"
) -> None:
    from skdqm.metrics import significance_improvement_curve

    efficiency, improvement = significance_improvement_curve(labels, scores)
    axes.plot(efficiency, improvement)
    axes.axhline(1, color="grey", linestyle=":")
    axes.set(
        xlabel="signal efficiency",
        ylabel="efficiency ratio S / sqrt(B)",
        title="Significance improvement",
    )
