"""Pictures of an evaluation: scores, curves, and what made the most abnormal rows so.

Lines and shades differ in a print without colours too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DPI = 120
# Points of a curve that a picture of this size can show, and of a heat map rows and columns.
CURVE_POINTS = 2000
MOST_ROWS = 30
MOST_FEATURES = 40
MAPS_PER_LINE = 5
BACKGROUND, SIGNAL = "0.8", "tab:red"
SHARES = (-0.02, 1.02)
GUIDE = {"color": "0.4", "linestyle": ":"}


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

    figure = Figure(figsize=(12, 4), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    _distributions(left, labels, anomaly_score, threshold)
    _roc(middle, labels, anomaly_score, f"AUC = {_area(labels, anomaly_score):.3f}")
    middle.legend()
    _improvement(right, labels, anomaly_score)
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
    import numpy as np

    figure.set_size_inches(11, 4.5)
    left, right = figure.subplots(1, 2)
    _roc(left, evaluated.labels, evaluated.scores, f"AUC = {evaluated.shown('roc_auc')}")
    background, signal = evaluated.at_threshold()
    mark = {"color": "black", "marker": "o", "linestyle": "none"}
    left.plot([background], [signal], **mark, label="threshold")
    left.legend(loc="lower right")
    fpr, tpr = _roc_points(evaluated.labels, evaluated.scores)
    kept = (fpr > 0) & (tpr > 0)
    right.plot(tpr[kept], 1 / fpr[kept], color=SIGNAL)
    chance = np.linspace(0.01, 1)
    right.plot(chance, 1 / chance, **GUIDE, label="chance")
    if background > 0:
        right.plot([signal], [1 / background], **mark, label="threshold")
    right.set(
        xlabel="signal efficiency",
        ylabel="background rejection (1 / background efficiency)",
        yscale="log",
        xlim=SHARES,
        title="Background rejection",
    )
    right.legend(framealpha=1)


def draw_precision_recall(figure: Any, evaluated: Evaluated) -> None:
    """Draw how pure the flagged rows are against how much of the signal they hold."""
    from sklearn.metrics import precision_recall_curve

    precision, recall, _ = precision_recall_curve(evaluated.labels, evaluated.scores)
    kept = recall > 0  # scikit-learn adds a point that no cut gives
    axes = figure.subplots()
    label = f"average precision = {evaluated.shown('average_precision')}"
    axes.plot(*_thinned(recall[kept], precision[kept]), color=SIGNAL, label=label)
    share = float(evaluated.labels.mean())
    axes.axhline(share, **GUIDE, label=f"chance: {share:.1%} of the rows are signal")
    _, detected = evaluated.at_threshold()
    purity = evaluated.figures["precision"]["estimate"]
    axes.plot([detected], [purity], "o", color="black", label="threshold")
    axes.set(
        xlabel="recall (share of the signal flagged)",
        ylabel="precision (share of signal in the flagged)",
        xlim=SHARES,
        ylim=SHARES,
        title="Precision and recall",
    )
    axes.legend()


def draw_improvement(figure: Any, evaluated: Evaluated) -> None:
    """Draw the significance improvement."""
    axes = figure.subplots()
    _improvement(axes, evaluated.labels, evaluated.scores)
    curve, guide = axes.lines
    curve.set_label(f"maximum = {evaluated.shown('max_sic', '.2f')}")
    guide.set_label("no cut")
    axes.set_title("Significance improvement (>= 25 background events left)")
    axes.legend()


def draw_shares(
    figure: Any,
    rows: Sequence[str],
    shares: "NDArray[np.float64]",
    name: Callable[[int], str],
) -> None:
    """Draw a heat map of the features' shares in the most abnormal rows."""
    rows, shares = rows[:MOST_ROWS], shares[:MOST_ROWS]
    chosen = _telling(shares)
    figure.set_size_inches(max(6.5, 3.5 + 0.28 * len(chosen)), 2.5 + 0.22 * len(rows))
    axes = figure.subplots()
    image = axes.imshow(shares[:, chosen], cmap="Greys", vmin=0, aspect="auto")
    axes.set_xticks(range(len(chosen)), [name(int(each)) for each in chosen], rotation=90)
    axes.set_yticks(range(len(rows)), rows)
    n_features = shares.shape[1]
    some = "" if len(chosen) == n_features else f" ({len(chosen)} of {n_features:,} features)"
    figure.suptitle(f"What made rows abnormal{some}, the most abnormal on top")
    figure.colorbar(image, label="share of the row's feature scores")


