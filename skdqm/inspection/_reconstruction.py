"""Rows as a detector saw and as it restored them."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skdqm._pipeline import before_scaling, parts_of, through
from skdqm.exceptions import DataError, UsageError
from skdqm.inspection._common import checked, checked_names, many_axes, names_of, rows_for
from skdqm.inspection._style import MAP

MOST_FEATURES, MOST_NAMES = 40, 20
BARS = ("0.6", "tab:blue", "tab:red")
# Share of the axis that figures above bars take, and how far the largest value lies above small
# ones where a linear axis would hide them.
ROOM, WIDE = 0.4, 100
# Share of the largest value that counts as zero.
SMALLEST = 1e-9


class ReconstructionDisplay:
    """Three panels per row: seen, restored, and loss.

    Rows of two axes are drawn as pictures, others as bars, of at most 40 features.

    Parameters
    ----------
    seen : array-like of shape (n_rows, n_features) or (n_rows, height, width)
        Rows.
    restored : array-like of the same shape
        Rows as restored.
    losses : array-like of the same shape, default=None
        Loss of each feature; the squared difference if None.
    names : sequence of str, default=None
        Names of the features.

    Attributes
    ----------
    ax_ : ndarray of matplotlib Axes
        Axes of the last plot.
    figure_ : matplotlib Figure
        Figure of the last plot.

    Examples
    --------
    >>> from skdqm.inspection import ReconstructionDisplay
    >>> display = ReconstructionDisplay.from_arrays([[1.0, 2.0]], [[1.0, 1.0]])
    >>> display.ax_.shape
    (1, 3)
    """

    def __init__(
        self,
        seen: ArrayLike,
        restored: ArrayLike,
        *,
        losses: ArrayLike | None = None,
        names: Sequence[str] | None = None,
    ) -> None:
        self.seen = seen
        self.restored = restored
        self.losses = losses
        self.names = names

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, *, n_rows: int = 3, ax: Any = None) -> Self:
        """Plot the first rows, as a fitted detector restores them.

        Behind a Pipeline, rows seen and rows restored are in the units of columns in front of its
        last transformers that rescale each column by itself and have ``inverse_transform``, such
        as a ``StandardScaler``: in your own units where all do. Other transformers, such as
        ``PCA``, are not undone, and so neither are those in front of them; nor is one that could
        not have given what was restored, such as a clipped range. Losses are what each feature
        counts in the score, without sign: the ``feature_scores`` of the detector.

        Parameters
        ----------
        estimator : object
            Fitted detector, or a Pipeline that ends in one.
        X : array-like of shape (n_samples, n_features)
            Rows.
        n_rows : int, default=3
            Rows to draw.
        ax : matplotlib Axes or array of them, default=None
            Where to plot; a new figure if None. One Axes is divided.

        Returns
        -------
        display : ReconstructionDisplay
            Plotted.

        Raises
        ------
        DataError
            When a value is not finite, or shapes differ.
        UsageError
            When the estimator has no ``reconstruct``, or `n_rows` is below 1.
        """
        if n_rows < 1:
            raise UsageError(f"n_rows is {n_rows}; expected 1 or more")
        detector, rows = rows_for(estimator, "reconstruct", X[:n_rows])
        steps, restored = before_scaling(
            parts_of(estimator)[0], np.asarray(detector.reconstruct(rows))
        )
        seen = np.asarray(through(steps, X[:n_rows]), dtype=np.float64)
        parts = [seen, restored, np.abs(detector.feature_scores(rows))]
        shape = getattr(detector, "image_shape", None)
        if shape is not None:
            # The first channel.
            parts = [each.reshape(len(each), *shape)[:, 0] for each in parts]
        names = names_of(estimator, X, seen.shape[1]) if shape is None else None
        return cls.from_arrays(*parts[:2], losses=parts[2], names=names, ax=ax)

    @classmethod
    def from_arrays(
        cls,
        seen: ArrayLike,
        restored: ArrayLike,
        *,
        losses: ArrayLike | None = None,
        names: Sequence[str] | None = None,
        ax: Any = None,
    ) -> Self:
        """Plot known arrays.

        Parameters
        ----------
        seen, restored : array-like of shape (n_rows, n_features) or (n_rows, height, width)
            Rows, and as restored.
        losses : array-like of the same shape, default=None
            Loss of each feature; the squared difference if None.
        names : sequence of str, default=None
            Names of the features.
        ax : matplotlib Axes or array of them, default=None
            Where to plot; a new figure if None. One Axes is divided.

        Returns
        -------
        display : ReconstructionDisplay
            Plotted.

        Raises
        ------
        DataError
            When a value is not finite, or shapes differ.
        UsageError
            When names do not fit the rows, or `ax` holds another number of axes.
        """
        return cls(seen, restored, losses=losses, names=names).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the picture.

        Parameters
        ----------
        ax : matplotlib Axes or array of them, default=None
            Where to plot; a new figure if None. One Axes is divided.

        Returns
        -------
        display : ReconstructionDisplay
            With ``ax_`` and ``figure_``.

        Raises
        ------
        DataError
            When a value is not finite, or shapes differ.
        UsageError
            When names do not fit the rows, or `ax` holds another number of axes.
        """
        n_axes = 3 if np.ndim(self.seen) == 3 else 2
        seen, restored = (
            checked(values, name, n_axes)
            for name, values in (("seen", self.seen), ("restored", self.restored))
        )
        squares = (seen - restored) ** 2 if seen.shape == restored.shape else seen
        losses = squares if self.losses is None else checked(self.losses, "losses", n_axes)
        if not seen.shape == restored.shape == losses.shape:
            raise DataError(
                f"seen, restored and losses have the shapes {seen.shape}, {restored.shape}, "
                f"{losses.shape}; expected the same"
            )
        self.ax_ = many_axes(ax, len(seen), 3, (9, 0.5 + 2.2 * len(seen)))
        self.figure_: Any = self.ax_[0, 0].figure
        draw = self._draw_images if n_axes == 3 else self._draw_bars
        for axes, parts in zip(self.ax_, zip(seen, restored, losses, strict=True), strict=True):
            draw(axes, parts)
        for axes, title in zip(self.ax_[0], ("seen", "restored", "loss"), strict=True):
            axes.set_title(title, fontsize="medium")
        return self

    def _draw_images(self, axes: Any, parts: Any) -> None:
        low, high = np.min(parts[:2]), np.max(parts[:2])
        limits = ((low, high), (low, high), (0, parts[2].max()))
        for each, part, (least, most) in zip(axes, parts, limits, strict=True):
            each.imshow(part, cmap=MAP, vmin=least, vmax=most)
            each.set(xticks=[], yticks=[])

    def _draw_bars(self, axes: Any, parts: Any) -> None:
        n_features = len(parts[0])
        names = checked_names(self.names, n_features)
        chosen = np.sort(np.argsort(-parts[2], kind="stable")[:MOST_FEATURES])
        few = n_features <= MOST_NAMES
        for each, part, colour in zip(axes, parts, BARS, strict=True):
            bars = each.bar(range(len(chosen)), part[chosen], color=colour)
            labels = [names[at] for at in chosen] if few else []
            each.set_xticks(range(len(labels)), labels, rotation=90, fontsize="small")
            if few:
                each.bar_label(bars, fmt="{:.3g}", rotation=90, fontsize="x-small", padding=2)
        values = np.stack(parts[:2])[:, chosen]
        for each in axes[:2]:
            _scale(each, values)
        axes[2].set_ylim(0, (1 + ROOM) * parts[2].max() or 1)
        if len(chosen) < n_features:
            axes[0].set_xlabel(f"{len(chosen)} of {n_features:,} features", fontsize="small")


def _scale(ax: Any, values: Any) -> None:
    """Show all values, with room for figures; where units differ much, the small ones too."""
    low, high = min(0.0, values.min()), max(0.0, values.max())
    sizes = np.abs(values[values != 0])
    if not len(sizes):
        ax.set_ylim(0, 1)
        return
    small = max(np.quantile(sizes, 0.1), SMALLEST * sizes.max())
    if sizes.max() > WIDE * small:
        ax.set_yscale("symlog", linthresh=small)
        # More powers of ten would lie on each other around zero.
        largest = max(low, high, key=abs)
        ax.set_yticks([0, np.sign(largest) * 10.0 ** np.floor(np.log10(abs(largest)))])
        ax.minorticks_off()
    shown = ax.transData.transform([(0, low), (0, high)])[:, 1]
    room = ROOM * (shown[1] - shown[0])
    ends = [(0, shown[0] - room * (low < 0)), (0, shown[1] + room * (high > 0))]
    ax.set_ylim(ax.transData.inverted().transform(ends)[:, 1])
