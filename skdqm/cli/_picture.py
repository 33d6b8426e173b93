"""Pictures of an evaluation: scores, curves, and what made the most abnormal rows so.

What a Display draws is drawn by it; here are figures of merit beside it, and what none draws.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DPI = 120
# Maps in a picture, and in a line of it.
MOST_MAPS, MAPS_PER_LINE = 30, 5
CLASSES = ("background", "signal")
SHARES = (-0.02, 1.02)


@dataclass(frozen=True, eq=False)
class Evaluated:
    """What the curves show.

    Attributes
    ----------
    labels : ndarray of shape (n_rows,)
        1 for signal and 0 for background.
    scores : ndarray of shape (n_rows,)
        Anomaly scores; high is abnormal.
    threshold : float
        Rows above it are flagged.
    figures : dict
        Figures of merit by name, each with the keys estimate, low and high.
    """

    labels: "NDArray[np.int64]"
    scores: "NDArray[np.float64]"
    threshold: float
    figures: dict[str, dict[str, Any]]

    def shown(self, name: str, digits: str = ".3f") -> str:
        """Return a figure as text, with its interval where there is one."""
        estimate, low, high = (self.figures[name][key] for key in ("estimate", "low", "high"))
        interval = "" if low is None else f" [{low:{digits}}, {high:{digits}}]"
        return f"{estimate:{digits}}{interval}"

    def at_threshold(self) -> tuple[float, float]:
        """Return the shares of background and signal that the threshold flags."""
        names = ("background_flagged", "signal_detected")
        background, signal = (self.figures[name]["estimate"] for name in names)
        return background, signal


def save_picture(
    path: Path,
    labels: "NDArray[np.int64]",
    anomaly_score: "NDArray[np.float64]",
    *,
    threshold: float,
) -> None:
    """Draw in one picture how scores part signal (label 1) from background (label 0)."""
    from matplotlib.figure import Figure

    from skdqm.inspection import RocSicDisplay

    figure = Figure(figsize=(13, 4), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    _distributions(left, labels, anomaly_score, threshold)
    RocSicDisplay.from_predictions(labels, anomaly_score, ax=[middle, right])
    figure.savefig(path, dpi=DPI)


def save(draw: Callable[..., Any], *arguments: Any) -> None:
    """Draw into a new figure and write it to the path that the last argument gives."""
    from matplotlib.figure import Figure

    *shown, path = arguments
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    draw(figure, *shown)
    figure.savefig(path, dpi=DPI)


def draw_scores(figure: Any, evaluated: Evaluated) -> None:
    """Draw the distributions of the scores of signal and background, and the threshold."""
    axes = figure.subplots()
    _distributions(axes, evaluated.labels, evaluated.scores, evaluated.threshold)
    background, signal = evaluated.at_threshold()
    flagged = f"{100 * background:.3g} % of background, {100 * signal:.3g} % of signal"
    axes.set_title(f"Above the threshold: {flagged}")


def draw_roc(figure: Any, evaluated: Evaluated) -> None:
    """Draw the ROC curve, and beside it background rejection, which shows its left end."""
    from skdqm.inspection._roc_sic import draw_roc
    from skdqm.inspection._style import MARK

    figure.set_size_inches(11, 4.5)
    left, right = figure.subplots(1, 2)
    draw_roc(left, evaluated.labels, evaluated.scores, f"AUC = {evaluated.shown('roc_auc')}")
    left.plot(*evaluated.at_threshold(), **MARK, label="threshold")
    left.legend(loc="lower right")
    left.set_title("ROC")
    _rejection(right, evaluated)


def _rejection(axes: Any, evaluated: Evaluated) -> None:
    import numpy as np
    from sklearn.metrics import roc_curve

    from skdqm.inspection._common import thinned
    from skdqm.inspection._style import GUIDE, LINE, MARK

    fpr, tpr, _ = roc_curve(evaluated.labels, evaluated.scores)
    kept = thinned(len(fpr))
    kept = kept[(fpr[kept] > 0) & (tpr[kept] > 0)]
    axes.plot(tpr[kept], 1 / fpr[kept], **LINE)
    chance = np.linspace(0.01, 1)
    axes.plot(chance, 1 / chance, **GUIDE, label="chance")
    background, signal = evaluated.at_threshold()
    if background > 0:
        axes.plot([signal], [1 / background], **MARK, label="threshold")
    name = "background rejection (1 / background efficiency)"
    axes.set(xlabel="signal efficiency", ylabel=name, yscale="log", xlim=SHARES)
    axes.set_title("Background rejection")
    axes.legend(framealpha=1)


def draw_precision_recall(figure: Any, evaluated: Evaluated) -> None:
    """Draw how pure the flagged rows are against how much of the signal they hold."""
    from sklearn.metrics import precision_recall_curve

    from skdqm.inspection._common import thinned
    from skdqm.inspection._style import GUIDE, LINE, MARK

    precision, recall, _ = precision_recall_curve(evaluated.labels, evaluated.scores)
    precision, recall = precision[recall > 0], recall[recall > 0]  # one point is no cut's
    kept = thinned(len(recall))
    axes = figure.subplots()
    label = f"average precision = {evaluated.shown('average_precision')}"
    axes.plot(recall[kept], precision[kept], label=label, **LINE)
    share = float(evaluated.labels.mean())
    axes.axhline(share, **GUIDE, label=f"chance: {share:.1%} of the rows are signal")
    _, detected = evaluated.at_threshold()
    axes.plot([detected], [evaluated.figures["precision"]["estimate"]], **MARK, label="threshold")
    axes.set(xlabel="recall (share of the signal flagged)", xlim=SHARES, ylim=SHARES)
    axes.set(ylabel="precision (share of signal in the flagged)", title="Precision and recall")
    axes.legend()


def draw_improvement(figure: Any, evaluated: Evaluated) -> None:
    """Draw the significance improvement."""
    from skdqm.inspection._roc_sic import draw_improvement

    axes = figure.subplots()
    label = f"maximum = {evaluated.shown('max_sic', '.2f')}"
    draw_improvement(axes, evaluated.labels, evaluated.scores, label)
    axes.set_title(">= 25 background events left")
    axes.legend()


def draw_shares(
    figure: Any,
    rows: Sequence[str],
    shares: "NDArray[np.float64]",
    name: Callable[[int], str],
) -> None:
    """Draw a heat map of the features' shares in the most abnormal rows."""
    from skdqm.inspection import FeatureScoresDisplay
    from skdqm.inspection._feature_scores import table_size

    figure.set_size_inches(*table_size(*shares.shape))
    names = [name(feature) for feature in range(shares.shape[1])]
    told: dict[str, Any] = {"names": names, "rows": rows, "sort": False}
    label = "share of the row's feature scores"
    FeatureScoresDisplay.from_feature_scores(shares, label=label, ax=figure.subplots(), **told)
    figure.suptitle("What made rows abnormal, the most abnormal on top")


