"""How far the members of an ensemble rank rows alike."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from skdqm.exceptions import DataError
from skdqm.inspection._common import checked, checked_names, one_axes, rows_for
from skdqm.inspection._style import MAP

# Inches of a cell in a new figure; how much wider a cell is than its text is high, at least; and
# points of text below which nobody reads it.
CELL, CELL_PER_SIZE, SMALLEST_TEXT = 0.5, 3.0, 5.0
CENTRED: dict[str, Any] = {"ha": "center", "va": "center"}


class AgreementDisplay:
    """Rank correlation (Spearman) of the scores of every two members, with figures in the cells.

    In axes too small for them the figures are left out.

    Parameters
    ----------
    member_scores : DataFrame or array-like of shape (n_samples, n_members)
        Scores of each member.
    names : sequence of str, default=None
        Names of the members; columns of a frame if None.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the last plot.
    figure_ : matplotlib Figure
        Figure of the last plot.

    Examples
    --------
    >>> from skdqm.inspection import AgreementDisplay
    >>> display = AgreementDisplay.from_member_scores([[1, 1], [2, 3], [3, 2]])
    >>> display.ax_.texts[1].get_text()
    '0.50'
    """

    def __init__(self, member_scores: Any, *, names: Sequence[str] | None = None) -> None:
        self.member_scores = member_scores
        self.names = names

    @classmethod
    def from_estimator(cls, ensemble: Any, X: Any, *, ax: Any = None) -> Self:
        """Plot how the members of a fitted ensemble agree on rows.

        Parameters
        ----------
        ensemble : object
            Fitted, with ``member_scores``; or a Pipeline that ends in one.
        X : array-like of shape (n_samples, n_features)
            Rows.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure if None.

        Returns
        -------
        display : AgreementDisplay
            Plotted.

        Raises
        ------
        DataError
            When a value is not finite, or a member gives all rows the same score.
        UsageError
            When the estimator has no ``member_scores``, or there is not one name for each member.
        """
        detector, rows = rows_for(ensemble, "member_scores", X)
        scores = np.asarray(detector.member_scores(rows))
        names = list(getattr(detector, "named_detectors_", ())) or None
        return cls.from_member_scores(scores, names=names, ax=ax)

    @classmethod
    def from_member_scores(
        cls, member_scores: Any, *, names: Sequence[str] | None = None, ax: Any = None
    ) -> Self:
        """Plot known scores of members.

        Parameters
        ----------
        member_scores : DataFrame or array-like of shape (n_samples, n_members)
            Scores of each member.
        names : sequence of str, default=None
            Names of the members.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure if None.

        Returns
        -------
        display : AgreementDisplay
            Plotted.

        Raises
        ------
        DataError
            When a value is not finite, or a member gives all rows the same score.
        UsageError
            When there is not one name for each member.
        """
        return cls(member_scores, names=names).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the picture.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to plot; a new figure if None.

        Returns
        -------
        display : AgreementDisplay
            With ``ax_`` and ``figure_``.

        Raises
        ------
        DataError
            When a value is not finite, or a member gives all rows the same score.
        UsageError
            When there is not one name for each member.
        """
        from scipy.stats import rankdata

        scores = checked(self.member_scores, "member_scores", 2)
        if scores.shape[0] < 2 or np.any(np.ptp(scores, axis=0) == 0):
            raise DataError("a member gives all rows the same score; ranks need two scores or more")
        columns = getattr(self.member_scores, "columns", None)
        names = checked_names(
            columns if self.names is None else self.names, scores.shape[1], "member "
        )
        ranks = rankdata(scores, axis=0)
        found = np.atleast_2d(np.corrcoef(ranks, rowvar=False))
        side = CELL * len(names)
        self.ax_ = one_axes(ax, (max(6.4, side + 3), max(4.2, side + 1.5)))
        self.figure_: Any = self.ax_.figure
        image = self.ax_.imshow(found, cmap=MAP, vmin=-1, vmax=1)
        self._write(found)
        self.ax_.set_xticks(
            range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor"
        )
        self.ax_.set_yticks(range(len(names)), names)
        self.figure_.colorbar(image, ax=self.ax_, label="rank correlation")
        return self

    def _write(self, found: Any) -> None:
        box = self.ax_.get_window_extent()
        cell = min(box.width, box.height) / self.figure_.dpi * 72 / len(found)
        size = min(10.0, cell / CELL_PER_SIZE)
        if size < SMALLEST_TEXT:
            return
        for row, column in np.ndindex(*found.shape):
            colour = "white" if found[row, column] > 0.3 else "black"
            text = f"{found[row, column]:z.2f}"
            self.ax_.text(column, row, text, color=colour, fontsize=size, **CENTRED)
