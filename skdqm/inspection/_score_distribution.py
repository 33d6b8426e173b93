"""How anomaly scores of normal and of anomalous rows are distributed."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skdqm.base import anomaly_score_of
from skdqm.exceptions import DataError
from skdqm.inspection._common import checked, checked_labels, checked_names, one_axes, threshold_of
from skdqm.inspection._style import ANOMALY, NORMAL, THRESHOLD

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BINS = 50
NAMES = ("normal", "anomaly")


class ScoreDistributionDisplay:
    """Histograms of the anomaly scores of normal and anomalous rows, with the threshold.

    The last bin holds the largest 0.1 % of the scores too: they would squeeze all others.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or None
        1 = anomaly, 0 = normal; None: not known.
    y_score : array-like of shape (n_samples,)
        Anomaly scores; high is abnormal.
    threshold : float, default=None
        Rows above it are flagged.
    names : tuple of str, default=("normal", "anomaly")
        Names of the classes 0 and 1 in the legend.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the last plot.
    figure_ : matplotlib Figure
        Figure of the last plot.

    Examples
    --------
    >>> from skdqm.inspection import ScoreDistributionDisplay
    >>> display = ScoreDistributionDisplay.from_predictions([0, 0, 1], [0.1, 0.3, 2.0])
    >>> display.ax_.get_xlabel()
    'anomaly score (the last bin holds all above)'
    """

    def __init__(
        self,
        y_true: ArrayLike | None,
        y_score: ArrayLike,
        *,
        threshold: float | None = None,
        names: tuple[str, str] = NAMES,
    ) -> None:
        self.y_true = y_true
        self.y_score = y_score
        self.threshold = threshold
        self.names = names

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: ArrayLike | None = None, *, ax: "Axes | None" = None
    ) -> Self:
        """Plot the scores that a fitted detector or Pipeline gives.

        Parameters
        ----------
        estimator : object
            Fitted; with ``score_samples``.
        X : array-like of shape (n_samples, n_features)
            Rows to score.
        y : array-like of shape (n_samples,), default=None
            1 = anomaly, 0 = normal.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure if None.

        Returns
        -------
        display : ScoreDistributionDisplay
            Plotted.

        Raises
        ------
        DataError
            When labels do not match, or a score is not finite.
        """
        scores = anomaly_score_of(estimator, X)
        return cls.from_predictions(y, scores, threshold=threshold_of(estimator), ax=ax)

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike | None,
        y_score: ArrayLike,
        *,
        threshold: float | None = None,
        names: tuple[str, str] = NAMES,
        ax: "Axes | None" = None,
    ) -> Self:
        """Plot scores that are known.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,) or None
            1 = anomaly, 0 = normal; None: not known.
        y_score : array-like of shape (n_samples,)
            Anomaly scores; high is abnormal.
        threshold : float, default=None
            Drawn where given.
        names : tuple of str, default=("normal", "anomaly")
            Names of the classes 0 and 1 in the legend.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure if None.

        Returns
        -------
        display : ScoreDistributionDisplay
            Plotted.

        Raises
        ------
        DataError
            When labels do not match, or a score or the threshold is not finite.
        UsageError
            When names are not two.
        """
        return cls(y_true, y_score, threshold=threshold, names=names).plot(ax)

    def plot(self, ax: "Axes | None" = None) -> Self:
        """Draw the picture.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to plot; a new figure if None.

        Returns
        -------
        display : ScoreDistributionDisplay
            With ``ax_`` and ``figure_``.

        Raises
        ------
        DataError
            When labels do not match, or a score or the threshold is not finite.
        UsageError
            When names are not two.
        """
        scores = checked(self.y_score, "y_score")
        if self.threshold is not None and not np.isfinite(self.threshold):
            raise DataError(f"threshold is {self.threshold}; expected a finite number or None")
        known = (
            None if self.y_true is None else checked_labels(self.y_true, len(scores), both=False)
        )
        names = checked_names(self.names, 2)
        self.ax_ = one_axes(ax)
        self.figure_: Any = self.ax_.figure
        low, high = np.quantile(scores, [0, 0.999])
        top = max(high, high if self.threshold is None else self.threshold)
        bins = np.histogram_bin_edges([], BINS, (low, top if top > low else low + 1))
        shown = np.clip(scores, bins[0], bins[-1])
        self._draw(shown, known, bins, names)
        self.ax_.set(
            xlabel="anomaly score (the last bin holds all above)", ylabel="density", yscale="log"
        )
        self.ax_.legend(framealpha=1)
        return self

    def _draw(self, shown: Any, known: Any, bins: Any, names: list[str]) -> None:
        normal, label = (shown, "all rows") if known is None else (shown[~known], names[0])
        if len(normal):
            self.ax_.hist(normal, bins=bins, density=True, label=label, **NORMAL)
        if known is not None and known.any():
            step: dict[str, Any] = {"histtype": "step", "label": names[1], **ANOMALY}
            self.ax_.hist(shown[known], bins=bins, density=True, **step)
        if self.threshold is not None:
            self.ax_.axvline(self.threshold, label="threshold", **THRESHOLD)
