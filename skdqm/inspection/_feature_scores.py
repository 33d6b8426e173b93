"""Which features make rows abnormal."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skdqm._lumisections import place_of, shape_of
from skdqm.base import blame_of
from skdqm.exceptions import DataError, UsageError
from skdqm.inspection._common import checked, checked_names, names_of, one_axes, rows_for
from skdqm.inspection._style import MAP

MOST_ROWS, MOST_FEATURES = 30, 40


class FeatureScoresDisplay:
    """Feature scores as a heat map of rows and features, or as a picture of one map-shaped row.

    At most 30 rows, with the largest scores, and 40 features are drawn.

    Parameters
    ----------
    feature_scores : array-like of shape (n_samples, n_features)
        High is abnormal.
    shape : tuple of two or three int, default=None
        Shape of a row that is a map: height and width, perhaps after channels, which are added
        up. The row with the largest score is drawn.
    names : sequence of str, default=None
        Names of the features.
    rows : sequence of str, default=None
        Names of the rows.
    sort : bool, default=True
        Put the rows with the largest scores on top, and leave out others; if False, the first
        rows, as they are.
    label : str, default="feature score"
        What is shown.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the last plot.
    figure_ : matplotlib Figure
        Figure of the last plot.

    Examples
    --------
    >>> from skdqm.inspection import FeatureScoresDisplay
    >>> display = FeatureScoresDisplay.from_feature_scores([[0.1, 2.0], [0.3, 0.2]])
    >>> display.ax_.get_xlabel()
    'feature'
    """

    def __init__(
        self,
        feature_scores: ArrayLike,
        *,
        shape: Sequence[int] | None = None,
        names: Sequence[str] | None = None,
        rows: Sequence[Any] | None = None,
        sort: bool = True,
        label: str = "feature score",
    ) -> None:
        self.feature_scores = feature_scores
        self.shape = shape
        self.names = names
        self.rows = rows
        self.sort = sort
        self.label = label

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, *, ax: Any = None) -> Self:
        """Plot the feature scores that a fitted detector gives; signed ones by their size.

        Parameters
        ----------
        estimator : object
            Fitted detector, or a Pipeline that ends in one.
        X : array-like of shape (n_samples, n_features)
            Rows.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure if None.

        Returns
        -------
        display : FeatureScoresDisplay
            Plotted.

        Raises
        ------
        DataError
            When a score is not finite, or there is none.
        UsageError
            When the estimator has no ``feature_scores``.
        """
        detector, rows = rows_for(estimator, "feature_scores", X)
        scores = blame_of(detector, rows)
        names = names_of(estimator, X, scores.shape[1])
        shape = getattr(detector, "image_shape", None)
        if shape is None and all(map(place_of, names)):
            shape = _map_shape(names)
        return cls.from_feature_scores(scores, shape=shape, names=names, ax=ax)

    @classmethod
    def from_feature_scores(
        cls,
        feature_scores: ArrayLike,
        *,
        shape: Sequence[int] | None = None,
        names: Sequence[str] | None = None,
        rows: Sequence[Any] | None = None,
        sort: bool = True,
        label: str = "feature score",
        ax: Any = None,
    ) -> Self:
        """Plot known feature scores.

        Parameters
        ----------
        feature_scores : array-like of shape (n_samples, n_features)
            High is abnormal.
        shape : tuple of two or three int, default=None
            Shape of a row that is a map.
        names : sequence of str, default=None
            Names of the features.
        rows : sequence of str, default=None
            Names of the rows.
        sort : bool, default=True
            Put the rows with the largest scores on top; if False, the first rows, as they are.
        label : str, default="feature score"
            What is shown.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure if None.

        Returns
        -------
        display : FeatureScoresDisplay
            Plotted.

        Raises
        ------
        DataError
            When a score is not finite, or there is none.
        UsageError
            When names or `shape` do not fit the rows.
        """
        told: dict[str, Any] = {"names": names, "rows": rows, "sort": sort, "label": label}
        return cls(feature_scores, shape=shape, **told).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the picture.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to plot; a new figure if None.

        Returns
        -------
        display : FeatureScoresDisplay
            With ``ax_`` and ``figure_``.

        Raises
        ------
        DataError
            When a score is not finite, or there is none.
        UsageError
            When names or `shape` do not fit the rows.
        """
        scores = checked(self.feature_scores, "feature_scores", 2)
        names = checked_names(self.names, scores.shape[1])
        rows = checked_names(self.rows, len(scores), "row ")
        shape = (1, scores.shape[1]) if self.shape is None else tuple(self.shape)
        if np.prod(shape) != scores.shape[1] or len(shape) < 2:
            raise UsageError(
                f"shape is {shape}; expected two numbers or more, with the product "
                f"{scores.shape[1]}, as rows have features"
            )
        order = (
            np.argsort(-scores.max(axis=1), kind="stable") if self.sort else np.arange(len(rows))
        )
        order = order[:MOST_ROWS]
        size = (6.4, 4.2) if self.shape is not None else table_size(*scores.shape)
        self.ax_ = one_axes(ax, size)
        self.figure_: Any = self.ax_.figure
        if self.shape is None:
            image = self._draw_table(scores, names, rows, order)
        else:
            image = self._draw_map(scores[order[0]], rows[order[0]])
        self.figure_.colorbar(image, ax=self.ax_, label=self.label)
        return self

    def _draw_table(self, scores: Any, names: list[str], rows: list[str], order: Any) -> Any:
        strongest = np.argsort(-scores[order].max(axis=0), kind="stable")
        chosen = np.sort(strongest[:MOST_FEATURES])
        shown = scores[np.ix_(order, chosen)]
        image = self.ax_.imshow(shown, cmap=MAP, vmin=min(0, shown.min()), aspect="auto")
        self.ax_.set_xticks(range(len(chosen)), [names[at] for at in chosen], rotation=90)
        self.ax_.set_yticks(range(len(order)), [rows[at] for at in order])
        self.ax_.tick_params(labelsize="small")
        self.ax_.set_xlabel("feature")
        if shown.shape != scores.shape:
            some = f"{len(order)} of {len(scores):,} rows, "
            some += f"{len(chosen)} of {scores.shape[1]:,} features"
            self.ax_.set_title(some, fontsize="small")
        return image

    def _draw_map(self, scores: Any, row: str) -> Any:
        picture = scores.reshape(-1, *tuple(self.shape or ())[-2:]).sum(axis=0)
        self.ax_.set(xticks=[], yticks=[])
        self.ax_.set_title(row, fontsize="small")
        return self.ax_.imshow(picture, cmap=MAP, vmin=min(0, picture.min()))


def table_size(n_rows: int, n_features: int) -> tuple[float, float]:
    """Return width and height in inches at which the names of a table can be read."""
    n_columns, n_lines = min(n_features, MOST_FEATURES), min(n_rows, MOST_ROWS)
    return max(6.4, 3.5 + 0.28 * n_columns), 2.5 + 0.22 * n_lines


def _map_shape(names: Sequence[str]) -> tuple[int, ...] | None:
    """Return the shape of the map that columns hold, None if they hold no single map."""
    try:
        shape = shape_of(names)
    except DataError:
        return None
    return shape if len(shape) == 2 else None
