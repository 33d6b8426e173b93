"""How far scores part anomalies from normal rows: ROC and significance improvement."""

from typing import Any, Self

from numpy.typing import ArrayLike

from skdqm.base import anomaly_score_of
from skdqm.inspection._common import checked, checked_labels, many_axes, thinned
from skdqm.inspection._style import GUIDE, LINE


class RocSicDisplay:
    """ROC curve, and significance improvement against signal efficiency.

    Improvements are drawn where at least 25 background events survive the cut, as in
    :func:`skdqm.metrics.significance_improvement_curve`.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        1 = anomaly, 0 = normal.
    y_score : array-like of shape (n_samples,)
        Anomaly scores; high is abnormal.
    name : str, default=None
        Name in the legend.

    Attributes
    ----------
    ax_ : ndarray of matplotlib Axes of shape (2,)
        Axes of the last plot.
    figure_ : matplotlib Figure
        Figure of the last plot.

    Examples
    --------
    >>> from skdqm.inspection import RocSicDisplay
    >>> display = RocSicDisplay.from_predictions([0, 0, 1, 1], [0.1, 0.3, 0.2, 2.0])
    >>> display.ax_.shape
    (2,)
    """

    def __init__(self, y_true: ArrayLike, y_score: ArrayLike, *, name: str | None = None) -> None:
        self.y_true = y_true
        self.y_score = y_score
        self.name = name

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: ArrayLike, *, name: str | None = None, ax: Any = None
    ) -> Self:
        """Plot the curves of a fitted detector or Pipeline.

        Parameters
        ----------
        estimator : object
            Fitted; with ``score_samples``.
        X : array-like of shape (n_samples, n_features)
            Rows to score.
        y : array-like of shape (n_samples,)
            1 = anomaly, 0 = normal.
        name : str, default=None
            Name in the legend; that of the class if None.
        ax : matplotlib Axes or array of two, default=None
            Where to plot; a new figure if None.

        Returns
        -------
        display : RocSicDisplay
            Plotted.

        Raises
        ------
        DataError
            When labels do not match, a class is missing, or a score is not finite.
        UsageError
            When `ax` holds another number of axes.
        """
        name = type(estimator).__name__ if name is None else name
        return cls.from_predictions(y, anomaly_score_of(estimator, X), name=name, ax=ax)

    @classmethod
    def from_predictions(
        cls, y_true: ArrayLike, y_score: ArrayLike, *, name: str | None = None, ax: Any = None
    ) -> Self:
        """Plot the curves of known scores.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            1 = anomaly, 0 = normal.
        y_score : array-like of shape (n_samples,)
            Anomaly scores; high is abnormal.
        name : str, default=None
            Name in the legend.
        ax : matplotlib Axes or array of two, default=None
            Where to plot; a new figure if None.

        Returns
        -------
        display : RocSicDisplay
            Plotted.

        Raises
        ------
        DataError
            When labels do not match, a class is missing, or a score is not finite.
        UsageError
            When `ax` holds another number of axes.
        """
        return cls(y_true, y_score, name=name).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the picture.

        Parameters
        ----------
        ax : matplotlib Axes or array of two, default=None
            Where to plot; a new figure if None.

        Returns
        -------
        display : RocSicDisplay
            With ``ax_`` and ``figure_``.

        Raises
        ------
        DataError
            When labels do not match, a class is missing, or a score is not finite.
        UsageError
            When `ax` holds another number of axes.
        """
        from sklearn.metrics import roc_auc_score

        scores = checked(self.y_score, "y_score")
        labels = checked_labels(self.y_true, len(scores)).astype(int)
        self.ax_ = many_axes(ax, 1, 2, (9, 4))[0]
        self.figure_: Any = self.ax_[0].figure
        area = f"AUC = {roc_auc_score(labels, scores):.3f}"
        label = area if self.name is None else f"{self.name}, {area}"
        draw_roc(self.ax_[0], labels, scores, label)
        draw_improvement(self.ax_[1], labels, scores, label)
        self.ax_[0].legend(loc="lower right")
        return self


def draw_roc(ax: Any, labels: Any, scores: Any, label: str) -> None:
    """Draw a ROC curve and chance, without a legend."""
    from sklearn.metrics import roc_curve

    false, true, _ = roc_curve(labels, scores)
    kept = thinned(len(false))
    ax.plot(false[kept], true[kept], label=label, **LINE)
    ax.plot([0, 1], [0, 1], label="chance", **GUIDE)
    ax.set(xlabel="background efficiency", ylabel="signal efficiency")


def draw_improvement(ax: Any, labels: Any, scores: Any, label: str) -> None:
    """Draw significance improvement and what no cut gives, without a legend."""
    from skdqm.metrics import significance_improvement_curve

    efficiency, improvement = significance_improvement_curve(labels, scores)
    kept = thinned(len(efficiency))
    ax.plot(efficiency[kept], improvement[kept], label=label, **LINE)
    ax.axhline(1, label="no cut", **GUIDE)
    meaning = "signal efficiency / sqrt(background efficiency)"
    ax.set(xlabel="signal efficiency", ylabel=f"significance improvement\n{meaning}")
    ax.set_xlim(-0.02, 1.02)