def draw_maps(figure: Any, rows: Sequence[str], shares: "NDArray[np.float64]") -> None:
    """Draw where the most abnormal images are abnormal; channels are added up."""
    from skdqm.inspection._style import MAP

    rows, maps = rows[:MOST_MAPS], shares[:MOST_MAPS].sum(axis=1)
    n_lines = -(-len(maps) // MAPS_PER_LINE)
    figure.set_size_inches(2.2 * MAPS_PER_LINE + 1, 2.4 * n_lines + 0.6)
    grid = figure.subplots(n_lines, MAPS_PER_LINE, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, row, shown in zip(grid.flat, rows, maps, strict=False):
        image = axes.imshow(shown, cmap=MAP, vmin=0, vmax=maps.max())
        axes.set_axis_on()
        axes.set(xticks=[], yticks=[])
        axes.set_title(row, fontsize="small")
    figure.suptitle("Where images are abnormal, the most abnormal first")
    figure.colorbar(image, ax=grid, label="share of the image's feature scores")


def _distributions(
    axes: Any, labels: "NDArray[np.int64]", scores: "NDArray[np.float64]", threshold: float
) -> None:
    from skdqm.inspection import ScoreDistributionDisplay

    told: dict[str, Any] = {"threshold": threshold, "names": CLASSES}
    ScoreDistributionDisplay.from_predictions(labels, scores, ax=axes, **told)
