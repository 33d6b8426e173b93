"""How long faults last before they are seen, and what that costs in alarms."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skdqm.exceptions import DataError
from skdqm.inspection._common import checked, checked_labels, one_axes
from skdqm.inspection._style import LINE


class DetectionDelayDisplay:
    """Median detection delay against false alarms per day.

    A fault that is never flagged counts as an infinite delay, so that misses are not rewarded;
    points whose median is infinite are left out.

    Parameters
    ----------
    alarm_rates : array-like of shape (n_thresholds,)
        False alarms per day, or another rate.
    delays : array-like of shape (n_thresholds,)
        Median delays in lumisections; infinite where half of the faults or more are missed.
    xlabel : str, default="false alarms per day"
        What the rates are.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the last plot.
    figure_ : matplotlib Figure
        Figure of the last plot.

    Examples
    --------
    >>> from skdqm.inspection import DetectionDelayDisplay
    >>> display = DetectionDelayDisplay.from_delays({1.0: [5, 7], 10.0: [1, 2]})
    >>> display.ax_.get_xlabel()
    'false alarms per day'
    """

    def __init__(
        self, alarm_rates: ArrayLike, delays: ArrayLike, *, xlabel: str = "false alarms per day"
    ) -> None:
        self.alarm_rates = alarm_rates
        self.delays = delays
        self.xlabel = xlabel

    @classmethod
    def from_delays(
        cls,
        delays: Mapping[float, ArrayLike],
        *,
        xlabel: str = "false alarms per day",
        ax: Any = None,
    ) -> Self:
        """Plot the delays of faults at each alarm rate.

        Parameters
        ----------
        delays : mapping of float to array-like
            Delays of all faults by alarm rate; infinite for faults that were missed.
        xlabel : str, default="false alarms per day"
            What the keys are.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure if None.

        Returns
        -------
        display : DetectionDelayDisplay
            Plotted.

        Raises
        ------
        DataError
            When a rate is not finite, a delay is NaN, or shapes or labels do not match.
        """
        if any(np.size(each) == 0 for each in delays.values()):
            raise DataError(
                "an alarm rate has no delay; expected one for each fault, inf if missed"
            )
        rates = sorted(delays)
        medians = [_median(np.asarray(delays[rate], dtype=np.float64)) for rate in rates]
        return cls(rates, medians, xlabel=xlabel).plot(ax)

    @classmethod
    def from_scores(
        cls,
        y_true: ArrayLike,
        y_score: ArrayLike,
        runs: ArrayLike | None = None,
        *,
        n_thresholds: int = 30,
        ax: Any = None,
    ) -> Self:
        """Plot what thresholds on a score would have given.

        Parameters
        ----------
        y_true : array-like of shape (n_rows,)
            1 = faulty, 0 = good; in the order of time.
        y_score : array-like of shape (n_rows,)
            Anomaly scores; high is abnormal.
        runs : array-like of shape (n_rows,), default=None
            Run of each row.
        n_thresholds : int, default=30
            Thresholds to try, between quantiles 0.5 and 1 of the good scores.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure if None.

        Returns
        -------
        display : DetectionDelayDisplay
            Plotted.

        Raises
        ------
        DataError
            When a rate is not finite, a delay is NaN, or shapes or labels do not match.
        """
        from skdqm.metrics import alarms_per_day, detection_delay

        scores = checked(y_score, "y_score")
        faulty = checked_labels(y_true, len(scores))
        shares = 1 - np.geomspace(max(1 / np.sum(~faulty), 1e-6), 0.5, n_thresholds)
        rates, medians = [], []
        for limit in np.unique(np.quantile(scores[~faulty], shares)):
            flags = scores > limit
            found = detection_delay(faulty.astype(int), flags, runs)
            known = found.detected["delay"].to_numpy(dtype=np.float64)
            medians.append(_median(np.append(known, np.full(len(found.undetected), np.inf))))
            rates.append(alarms_per_day(flags, runs, y_true=faulty.astype(int)))
        return cls(rates, medians).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the picture.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to plot; a new figure if None.

        Returns
        -------
        display : DetectionDelayDisplay
            With ``ax_`` and ``figure_``.

        Raises
        ------
        DataError
            When a rate is not finite, a delay is NaN, or shapes or labels do not match.
        """
        rates = checked(self.alarm_rates, "alarm_rates")
        delays = np.asarray(self.delays, dtype=np.float64)
        if delays.shape != rates.shape or np.isnan(delays).any():
            raise DataError(
                f"delays have the shape {delays.shape}, or hold NaN; expected {rates.shape}"
            )
        order = np.argsort(rates, kind="stable")
        seen = order[np.isfinite(delays[order])]
        self.ax_ = one_axes(ax)
        self.figure_: Any = self.ax_.figure
        self.ax_.plot(rates[seen], delays[seen], marker="o", markersize=4, **LINE)
        if len(seen) < len(rates):
            missed = f"{len(rates) - len(seen)} of {len(rates)} thresholds miss half of the faults"
            self.ax_.set_title(missed, fontsize="small")
        self.ax_.set(xlabel=self.xlabel, ylabel="median detection delay (lumisections)")
        # Linear below one a day, so that a rate of zero stays in the picture.
        self.ax_.set_xscale("symlog", linthresh=1)
        self.ax_.set_xlim(left=0)
        self.ax_.set_ylim(bottom=0)
        return self


def _median(delays: Any) -> float:
    """Return the upper median: infinite when half of the faults are missed."""
    return float(np.sort(delays)[len(delays) // 2])
