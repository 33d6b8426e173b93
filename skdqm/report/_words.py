"""What is wrong with a histogram, in words."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skdqm.report._finding import Edges, Floats, checked_arrays, checked_edges, checked_names
from skdqm.report._places import Place, shift_of, without_masked, worst_place

AXES = ("x", "y", "z")
# Below this share of what was expected a place is dead, above this multiple it is hot.
_DEAD = 0.05
_HOT = 3.0
# A hot place is small: at most so many bins, or this share of them.
_FEW_BINS = 4
_FEW_SHARE = 0.05
_NEARLY_ALL = 0.8
_LARGEST_PULL_SHOWN = 1000


class _Histogram(NamedTuple):
    counts: Floats
    expectation: Floats
    pull: Floats
    edges: Edges
    names: tuple[str, ...]


def reason_in_words(
    element: str,
    counts: ArrayLike,
    expectation: ArrayLike,
    pull: ArrayLike,
    edges: Sequence[ArrayLike] | None = None,
    *,
    names: Sequence[str] | None = None,
) -> str:
    """Say in one sentence where a histogram deviates, in which direction and how much.

    The words: *dead* (less than 5 % of what was expected, in full "almost dead" where something was
    counted), *hot* (a few bins, three times the expected or more), *low* and *high* by so many per
    cent, and *shifted* (too little on one side, too much on the other).

    Parameters
    ----------
    element : str
        Name of the monitoring element.
    counts, expectation, pull : array-like of shape (n_x,), (n_x, n_y) or (n_x, n_y, n_z)
        What was counted, what was expected of as many entries, and the deviation in standard
        deviations; NaN for masked bins.
    edges : sequence of array-like, optional
        Bin edges along each axis. Bins are counted from 0.
    names : sequence of str, optional
        Name of each axis of a map, "x", "y" and "z" without.

    Returns
    -------
    reason : str
        For example ``"occupancy: cell (ieta 3, iphi 17) is dead (0 counts, 152 expected), pull
        -12.3"``.

    Raises
    ------
    DataError
        When the shapes do not fit each other.

    Examples
    --------
    >>> import numpy as np
    >>> from skdqm.report import reason_in_words
    >>> expectation = np.full(20, 400.0)
    >>> counts = np.where(np.arange(20) // 4 == 3, 250.0, 400.0)
    >>> pull = (counts - expectation) / 20
    >>> reason_in_words("charge", counts, expectation, pull, [np.linspace(0, 16_000, 21)])
    'charge: bins 12-15 (9,600 to 12,800) are low by 38 %, largest pull -7.5 in bin 12'
    """
    arrays = checked_arrays(element, counts, expectation, pull)
    shape = arrays[0].shape
    found_edges = checked_edges(element, edges, shape)
    histogram = _Histogram(*arrays, found_edges, checked_names(element, names, shape))
    return f"{element}: {_sentence(histogram)}"


def axis_names(names: tuple[str, ...], n_axes: int) -> tuple[str, ...]:
    """Return a name for each axis of a map."""
    return names or tuple(AXES[i] if i < len(AXES) else f"axis {i}" for i in range(n_axes))


def along(name: str, edges: Floats | None, first: int, last: int) -> str:
    """Say which bins of an axis of a map are meant, by value where the axis has whole numbers."""
    edges = np.arange(last + 2.0) if edges is None else edges
    values = _whole_numbers(edges)
    if values is None:
        return f"{name} {number(edges[first])} to {number(edges[last + 1])}"
    until = "" if first == last else f" to {number(values[last])}"
    return f"{name} {number(values[first])}{until}"


def _whole_numbers(edges: Floats) -> Floats | None:
    """Return the whole number that each bin of an axis stands for, None if it is none."""
    if not np.allclose(np.diff(edges), 1):
        return None
    centres = (edges[:-1] + edges[1:]) / 2
    candidates = (each for each in (centres, edges[:-1]) if np.allclose(each, each.round()))
    return next(candidates, None)


def number(value: float) -> str:
    """Write a number as people do: whole ones and large ones without digits behind the point."""
    if not np.isfinite(value):
        return f"{value:g}"
    if value == round(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def pull_text(pull: float) -> str:
    """Write a pull; where next to nothing was expected it is only known to be huge."""
    if abs(pull) < _LARGEST_PULL_SHOWN:
        return f"{pull:+.1f}"
    return "below -1,000" if pull < 0 else "above 1,000"


def _sentence(histogram: _Histogram) -> str:
    found, expected = np.nansum(histogram.counts), np.nansum(histogram.expectation)
    if found == 0 and expected > 0:
        return f"empty ({_compared(0, expected)})"
    shift = shift_of(histogram.pull) if histogram.pull.ndim == 1 else None
    if shift is not None and not _has_a_hole(histogram, shift):
        return _shift(histogram, *shift)
    place = worst_place(histogram.pull)
    return _spread(histogram) if place is None else _local(histogram, place)


def _has_a_hole(histogram: _Histogram, sides: tuple[Place, Place]) -> bool:
    """Tell dead bins, for which all others seem a little high, from entries that moved."""
    low, high = (_ratio(histogram, side.mask) for side in sorted(sides, key=lambda s: s.pull))
    return low < _DEAD and high < 2


def _ratio(histogram: _Histogram, mask: NDArray[np.bool_]) -> float:
    found, expected = (
        float(np.nansum(array[mask])) for array in (histogram.counts, histogram.expectation)
    )
    return found / expected if expected > 0 else np.inf


def _shift(histogram: _Histogram, left: Place, right: Place) -> str:
    direction = "higher" if right.pull > 0 else "lower"
    sides = " and ".join(_statement(histogram, side) for side in (left, right))
    return f"shifted to {direction} values{_means(histogram)}: {sides}"


def _means(histogram: _Histogram) -> str:
    if not histogram.edges:
        return ""
    centres = (histogram.edges[0][:-1] + histogram.edges[0][1:]) / 2
    both = (histogram.counts, histogram.expectation)
    totals = [np.nansum(each) for each in both]
    if min(totals) <= 0:
        return ""
    means = [np.nansum(centres * each) / total for each, total in zip(both, totals, strict=True)]
    return f" (mean {number(means[0])}, expected {number(means[1])})"


def _spread(histogram: _Histogram) -> str:
    clean = without_masked(histogram.pull)
    peak = np.unravel_index(np.abs(clean).argmax(), clean.shape)
    what, where = ("bin", "") if clean.ndim == 1 else ("cell", "cell ")
    mask = np.zeros(clean.shape, dtype=bool)
    mask[peak] = True
    where += _places(histogram, mask).removeprefix("cell ")
    pull = pull_text(float(clean[peak]))
    return f"no single {what} stands out (largest pull {pull} in {where})"


def _local(histogram: _Histogram, place: Place) -> str:
    if place.mask.sum() == 1:
        return f"{_statement(histogram, place)}, pull {pull_text(place.pull)}{_others(place)}"
    one = np.zeros_like(place.mask)
    one[place.peak] = True
    where = f"bin {place.peak[0]}" if one.ndim == 1 else _places(histogram, one)
    pull = pull_text(place.pull)
    return f"{_statement(histogram, place)}, largest pull {pull} in {where}{_others(place)}"


def _others(place: Place) -> str:
    if not place.n_others:
        return ""
    verb = "place deviates" if place.n_others == 1 else "places deviate"
    return f"; {place.n_others} more {verb} as much"


def _statement(histogram: _Histogram, place: Place) -> str:
    """Say where, and how much more or less than expected."""
    mask = place.mask
    found, expected = (
        float(np.nansum(array[mask])) for array in (histogram.counts, histogram.expectation)
    )
    n_bins = int(mask.sum())
    is_few = n_bins <= max(_FEW_BINS, _FEW_SHARE * mask.size)
    verb = "is" if n_bins == 1 else "are"
    effect = _effect(found, expected, is_high=place.pull > 0, is_few=is_few)
    return f"{_where(histogram, mask)} {verb} {effect}"


def _where(histogram: _Histogram, mask: NDArray[np.bool_]) -> str:
    filled = (histogram.expectation > 0) | (histogram.counts > 0)
    if mask.sum() > 1 and (mask & filled).sum() >= _NEARLY_ALL * max(filled.sum(), 1):
        kind = "bins" if mask.ndim == 1 else "cells"
        return f"all {kind}" if mask.all() else f"nearly all {kind}"
    return _places(histogram, mask)


def _places(histogram: _Histogram, mask: NDArray[np.bool_]) -> str:
    if mask.ndim == 1:
        return _bins(histogram, mask)
    names = axis_names(histogram.names, mask.ndim)
    edges = histogram.edges or (None,) * mask.ndim
    spans = _spans(mask)
    parts = [
        f"all {name}" if last - first + 1 == length > 1 else along(name, axis, first, last)
        for name, axis, (first, last), length in zip(names, edges, spans, mask.shape, strict=True)
    ]
    box = f"({', '.join(parts)})"
    n_cells = int(mask.sum())
    if n_cells == 1:
        return f"cell {box}"
    area = np.prod([last - first + 1 for first, last in spans])
    return f"{n_cells:,} cells {'' if n_cells == area else 'within '}{box}"


def _bins(histogram: _Histogram, mask: NDArray[np.bool_]) -> str:
    ((first, last),) = _spans(mask)
    text = f"bin {first}" if first == last else f"bins {first}-{last}"
    if not histogram.edges or np.array_equal(histogram.edges[0], np.arange(mask.size + 1)):
        return text
    low, high = histogram.edges[0][[first, last + 1]]
    return f"{text} ({number(low)} to {number(high)})"


def _spans(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    return [(int(axis.min()), int(axis.max())) for axis in np.nonzero(mask)]


def _effect(found: float, expected: float, *, is_high: bool, is_few: bool) -> str:
    ratio = found / expected if expected > 0 else np.inf
    if not is_high and ratio < _DEAD:
        return f"{'almost ' if found else ''}dead ({_compared(found, expected)})"
    if is_high and is_few and ratio >= _HOT:
        return f"hot ({_compared(found, expected)})"
    direction = "high" if is_high else "low"
    if is_high != (ratio > 1):  # the caller's pulls do not go by these counts
        return direction
    if ratio >= 2:
        return f"{direction} by a factor of {ratio:.1f}" if ratio < np.inf else direction
    percent = 100 * abs(ratio - 1)
    return f"{direction} by {percent:.0f} %" if percent >= 1 else f"{direction} by {percent:.1g} %"


def _compared(found: float, expected: float) -> str:
    unit = "counts" if found == round(found) and max(found, expected) >= 1 else "found"
    unit = "count" if unit == "counts" and found == 1 else unit
    return f"{number(found)} {unit}, {_expected(expected)} expected"


def _expected(value: float) -> str:
    if value <= 0:
        return "none"
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
