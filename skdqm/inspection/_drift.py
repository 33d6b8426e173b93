"""The statistic of a drift monitor along its stream."""

from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skdqm.exceptions import UsageError
from skdqm.inspection._common import one_axes
from skdqm.inspection._style import BAND, DRIFT, LEGEND, THRESHOLD, TRACE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Names of columns beside a drift, and drifts that are close to each other.
SHOWN, MOST_LINES = 3, 3
# Points that a line of small text takes.
LINE_POINTS = 12.0
WORDS: dict[str, Any] = {
    "xycoords": ("data", "axes fraction"),
    "xytext": (-2, 0),
    "textcoords": "offset points",
    "rotation": 90,
    "ha": "right",
    "va": "top",
    "fontsize": "small",
    "linespacing": 1.3,
    "bbox": {"boxstyle": "square,pad=0", "facecolor": "white", "alpha": 0.7, "linewidth": 0},
}


class DriftDisplay:
    """Statistic against rows, with its limit, drifts, onsets, and the columns that moved.

    Made by :meth:`from_monitor` or :meth:`from_statistics`.

    Parameters
    ----------
    positions : ndarray of shape (n_blocks,)
        Rows seen at the end of each block.
    statistics : ndarray of shape (n_blocks,)
        The statistic, in units of its limit where it comes from a monitor.
    threshold : float, default=1.0
        The limit.
    changes : sequence of dict, default=()
        Drifts: "position", and if known "onset" and "moved".

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the last plot.
    figure_ : matplotlib Figure
        Figure of the last plot.

    Examples
    --------
    >>> from skdqm.inspection import DriftDisplay
    >>> changes = [{"position": 96, "onset": 32, "moved": [0]}]
    >>> display = DriftDisplay([32, 64, 96], [0.2, 0.6, 1.4], changes=changes)
    >>> display.plot().ax_.get_xlabel()
    'row of the stream'
    """

    def __init__(
        self,
        positions: ArrayLike,
        statistics: ArrayLike,
        *,
        threshold: float = 1.0,
        changes: Sequence[dict[str, Any]] = (),
    ) -> None:
        self.positions = positions
        self.statistics = statistics
        self.threshold = threshold
        self.changes = changes

    @classmethod
    def from_monitor(cls, monitor: Any, X: ArrayLike, *, ax: "Axes | None" = None) -> Self:
        """Let a copy of a monitor take rows, and plot what it says.

        Parameters
        ----------
        monitor : DriftMonitor
            Fitted; stays as it is.
        X : array-like of shape (n_samples,) or (n_samples, n_features)
            The next rows of the stream.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure if None.

        Returns
        -------
        display : DriftDisplay
            Plotted.

        Raises
        ------
        DataError
            When a value is not finite.
        UsageError
            When the rows do not fill a block.
        """
        watching = copy(monitor)
        positions, statistics, changes = [], [], []
        for block in _blocks(X, watching):
            watching.update(block)
            positions.append(watching.n_seen_)
            statistics.append(watching.statistic_)
            changes.extend(_worth_naming(watching.changes_, watching.n_features_in_))
        return cls.from_statistics(
            positions, statistics, threshold=watching.threshold_, changes=changes, ax=ax
        )

    @classmethod
    def from_statistics(
        cls,
        positions: ArrayLike,
        statistics: ArrayLike,
        *,
        threshold: float = 1.0,
        changes: Sequence[dict[str, Any]] = (),
        ax: "Axes | None" = None,
    ) -> Self:
        """Plot statistics that were kept.

        Parameters
        ----------
        positions : array-like of shape (n_blocks,)
            Rows seen at the end of each block.
        statistics : array-like of shape (n_blocks,)
            The statistics.
        threshold : float, default=1.0
            The limit.
        changes : sequence of dict, default=()
            Drifts, as ``changes_`` of a monitor has them.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure if None.

        Returns
        -------
        display : DriftDisplay
            Plotted.

        Raises
        ------
        UsageError
            When there are no statistics, or not as many positions, or a change has none.
        """
        return cls(positions, statistics, threshold=threshold, changes=changes).plot(ax)

    def plot(self, ax: "Axes | None" = None) -> Self:
        """Draw the picture.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to plot; a new figure if None.

        Returns
        -------
        display : DriftDisplay
            With ``ax_`` and ``figure_``.

        Raises
        ------
        UsageError
            When there are no statistics, or not as many positions, or a change has none.
        """
        rows, values = np.asarray(self.positions), np.asarray(self.statistics, dtype=np.float64)
        if rows.ndim != 1 or rows.shape != values.shape or len(rows) == 0:
            raise UsageError(
                f"positions of shape {rows.shape}, statistics of shape {values.shape}: expected "
                "one number for each block, and one block or more"
            )
        if any("position" not in change for change in self.changes):
            raise UsageError("a change lacks its position; expected changes_ of a DriftMonitor")
        self.ax_ = one_axes(ax, (9, 3.8))
        self.figure_: Any = self.ax_.figure
        self.ax_.plot(rows, values, label="statistic", **TRACE)
        self.ax_.axhline(self.threshold, label="limit", **THRESHOLD)
        named: set[str] = set()
        for change in self.changes:
            self._mark(change, named)
        name = "statistic" if self.threshold != 1 else "statistic, in units of its limit"
        self.ax_.set(xlabel="row of the stream", ylabel=name)
        self._write_what_moved()
        self.ax_.legend(**LEGEND)
        return self

    def _mark(self, change: dict[str, Any], named: set[str]) -> None:
        position, onset = change["position"], change.get("onset")
        if onset is not None:
            band = "_since" if "onset" in named else "since the onset"
            self.ax_.axvspan(onset, position, label=band, zorder=0, **BAND)
            named.add("onset")
        label = "_drift" if "drift" in named else "drift"
        # Behind the statistic, which many drifts would hide.
        self.ax_.axvline(position, label=label, zorder=1.5, **DRIFT)
        named.add("drift")

    def _write_what_moved(self) -> None:
        marks = sorted((c["position"], _words(c.get("moved", []))) for c in self.changes)
        words = [(place, text) for place, text in marks if text]
        written: list[Any] = []

        def write(ax: "Axes") -> None:
            while written:
                written.pop().remove()
            low, high = sorted(ax.get_xlim())
            points = ax.get_window_extent().width / ax.figure.dpi * 72
            shown = [each for each in words if low <= each[0] <= high]
            for place, texts in grouped(shown, LINE_POINTS * (high - low) / points):
                written.append(ax.annotate("\n".join(texts), (place, 0.98), **WORDS))

        # Axes that share x with others learn later how close to each other the drifts are.
        self.ax_.callbacks.connect("xlim_changed", write)
        write(self.ax_)


