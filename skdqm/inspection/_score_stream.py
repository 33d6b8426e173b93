"""Scores along a stream, with what happened on the way."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skdqm._lumisections import runs_of
from skdqm.base import anomaly_score_of
from skdqm.exceptions import DataError
from skdqm.inspection._common import CURVE_POINTS, checked, one_axes, threshold_of
from skdqm.inspection._style import ALARM, DRIFT, GUIDE, LEGEND, THRESHOLD, TRACE


class ScoreStreamDisplay:
    """Scores along a stream with threshold, alarms, drifts and the beginnings of runs.

    Of more than 2,000 rows the largest score of each stretch is drawn.

    Parameters
    ----------
    scores : array-like of shape (n_rows,)
        Anomaly scores; high is abnormal.
    threshold : float or array-like of shape (n_rows,), default=None
        One, or one per row.
    alarms : sequence of int, default=()
        Rows that raised an alarm.
    drifts : sequence of int, default=()
        Rows at which a drift was found.
    runs : array-like of shape (n_rows,), default=None
        Run of each row.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the last plot.
    figure_ : matplotlib Figure
        Figure of the last plot.

    Examples
    --------
    >>> from skdqm.inspection import ScoreStreamDisplay
    >>> display = ScoreStreamDisplay.from_scores([0.1, 0.2, 3.0], threshold=1.0, alarms=[2])
    >>> display.ax_.get_xlabel()
    'row of the stream'
    """

    def __init__(
        self,
        scores: ArrayLike,
        *,
        threshold: ArrayLike | None = None,
        alarms: Sequence[int] = (),
        drifts: Sequence[int] = (),
        runs: ArrayLike | None = None,
    ) -> None:
        self.scores = scores
        self.threshold = threshold
        self.alarms = alarms
        self.drifts = drifts
        self.runs = runs

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        drifts: Sequence[int] = (),
        runs: ArrayLike | None = None,
        ax: Any = None,
    ) -> Self:
        """Score rows in their order; alarms are the rows that ``predict`` flags.

        Parameters
        ----------
        estimator : object
            Fitted detector, or a Pipeline that ends in one.
        X : array-like of shape (n_samples, n_features)
            Rows.
        drifts : sequence of int, default=()
            Rows at which a drift was found.
        runs : array-like of shape (n_rows,), default=None
            Run of each row; the index level ``run`` of a frame if None.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure if None.

        Returns
        -------
        display : ScoreStreamDisplay
            Plotted.

        Raises
        ------
        DataError
            When a score is not finite, or marks, thresholds or runs do not fit the rows.
        """
        scores = anomaly_score_of(estimator, X)
        alarms = np.flatnonzero(np.asarray(estimator.predict(X)) == -1).tolist()
        marks: dict[str, Any] = {"alarms": alarms, "drifts": drifts}
        marks["runs"] = runs_of(X) if runs is None else runs
        return cls.from_scores(scores, threshold=threshold_of(estimator), ax=ax, **marks)

    @classmethod
    def from_scores(
        cls,
        scores: ArrayLike,
        *,
        threshold: ArrayLike | None = None,
        alarms: Sequence[int] = (),
        drifts: Sequence[int] = (),
        runs: ArrayLike | None = None,
        ax: Any = None,
    ) -> Self:
        """Plot known scores.

        Parameters
        ----------
        scores : array-like of shape (n_rows,)
            Anomaly scores; high is abnormal.
        threshold : float or array-like of shape (n_rows,), default=None
            One, or one per row.
        alarms : sequence of int, default=()
            Rows that raised an alarm.
        drifts : sequence of int, default=()
            Rows at which a drift was found.
        runs : array-like of shape (n_rows,), default=None
            Run of each row.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure if None.

        Returns
        -------
        display : ScoreStreamDisplay
            Plotted.

        Raises
        ------
        DataError
            When a score is not finite, or marks, thresholds or runs do not fit the rows.
        """
        marks: dict[str, Any] = {"alarms": alarms, "drifts": drifts, "runs": runs}
        return cls(scores, threshold=threshold, **marks).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the picture.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to plot; a new figure if None.

        Returns
        -------
        display : ScoreStreamDisplay
            With ``ax_`` and ``figure_``.

        Raises
        ------
        DataError
            When a score is not finite, or marks, thresholds or runs do not fit the rows.
        """
        scores = checked(self.scores, "scores")
        self.ax_ = one_axes(ax, (9, 3.8))
        self.figure_: Any = self.ax_.figure
        rows = _highest(scores)
        self.ax_.plot(rows, scores[rows], label="score", **TRACE)
        self._draw_threshold(rows, len(scores))
        self._draw_marks(scores)
        self.ax_.set(xlabel="row of the stream", ylabel="anomaly score")
        self.ax_.legend(**LEGEND)
        return self

    def _draw_threshold(self, rows: Any, n_rows: int) -> None:
        if self.threshold is None:
            return
        if np.ndim(self.threshold) and np.shape(self.threshold) != (n_rows,):
            raise DataError(
                f"threshold has the shape {np.shape(self.threshold)}; expected one number, "
                f"or {n_rows}"
            )
        limits = np.broadcast_to(np.asarray(self.threshold, dtype=np.float64), n_rows)
        self.ax_.plot(rows, limits[rows], label="threshold", **THRESHOLD)

    def _draw_marks(self, scores: Any) -> None:
        n_rows = len(scores)
        alarms, drifts = (_places(each, n_rows) for each in (self.alarms, self.drifts))
        if len(alarms):
            self.ax_.plot(alarms, scores[alarms], label="alarm", **ALARM)
        if self.runs is not None and np.shape(self.runs) != (n_rows,):
            raise DataError(f"runs have the shape {np.shape(self.runs)}; expected {n_rows}")
        runs = np.zeros(n_rows) if self.runs is None else np.asarray(self.runs)
        starts = np.flatnonzero(runs[1:] != runs[:-1]) + 1
        for places, name, style in ((drifts, "drift", DRIFT), (starts, "new run", GUIDE)):
            for at, place in enumerate(places):
                self.ax_.axvline(place, label=name if at == 0 else f"_{name}", **style)


def _places(marks: Sequence[int], n_rows: int) -> Any:
    places = np.asarray(marks, dtype=np.intp)
    if np.any((places < 0) | (places >= n_rows)):
        raise DataError(f"marks lie at rows {places.min()} to {places.max()} of {n_rows} rows")
    return places


def _highest(scores: Any) -> Any:
    """Return the row with the highest score of each stretch, so that no peak is lost."""
    parts = np.array_split(np.arange(len(scores)), min(len(scores), CURVE_POINTS))
    return np.array([part[scores[part].argmax()] for part in parts])
