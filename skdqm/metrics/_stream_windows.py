"""Windows of a stream, and the pairs of an anomaly and a normal row in them."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skdqm.exceptions import DataError

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


class WindowedFigures(NamedTuple):
    """A figure of merit in consecutive windows of a stream.

    Attributes
    ----------
    mean : float
        Mean of the values: every window in which the figure is defined has the same weight.
    values : ndarray of shape (n_values,)
        The figure in each of these windows.
    starts : ndarray of shape (n_values,), int64
        Position of the first row of each of them.
    n_windows : int
        Number of all windows, also those in which the figure is not defined.
    """

    mean: float
    values: Floats
    starts: NDArray[np.int64]
    n_windows: int


def consecutive(n_rows: int, window: int) -> list[slice]:
    """Cut rows into windows; the last one has what is left."""
    return [slice(first, min(first + window, n_rows)) for first in range(0, n_rows, window)]


def needs_window(what: str, window: int) -> DataError:
    """Return the error that says what no window has."""
    return DataError(f"no window of {window} rows holds {what}; widen the window")


def sums_in(values: NDArray[Any], window: int) -> Floats:
    """Return the sum of each full window of rows, by its first row."""
    total = np.append(0.0, np.cumsum(values))
    sums: Floats = total[window:] - total[:-window]
    return sums


def pairs_in(labels: Labels, window: int) -> Floats:
    """Return how many pairs of an anomaly and a normal row the window up to each row holds."""
    seen = np.append(np.zeros(window), np.cumsum(labels))
    anomalies = seen[window:] - seen[:-window]
    pairs: Floats = anomalies * (np.minimum(np.arange(1, len(labels) + 1), window) - anomalies)
    return pairs


def sliding_wins(labels: Labels, scores: Floats, window: int) -> Floats:
    """Count the pairs that are in order in the window up to each row; equal scores count a half.

    A pair counts from its later row on, until its earlier row leaves the window. All pairs are
    reached from the rows of the rarer class. Halves are exact in binary, so nothing accumulates.
    """
    n_rows = len(labels)
    rarer = 1 if 2 * labels.sum() <= n_rows else 0
    ranked = scores if rarer else -scores
    is_other = labels != rarer
    change = np.zeros(n_rows + window)
    for row in np.flatnonzero(~is_other).tolist():
        first, stop = max(0, row - window + 1), min(n_rows, row + window)
        near = ranked[first:stop]
        wins = (0.5 * (near < ranked[row]) + 0.5 * (near <= ranked[row])) * is_other[first:stop]
        before, after = wins[: row - first], wins[row - first + 1 :]
        change[row] += before.sum()
        change[first + window : row + window] -= before
        change[row + 1 : stop] += after
        change[row + window] -= after.sum()
    counts: Floats = np.cumsum(change[:n_rows])
    return counts


def _wins(anomalies: Floats, ordered: Floats) -> float:
    """Count pairs of anomalies with higher scores than normal rows, whose scores are ordered."""
    below = np.searchsorted(ordered, anomalies, side="left")
    return float((below + np.searchsorted(ordered, anomalies, side="right")).sum() / 2)


def expanding_wins(labels: Labels, scores: Floats, rows: NDArray[np.int64]) -> Floats:
    """Count the pairs that are in order among all rows up to each of `rows`, which increase."""
    ordered = {0: np.empty(0), 1: np.empty(0)}
    counts, count, first = np.empty(len(rows)), 0.0, 0
    for place, last in enumerate(rows):
        new = slice(first, last + 1)
        normal, anomalous = (scores[new][labels[new] == label] for label in (0, 1))
        # New normal rows against old anomalies, then new anomalies against all normal rows.
        count += ordered[1].size * normal.size - _wins(normal, ordered[1])
        ordered = {
            label: np.sort(np.append(ordered[label], added), kind="stable")
            for label, added in ((0, normal), (1, anomalous))
        }
        count += _wins(anomalous, ordered[0])
        counts[place], first = count, last + 1
    return counts
