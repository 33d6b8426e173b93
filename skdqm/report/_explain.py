"""What made lumisections bad: the histogram, what was expected of it, and words for it."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from skdqm._lumisections import elements_of
from skdqm.report._finding import Edges, Finding, Floats
from skdqm.report._judged import Judged
from skdqm.report._runs import GOOD
from skdqm.report._words import reason_in_words
from skdqm.statistics import deviance_residuals

AS_A_WHOLE = "abnormal as a whole; its detector does not tell where"


def reasons(judged: Judged, edges: dict[str, Edges]) -> list[str | None]:
    """Say for each bad lumisection what is wrong with its worst element."""
    said: list[str | None] = [None] * len(judged.rows)
    for (row, _), reason in reasons_of(judged, judged.worst(), edges).items():
        said[row] = reason
    return said


def reasons_of(
    judged: Judged, picks: Sequence[tuple[int, int]], edges: dict[str, Edges]
) -> dict[tuple[int, int], str]:
    """Say what is wrong with some lumisections and elements."""
    names = judged.detector.elements_
    said = {(row, element): f"{names[element]}: {AS_A_WHOLE}" for row, element in picks}
    for row, found in findings(judged, picks, edges):
        arrays = (found.counts, found.expectation, found.pull)
        words = reason_in_words(found.element, *arrays, found.edges)
        said[row, names.index(found.element)] = words
    return said


def findings(
    judged: Judged, picks: Sequence[tuple[int, int]], edges: dict[str, Edges]
) -> Iterator[tuple[int, Finding]]:
    """Yield the histograms of some lumisections and elements, with what was expected of them.

    Parameters
    ----------
    judged : Judged
        Whole runs.
    picks : sequence of (int, int)
        Positions of lumisections and elements.
    edges : dict of str to tuple of ndarray
        Bins along each axis, by element.

    Yields
    ------
    lumisection : int
        Position of the lumisection.
    finding : Finding
        Nothing of an element whose detector does not tell bins apart.
    """
    by_element: dict[int, list[int]] = {}
    for row, element in picks:
        by_element.setdefault(element, []).append(row)
    columns = list(elements_of([str(name) for name in judged.rows.columns]).values())
    for element, rows in by_element.items():
        part = judged.rows.iloc[:, columns[element]]
        yield from _of_element(judged, element, part, rows, edges)


def _of_element(
    judged: Judged,
    element: int,
    part: pd.DataFrame,
    rows: list[int],
    edges: dict[str, Edges],
) -> Iterator[tuple[int, Finding]]:
    detector, name = judged.detector.detectors_[element], judged.detector.elements_[element]
    if not hasattr(detector, "feature_scores"):
        return
    counts = part.to_numpy()[rows]
    expected = _expected(judged, detector, part, rows)
    # Words and pictures speak of standard deviations, and other scores are none.
    signed = detector.signed_feature_scores
    pulls = _pulls(detector, part, rows) if signed else _counting_pulls(counts, expected)
    drawn = _finite(edges[name])
    shape = tuple(len(each) - 1 for each in drawn)
    for place, *arrays in zip(rows, counts, expected, pulls, strict=True):
        run, lumisection = map(int, part.index[place])
        count, expectation, pull = (each.reshape(shape) for each in arrays)
        yield place, Finding(run, lumisection, name, count, expectation, pull, drawn)


def _pulls(detector: Any, part: pd.DataFrame, rows: list[int]) -> Floats:
    # Whole runs: rows before one may be taken with it.
    runs = part.index.get_level_values("run").to_numpy()
    seen = np.flatnonzero(np.isin(runs, runs[rows]))
    return np.asarray(detector.feature_scores(part.iloc[seen]))[np.searchsorted(seen, rows)]


def _expected(judged: Judged, detector: Any, part: pd.DataFrame, rows: list[int]) -> Floats:
    """Return what the detector expects, or else what the good lumisections of the run hold."""
    chosen = part.iloc[rows]
    if hasattr(detector, "reconstruct"):
        return np.asarray(detector.reconstruct(chosen))
    good = judged.verdicts["verdict"].to_numpy() == GOOD
    runs = judged.rows.index.get_level_values("run").to_numpy()
    values = part.to_numpy()
    found = np.empty(chosen.shape)
    for place, row in enumerate(rows):
        beside = good & (runs == runs[row])
        total = values[beside if beside.any() else runs == runs[row]].sum(axis=0)
        found[place] = total * (values[row].sum() / max(total.sum(), np.finfo(float).tiny))
    return found


def _counting_pulls(counts: Floats, expected: Floats) -> Floats:
    return deviance_residuals(np.maximum(counts, 0), np.maximum(expected, 0))


def _finite(edges: Edges) -> Edges:
    """Give underflow and overflow the width of their neighbours, so that they can be drawn."""
    drawn = []
    for axis in edges:
        known = np.flatnonzero(np.isfinite(axis))
        widths = np.diff(axis[known]) if len(known) > 1 else np.ones(1)
        first, last = known[0], known[-1]
        places = np.arange(len(axis))
        low = axis[first] - widths[0] * (first - places)
        high = axis[last] + widths[-1] * (places - last)
        drawn.append(np.where(places < first, low, np.where(places > last, high, axis)))
    return tuple(drawn)
