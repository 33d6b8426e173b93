"""The area under the ROC curve along a stream: in windows, up to each row, across conditions."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skdqm.exceptions import DataError
from skdqm.metrics._stream_windows import (
    WindowedFigures,
    consecutive,
    expanding_wins,
    needs_window,
    pairs_in,
    sliding_wins,
)
from skdqm.metrics._survivors import survivors
from skdqm.metrics._validation import check_number, check_scores, show_labels

__all__ = ["PrequentialFigures", "normalised_roc_auc", "prequential_roc_auc", "windowed_roc_auc"]

Floats = NDArray[np.float64]


class PrequentialFigures(NamedTuple):
    """A figure of merit of what came before, followed along a stream.

    Attributes
    ----------
    mean : float
        Mean of the values.
    values : ndarray of shape (n_values,)
        The figure of the rows up to each of `rows`.
    rows : ndarray of shape (n_values,), int64
        Positions of rows, increasing. Where the figure is not defined there is no entry.
    """

    mean: float
    values: Floats
    rows: NDArray[np.int64]


def windowed_roc_auc(
    y_true: ArrayLike, anomaly_score: ArrayLike, *, window: int = 2000
) -> WindowedFigures:
    """Compute the area under the ROC curve in consecutive windows of a stream.

    Scores of a model that follows its data are not on one scale for ever. Within a window they
    are, nearly, so this figure asks whether the model ranks rows at the time when they come. It
    does not see a scale that wanders, which :func:`normalised_roc_auc` and the whole area do.

    Parameters
    ----------
    y_true : array-like of shape (n_rows,)
        Labels in the order of time: 1 = anomaly, 0 = normal.
    anomaly_score : array-like of shape (n_rows,)
        Scores, high = abnormal, each given before its row was learned.
    window : int, default=2000
        Rows in a window, at least 2. The last window has what is left.

    Returns
    -------
    figures : WindowedFigures
        ``mean`` over the windows that hold both classes, each of the same weight; their ``values``
        and ``starts``; and ``n_windows``, the number of all windows. With `window` at least n_rows
        the mean is the area of the whole stream.

    Raises
    ------
    DataError
        When a score is not finite, no window holds both classes, or labels and scores do not match.
    UsageError
        When `window` is not a whole number of at least 2.

    See Also
    --------
    prequential_roc_auc : Sliding windows.

    Examples
    --------
    >>> from skdqm.metrics import windowed_roc_auc
    >>> found = windowed_roc_auc([0, 1, 0, 0, 1, 0], [1, 2, 3, 9, 8, 7], window=2)
    >>> found.mean, found.values.tolist(), found.starts.tolist(), found.n_windows
    (1.0, [1.0, 1.0], [0, 4], 3)
    """
    check_number("window", window, at_least=2)
    labels, scores = check_scores(y_true, anomaly_score)

    def area(rows: slice) -> float:
        return survivors(labels[rows], scores[rows]).roc_area()

    windows = consecutive(len(labels), window)
    starts = [rows.start for rows in windows if 0 < labels[rows].mean() < 1]
    if not starts:
        raise needs_window("both an anomaly and a normal row", window)
    values = np.array([area(slice(start, start + window)) for start in starts])
    return WindowedFigures(
        float(values.mean()), values, np.array(starts, dtype=np.int64), len(windows)
    )


def prequential_roc_auc(
    y_true: ArrayLike,
    anomaly_score: ArrayLike,
    *,
    window: int | None = 1000,
    stride: int = 100,
) -> PrequentialFigures:
    """Follow the area under the ROC curve along a stream, over a sliding window.

    The prequential AUC of [1]_: at each row the area of the last scores, each of which was given
    before its row was learned. Equal scores count a half. No window is sorted: a row that enters
    or leaves changes the number of ordered pairs, which costs min(anomalies, normals) times
    `window` comparisons for the whole stream, whatever the stride.

    Parameters
    ----------
    y_true : array-like of shape (n_rows,)
        Labels in the order of time: 1 = anomaly, 0 = normal.
    anomaly_score : array-like of shape (n_rows,)
        Scores, high = abnormal.
    window : int, default=1000
        Rows that count at a time, at least 2; before that many were seen, all of them. None: all
        rows so far.
    stride : int, default=100
        Rows between two values. The last value is that of the last row.

    Returns
    -------
    figures : PrequentialFigures
        ``values`` at ``rows``, which are those of the stride whose window holds both classes, and
        their ``mean``.

    Raises
    ------
    DataError
        When a score is not finite, no window holds both classes, or labels and scores do not match.
    UsageError
        When `window` or `stride` is not a whole number of at least 2 and 1.

    References
    ----------
    .. [1] D. Brzezinski and J. Stefanowski, "Prequential AUC: properties of the area under the ROC
       curve for data streams with concept drift", Knowl. Inf. Syst. 52 (2017) 531,
       doi:10.1007/s10115-017-1022-8.

    Examples
    --------
    >>> from skdqm.metrics import prequential_roc_auc
    >>> found = prequential_roc_auc([0, 1, 0, 0, 1, 0], [1, 2, 3, 9, 8, 7], window=3, stride=1)
    >>> found.rows.tolist(), found.values.tolist()
    ([1, 2, 3, 4, 5], [1.0, 0.5, 0.0, 0.5, 0.5])
    """
    check_number("stride", stride, at_least=1)
    if window is not None:
        check_number("window", window, at_least=2)
    labels, scores = check_scores(y_true, anomaly_score)
    length = len(labels) if window is None else min(window, len(labels))
    rows = np.arange(len(labels) - 1, -1, -stride)[::-1]
    if length == len(labels):
        wins = expanding_wins(labels, scores, rows)
    else:
        wins = sliding_wins(labels, scores, length)[rows]
    pairs = pairs_in(labels, length)[rows]
    kept = pairs > 0
    if not kept.any():
        raise needs_window("both an anomaly and a normal row at a row of the stride", length)
    values = wins[kept] / pairs[kept]
    return PrequentialFigures(float(values.mean()), values, rows[kept])


def _on_one_scale(scores: Floats, is_normal: NDArray[np.bool_]) -> Floats:
    """Subtract the median of normal rows and divide by their interquartile range."""
    low, middle, high = np.quantile(scores[is_normal], (0.25, 0.5, 0.75))
    with np.errstate(over="ignore"):
        centred = scores - middle
        if high > low:
            scaled: Floats = centred / (high - low)
            return scaled
    # The limit of a vanishing spread: what differs at all does so by infinitely many of them.
    limit: Floats = np.where(centred == 0, 0.0, np.copysign(np.inf, centred))
    return limit


def normalised_roc_auc(y_true: ArrayLike, anomaly_score: ArrayLike, conditions: ArrayLike) -> float:
    """Compute the area under the ROC curve after every condition was put on one scale.

    From the scores of each condition the median of its normal rows is subtracted, and they are
    divided by the interquartile range of its normal rows. So the figure does not blame a score
    whose scale follows the conditions, as long as a threshold could follow too; but unlike the
    mean of the areas of conditions it compares rows across them. The labels serve the scale, so
    it is a figure to compare strategies with, not one that a stream without labels has.

    Parameters
    ----------
    y_true : array-like of shape (n_rows,)
        Labels: 1 = anomaly, 0 = normal.
    anomaly_score : array-like of shape (n_rows,)
        Scores, high = abnormal.
    conditions : array-like of shape (n_rows,)
        The condition of each row: a name or a number.

    Returns
    -------
    area : float
        In [0, 1]. No increasing straight line applied to the scores of one condition changes it.
        Where half of the normal rows of a condition have one score, what differs from it counts
        as infinitely far away.

    Raises
    ------
    DataError
        When a score is not finite, a class is missing, a condition has no normal row, or labels,
        scores and conditions do not match.

    Examples
    --------
    >>> from skdqm.metrics import normalised_roc_auc
    >>> y_true, score = [0, 0, 0, 1, 0, 0, 0, 1], [1, 2, 3, 5, 10, 20, 30, 50]
    >>> normalised_roc_auc(y_true, score, ["cold"] * 4 + ["warm"] * 4)
    1.0
    """
    labels, scores = check_scores(y_true, anomaly_score)
    given = np.asarray(conditions)
    if given.shape != labels.shape:
        raise DataError(
            f"conditions have the shape {given.shape}; expected one per row, {labels.shape}"
        )
    names, condition = np.unique(given, return_inverse=True)
    is_normal = labels == 0
    n_normal = np.bincount(condition, weights=is_normal)
    if not n_normal.all():
        raise DataError(
            f"no row of the condition {show_labels(names[n_normal == 0])} is normal, which gives "
            "it no scale; join it to another condition or leave its rows out"
        )
    scaled = np.empty_like(scores)
    for number in range(len(names)):
        rows = condition == number
        scaled[rows] = _on_one_scale(scores[rows], is_normal[rows])
    return survivors(labels, scaled).roc_area()