def draw_maps(figure: Any, rows: Sequence[str], shares: "NDArray[np.float64]") -> None:
    """Draw where the most abnormal images are abnormal; channels are added up."""
    rows, maps = rows[:MOST_ROWS], shares[:MOST_ROWS].sum(axis=1)
    n_lines = -(-len(maps) // MAPS_PER_LINE)
    figure.set_size_inches(2.2 * MAPS_PER_LINE + 1, 2.4 * n_lines + 0.6)
    grid = figure.subplots(n_lines, MAPS_PER_LINE, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, row, shown in zip(grid.flat, rows, maps, strict=False):
        image = axes.imshow(shown, cmap="Greys", vmin=0, vmax=maps.max())
        axes.set_axis_on()
        axes.set(xticks=[], yticks=[])
        axes.set_title(row, fontsize="small")
    figure.suptitle("Where images are abnormal, the most abnormal first")
    figure.colorbar(image, ax=grid, label="share of the image's feature scores")


def _distributions(
    axes: Any, labels: "NDArray[np.int64]", scores: "NDArray[np.float64]", threshold: float
) -> None:
    import numpy as np

    # The few largest scores would squeeze the rest into one bin: the last one holds them.
    low, high = np.quantile(scores, [0, 0.999])
    bins = np.histogram_bin_edges([], 50, (low, max(high, threshold)))
    shown = np.clip(scores, bins[0], bins[-1])
    shared = {"bins": bins, "density": True}
    axes.hist(shown[labels == 0], **shared, color=BACKGROUND, label="background")
    style = {"histtype": "step", "color": SIGNAL, "linewidth": 1.8}
    axes.hist(shown[labels == 1], **shared, **style, label="signal")
    axes.axvline(threshold, color="black", linestyle="--", label="threshold")
    axes.set(
        xlabel="anomaly score (the last bin holds all above)",
        ylabel="density",
        yscale="log",
        title="Scores",
    )
    axes.legend(framealpha=1)


def _roc(axes: Any, labels: "NDArray[np.int64]", scores: "NDArray[np.float64]", label: str) -> None:
    axes.plot(*_roc_points(labels, scores), color=SIGNAL, label=label)
    axes.plot([0, 1], [0, 1], **GUIDE, label="chance")
    axes.set(xlabel="background efficiency", ylabel="signal efficiency", title="ROC")


def _improvement(axes: Any, labels: "NDArray[np.int64]", scores: "NDArray[np.float64]") -> None:
    from skdqm.metrics import significance_improvement_curve

    curve = significance_improvement_curve(labels, scores)
    axes.plot(*_thinned(*curve), color=SIGNAL)
    axes.axhline(1, **GUIDE)
    axes.set(
        xlabel="signal efficiency",
        ylabel="signal efficiency / sqrt(background efficiency)",
        xlim=SHARES,
        title="Significance improvement",
    )


def _roc_points(
    labels: "NDArray[np.int64]", scores: "NDArray[np.float64]"
) -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
    from sklearn.metrics import roc_curve

    background, signal, _ = roc_curve(labels, scores)
    return _thinned(background, signal)


def _area(labels: "NDArray[np.int64]", scores: "NDArray[np.float64]") -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(labels, scores))


def _thinned(
    x: "NDArray[np.float64]", y: "NDArray[np.float64]"
) -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
    """Leave out points of a curve that lie closer than what can be seen."""
    import numpy as np

    if len(x) <= CURVE_POINTS:
        return x, y
    # Half of them evenly, half ever closer to the left end, which a logarithm spreads.
    half, last = CURVE_POINTS // 2, len(x) - 1
    kept = np.concatenate([np.linspace(0, last, half), np.geomspace(1, last, half)])
    kept = np.unique(kept.round().astype(int))
    return x[kept], y[kept]


def _telling(shares: "NDArray[np.float64]") -> "NDArray[np.int64]":
    """Choose the features with the largest share in any row, in their order."""
    import numpy as np

    strongest = np.argsort(-shares.max(axis=0), kind="stable")
    chosen: NDArray[np.int64] = np.sort(strongest[:MOST_FEATURES])
    return chosen
