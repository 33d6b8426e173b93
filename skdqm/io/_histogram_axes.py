"""Bins along the axes: what a file declares, and how its list of bins is laid out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from skdqm.exceptions import DataError
from skdqm.io._histogram_rows import Floats, Flow

# Number of axes by kind, as CMS numbers the kinds: TH1F, TH1S, TH1D, TH2F, TH2S, TH2D, TH3F.
KINDS = {3: 1, 4: 1, 5: 1, 6: 2, 7: 2, 8: 2, 9: 3}
# TProfile and TProfile2D, which hold means and no counts.
PROFILES = (10, 11)
_AXES = "xyz"


class Axis(NamedTuple):
    """The bins along one axis, without underflow and overflow."""

    length: int
    edges: Floats


@dataclass(frozen=True)
class Binning:
    """Where the bins of a stored list belong.

    Attributes
    ----------
    edges : tuple of ndarray
        Along each axis, with infinite ones around underflow and overflow that are kept.
    stored : tuple of int
        Lengths of the stored list along the axes.
    x_first : bool
        Whether x runs fastest in it, as in ROOT's own array with underflow and overflow.
    kept : tuple of slice
        Which of the bins are left along each axis.
    """

    edges: tuple[Floats, ...]
    stored: tuple[int, ...]
    x_first: bool
    kept: tuple[slice, ...]

    def arranged(self, counts: Floats) -> Floats:
        """Return lists of shape (n, n_stored) as counts of shape (n, n_bins) in C order."""
        if self.x_first:
            arrays = counts.reshape(-1, *self.stored[::-1])
            arrays = arrays.transpose(0, *range(arrays.ndim - 1, 0, -1))
        else:
            arrays = counts.reshape(-1, *self.stored)
        return np.ascontiguousarray(arrays[(slice(None), *self.kept)].reshape(len(counts), -1))


def numbered_edges(length: int, first: int = 0) -> Floats:
    """Return edges that are the numbers of the bins."""
    return np.arange(first, first + length + 1, dtype=np.float64)


def binning_of(axes: Sequence[Axis], n_stored: int, flow: Flow) -> Binning:
    """Find out how a list of `n_stored` bins is laid out.

    Lists with underflow and overflow have two bins more along each axis than the file declares. A
    file that declares nothing has them when the caller wants them dropped. Bins declared with an
    infinite edge are underflow and overflow too.
    """
    drops = flow == "drop"
    if not axes and drops and n_stored > 2:
        axes = [Axis(n_stored - 2, numbered_edges(n_stored - 2))]
    axes = axes or [Axis(n_stored, numbered_edges(n_stored))]
    lengths = [axis.length for axis in axes]
    stored = tuple(length + 2 for length in lengths)
    if n_stored == math.prod(lengths):
        return _binning([axis.edges for axis in axes], drops=drops, x_first=False)
    if n_stored != math.prod(stored):
        raise DataError(
            f"found {n_stored} bins; expected {' x '.join(map(str, lengths))} as declared, or "
            f"{' x '.join(map(str, stored))} with underflow and overflow"
        )
    whole = [np.concatenate([[-np.inf], axis.edges, [np.inf]]) for axis in axes]
    return _binning(whole, drops=drops, x_first=True)


def _binning(edges: Sequence[Floats], *, drops: bool, x_first: bool) -> Binning:
    kept = tuple(_finite(along) if drops else slice(0, len(along) - 1) for along in edges)
    left = tuple(along[bins.start : bins.stop + 1] for along, bins in zip(edges, kept, strict=True))
    return Binning(left, tuple(len(along) - 1 for along in edges), x_first, kept)


def _finite(edges: Floats) -> slice:
    """Return the bins with finite edges; all if there is none."""
    finite = np.flatnonzero(np.isfinite(edges))
    return slice(0, len(edges) - 1) if len(finite) < 2 else slice(int(finite[0]), int(finite[-1]))


def axes_of(declared: Mapping[str, Any]) -> list[Axis]:
    """Return the axes that the columns xbins, xmin, xmax, ybins ... of a row declare."""
    return [_axis(declared, letter) for letter in _AXES[: _n_axes(declared)]]


def _n_axes(declared: Mapping[str, Any]) -> int:
    """Count the axes: by kind, else those of more than one bin, as files give y of 1D one bin."""
    lengths = [_number(declared, f"{letter}bins") for letter in _AXES]
    if math.isnan(lengths[0]):
        return 0
    kind = _number(declared, "metype")
    if kind in KINDS:
        return KINDS[int(kind)]
    return max([1, *(axis + 1 for axis, length in enumerate(lengths) if length > 1)])


def _axis(declared: Mapping[str, Any], letter: str) -> Axis:
    length = _number(declared, f"{letter}bins")
    if not (length >= 1 and length == math.floor(length) and length < 2**31):
        raise DataError(f"{letter}bins is {length:g}; expected a whole number of bins from 1")
    edges = declared.get(f"{letter}edges")
    if edges is not None:
        return Axis(int(length), _stated_edges(np.asarray(edges), int(length), letter))
    low, high = (_number(declared, f"{letter}{end}") for end in ("min", "max"))
    if math.isnan(low) and math.isnan(high):
        return Axis(int(length), numbered_edges(int(length)))
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise DataError(
            f"{letter}min is {low:g} and {letter}max is {high:g}; expected a range of numbers"
        )
    return Axis(int(length), np.linspace(low, high, int(length) + 1))


def _stated_edges(edges: Any, length: int, letter: str) -> Floats:
    if edges.dtype.kind not in "iuf" or len(edges) != length + 1 or not (np.diff(edges) > 0).all():
        raise DataError(f"{letter}edges do not rise; expected {length + 1} numbers in order")
    return np.asarray(edges, dtype=np.float64)


def _number(declared: Mapping[str, Any], name: str) -> float:
    """Return a declared number, NaN if there is none."""
    value = declared.get(name)
    try:
        return math.nan if value is None else float(value)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} is {str(value)[:60]!r}; expected a number") from error