def _worth_naming(changes: list[dict[str, Any]], n_columns: int) -> list[dict[str, Any]]:
    """Leave out which column moved where there is one."""
    return changes if n_columns > 1 else [{**change, "moved": []} for change in changes]


def _words(moved: Sequence[int | str]) -> str:
    more = f" +{len(moved) - SHOWN}" if len(moved) > SHOWN else ""
    return ", ".join(str(name) for name in moved[:SHOWN]) + more


def grouped(marks: Sequence[tuple[float, str]], width: float) -> list[tuple[float, list[str]]]:
    """Gather texts whose places are closer than they are wide.

    Parameters
    ----------
    marks : sequence of (float, str)
        Places, in their order, and texts, which end there.
    width : float
        Of a text, in the unit of places.

    Returns
    -------
    groups : list of (float, list of str)
        The last place of each group, and its texts, of many the first ones and their number; no
        two groups overlap.
    """
    found: list[tuple[float, list[str]]] = []
    for place, text in marks:
        texts = [text]
        while found and place - width * min(len(texts), MOST_LINES + 1) < found[-1][0]:
            texts = found.pop()[1] + texts
        found.append((place, texts))
    return [(place, _shortened(texts)) for place, texts in found]


def _shortened(texts: list[str]) -> list[str]:
    more = len(texts) - MOST_LINES
    return texts if more < 2 else [*texts[:MOST_LINES], f"+{more} drifts"]


def _blocks(X: Any, monitor: Any) -> list[Any]:
    """Cut rows where the monitor's blocks end; what fills none is left out."""
    rows = X if hasattr(X, "iloc") else np.asarray(X)
    # The first block may have begun before.
    size, waiting = monitor.block_size, monitor.n_waiting_
    ends = np.arange(size - waiting, len(rows) + 1, size)
    if len(ends) == 0:
        raise UsageError(
            f"found {len(rows)} rows, expected {size - waiting} or more, which fill a block"
        )
    take = rows.iloc if hasattr(rows, "iloc") else rows
    return [take[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]
