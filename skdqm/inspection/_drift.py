"""The statistic of a drift monitor along its stream."""

from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skdqm.exceptions import UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
# Names of columns beside a drift.
SHOWN = 3


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
    'rows'
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
            When there are none, or not as many of both.
        """
        rows, values = np.asarray(positions), np.asarray(statistics, dtype=np.float64)
        if rows.ndim != 1 or rows.shape != values.shape or len(rows) == 0:
            raise UsageError(
                f"positions of shape {rows.shape}, statistics of shape {values.shape}: expected "
                "one number for each block, and one block or more"
            )
        return cls(rows, values, threshold=threshold, changes=changes).plot(ax)

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
        """
        import matplotlib.pyplot as plt

        self.ax_: Axes = plt.subplots()[1] if ax is None else ax
        self.figure_: Figure | Any = self.ax_.figure
        self.ax_.plot(np.asarray(self.positions), np.asarray(self.statistics), color="C0", lw=1)
        self.ax_.axhline(self.threshold, color="C3", ls="--", lw=1, label="limit")
        for number, change in enumerate(self.changes):
            self._mark(change, "drift" if number == 0 else "_drift")
        self.ax_.set(xlabel="rows", ylabel="statistic, in units of its limit")
        if self.threshold != 1:
            self.ax_.set_ylabel("statistic")
        self.ax_.legend(loc="upper left")
        return self

    def _mark(self, change: dict[str, Any], label: str) -> None:
        position = change["position"]
        self.ax_.axvline(position, color="C3", lw=1, label=label)
        if change.get("onset") is not None:
            self.ax_.axvspan(change["onset"], position, color="C1", alpha=0.2, lw=0)
        self.ax_.annotate(
            _words(change.get("moved", [])),
            (position, 0.98),
            xycoords=("data", "axes fraction"),
            rotation=90,
            ha="right",
            va="top",
            fontsize="small",
        )


def _worth_naming(changes: list[dict[str, Any]], n_columns: int) -> list[dict[str, Any]]:
    """Leave out which column moved where there is one."""
    return changes if n_columns > 1 else [{**change, "moved": []} for change in changes]


def _words(moved: Sequence[int | str]) -> str:
    more = f" +{len(moved) - SHOWN}" if len(moved) > SHOWN else ""
    return ", ".join(str(name) for name in moved[:SHOWN]) + more


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
