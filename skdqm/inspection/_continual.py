"""What a detector that goes on learning did along its stream."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skdqm.exceptions import UsageError
from skdqm.inspection._common import one_axes
from skdqm.inspection._stream_trace import (
    DISCARDED,
    OPEN,
    RELEASED,
    SWITCHED,
    Trace,
    Tracer,
    holds_of,
)
from skdqm.inspection._style import ALARM, DRIFT, GUIDE, LEGEND, TRACE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

# p-values below are drawn there: gross faults would squeeze all other rows into one line.
SMALLEST_P = 1e-16
# And the axis shows this one at least.
HIGHEST_TOP = 1e-3
# How holds are shaded: hatches tell them apart in a print without colours.
SHADES: dict[str, dict[str, Any]] = {
    DISCARDED: {"facecolor": ("tab:red", 0.25)},
    SWITCHED: {"facecolor": ("tab:blue", 0.25), "hatch": "//"},
    RELEASED: {"facecolor": ("tab:green", 0.25), "hatch": ".."},
    OPEN: {"facecolor": ("tab:orange", 0.25), "hatch": "xx"},
}
# Events that are marked by a line, and its style.
MARKS: dict[str, dict[str, Any]] = {
    "drift": DRIFT,
    "switch": {"color": "black", "linestyle": "--", "linewidth": 1.2},
    "new condition": {"color": "tab:green", "linestyle": "-", "linewidth": 2.4},
    "rollback": GUIDE,
}
FLAGGED: dict[str, Any] = {**ALARM, "markersize": 4}
TICKS: dict[str, Any] = {"color": "black", "marker": "|", "markersize": 6, "linestyle": "none"}
# Experts by number; the same in a print without colours.
EXPERT_SHADES, EXPERT_HATCHES = ("0.9", "0.75", "0.6", "0.45"), (None, "//", "..", "xx")
# An expert that judged less of the picture than this is not named.
NARROWEST = 0.02
CENTRED: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": "small"}
PLATE: dict[str, Any] = {"boxstyle": "square,pad=0.1", "facecolor": "white", "linewidth": 0}


class ContinualDisplay:
    """Scores along a stream, with alarms, what was held and how that ended, and who judged.

    Made by :meth:`from_verdicts`.

    Parameters
    ----------
    trace : Trace
        The stream in a bounded number of points.
    events : sequence of dict
        Decisions, as ``events_`` of a :class:`skdqm.continual.ContinualDetector`.

    Attributes
    ----------
    ax_ : ndarray of matplotlib Axes of shape (2,)
        Those of the scores, and of the strip that shows which expert judged.
    figure_ : matplotlib Figure
        Figure of the last plot.

    See Also
    --------
    DriftDisplay : The statistic of a drift monitor.

    Examples
    --------
    >>> from skdqm.continual import ContinualDetector
    >>> from skdqm.datasets import make_drift_stream
    >>> from skdqm.inspection import ContinualDisplay
    >>> X, y = make_drift_stream(3000, random_state=0)
    >>> detector = ContinualDetector(random_state=0).fit(X[:1000])
    >>> verdicts = detector.observe(X[1000:])
    >>> display = ContinualDisplay.from_verdicts(verdicts, detector.events_, y[1000:])
    >>> display.ax_[0].get_ylabel()
    'p-value'
    """

    def __init__(self, trace: Trace, events: Sequence[dict[str, Any]]) -> None:
        self.trace = trace
        self.events = events

    @classmethod
    def from_verdicts(
        cls,
        verdicts: "pd.DataFrame",
        events: Sequence[dict[str, Any]],
        y: ArrayLike | None = None,
        *,
        first_row: int = 0,
        ax: "Axes | None" = None,
    ) -> Self:
        """Plot what a detector said of a stream.

        Parameters
        ----------
        verdicts : DataFrame of shape (n_rows, n_columns)
            What ``observe`` of a :class:`skdqm.continual.ContinualDetector` has returned:
            ``anomaly_score``, ``verdict`` and ``expert`` are used. Of many rows the most abnormal
            ones are shown.
        events : sequence of dict
            Its ``events_``.
        y : array-like of shape (n_rows,), default=None
            Labels, if they are known: 1 = anomaly, 0 = good.
        first_row : int, default=0
            Place of the first row in the stream, if it is not the beginning.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure if None.

        Returns
        -------
        display : ContinualDisplay
            Plotted.

        Raises
        ------
        UsageError
            When there is no row, a column is missing, or labels do not match.
        """
        missing = [n for n in ("anomaly_score", "verdict", "expert") if n not in verdicts]
        if missing or not len(verdicts):
            raise UsageError(
                f"verdicts have {len(verdicts)} rows and lack the columns {missing}; expected what "
                "observe of a ContinualDetector returns"
            )
        if y is not None and np.shape(y) != (len(verdicts),):
            raise UsageError(
                f"y has the shape {np.shape(y)}; expected one label per row, {len(verdicts)}"
            )
        tracer = Tracer()
        tracer.add(Trace.of(verdicts, first_row + np.arange(len(verdicts)), y))
        return cls(tracer.known(), events).plot(ax)

    def plot(self, ax: "Axes | None" = None) -> Self:
        """Draw the picture.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to plot; a new figure if None. The strip of experts is added above.

        Returns
        -------
        display : ContinualDisplay
            With ``ax_`` and ``figure_``.

        Raises
        ------
        UsageError
            When the stream has no row.
        """
        if not len(self.trace):
            raise UsageError("the stream has no rows; expected at least one")
        ax = one_axes(ax, (10, 4.5))
        strip = ax.inset_axes((0, 1.02, 1, 0.06), sharex=ax)
        self.ax_ = np.array([ax, strip], dtype=object)
        self.figure_: Any = ax.figure
        self._draw_holds(ax)
        self._draw_scores(ax)
        self._draw_marks(ax)
        self._draw_experts(strip)
        ax.set(xlabel="row of the stream", ylabel="p-value", xlim=self._ends())
        ax.legend(**LEGEND)
        return self

    def _ends(self) -> tuple[int, int]:
        return int(self.trace.rows[0]), int(self.trace.rows[-1]) + 1

    def _draw_scores(self, ax: "Axes") -> None:
        trace = self.trace
        p_values = np.maximum(np.exp(-trace.scores), SMALLEST_P)
        ax.plot(trace.rows, p_values, label="row", **TRACE)
        flagged = trace.flagged
        ax.plot(trace.rows[flagged], p_values[flagged], label="flagged", **FLAGGED)
        ax.set_yscale("log")
        ax.set_ylim(2, min(p_values.min(), HIGHEST_TOP) / 5)
        if trace.faulty.any():
            places = np.full(int(trace.faulty.sum()), 0.02)
            transform = ax.get_xaxis_transform()
            ax.plot(trace.rows[trace.faulty], places, transform=transform, label="anomaly", **TICKS)

    def _draw_holds(self, ax: "Axes") -> None:
        first, end = self._ends()
        named: set[str] = set()
        for span in holds_of(self.events, end):
            start, stop = max(span.start, first), min(span.stop, end)
            if start >= stop:
                continue
            label = f"_{span.ended}" if span.ended in named else f"held: {span.ended}"
            named.add(span.ended)
            ax.axvspan(start, stop, label=label, linewidth=0, edgecolor="0.6", **SHADES[span.ended])

    def _draw_marks(self, ax: "Axes") -> None:
        first, end = self._ends()
        named: set[str] = set()
        for event in self.events:
            name, row = event["event"], event["at_row"]
            if name in MARKS and first <= row <= end:
                label = f"_{name}" if name in named else name
                named.add(name)
                ax.axvline(row, label=label, **MARKS[name])

    def _draw_experts(self, strip: "Axes") -> None:
        experts, rows = self.trace.experts, self.trace.rows
        first, end = self._ends()
        starts = np.flatnonzero(np.diff(experts, prepend=experts[0] - 1))
        edges = [*rows[starts].tolist(), end]
        for number, start, stop in zip(experts[starts], edges[:-1], edges[1:], strict=True):
            strip.axvspan(start, stop, **_expert_style(int(number)))
            if stop - start > NARROWEST * (end - first):
                place = ((start + stop) / 2, 0.45)
                strip.text(*place, str(number), bbox=PLATE, **CENTRED)
        strip.set(yticks=[], ylim=(0, 1))
        strip.tick_params(labelbottom=False, bottom=False)
        strip.set_ylabel("expert", rotation=0, ha="right", va="center", fontsize="small")


def _expert_style(number: int) -> dict[str, Any]:
    """Return a shade, and after four experts a hatch too."""
    hatch, shade = divmod(number - 1, len(EXPERT_SHADES))
    style = {"facecolor": EXPERT_SHADES[shade], "edgecolor": "0.3", "linewidth": 0}
    return {**style, "hatch": EXPERT_HATCHES[hatch % len(EXPERT_HATCHES)]}
