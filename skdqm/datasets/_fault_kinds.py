"""What each kind of fault makes of counts."""

from collections.abc import Callable
from numbers import Real
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import ndtr

from skdqm.exceptions import UsageError

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Change = Callable[[Counts, float, Generator], Counts]

# The default shift or spread of a histogram, as a share of its bins.
MOVE = 0.05
# Counts are int64; below this, two of them can be added.
LARGEST = 2.0**62


class FaultKind(NamedTuple):
    """A kind of fault: what it does, and the factors that mean something to it."""

    change: Change
    default: float | None = None  # None: takes no factor
    lowest: float = -np.inf
    highest: float = np.inf
    whole_histogram: bool = False
    drawn: tuple[float, float] = (1.0, 1.0)

    def checked_factor(self, kind: str, factor: float | None, n_bins: int) -> float:
        """Return the factor to use, or raise ``UsageError``."""
        if self.default is None and factor is not None:
            raise UsageError(f"factor={factor!r}, but a fault of kind {kind!r} takes none")
        if factor is None:
            return max(1.0, MOVE * n_bins) if self.whole_histogram else (self.default or 0.0)
        if not (isinstance(factor, Real) and factor and self.lowest < factor < self.highest):
            limits = f"between {self.lowest:g} and {self.highest:g}, and not 0"
            raise UsageError(f"factor={factor!r} of the kind {kind!r}; give a number {limits}")
        return float(factor)


def _bounded(counts: Floats, about: str) -> Floats:
    """Return counts, or raise ``UsageError`` where they or their sums would not fit into int64."""
    if not (counts < LARGEST).all():
        raise UsageError(
            f"{about} makes counts of {counts.max():g}; expected less than {LARGEST:g}: give a "
            "smaller factor, or smaller counts"
        )
    return counts


def _hot(counts: Counts, factor: float, _: Generator) -> Counts:
    with np.errstate(over="ignore"):
        hot: Floats = np.multiply(counts, factor, dtype=np.float64)
    return np.rint(_bounded(hot, f"factor={factor!r} of the kind 'hot'")).astype(np.int64)


def _noisy(counts: Counts, factor: float, rng: Generator) -> Counts:
    """Add entries whose mean differs from lumisection to lumisection."""
    # Where nothing was counted, noise still is: at least one entry at strength 1.
    level = factor * max(float(counts.mean()), 1.0)
    strength = rng.exponential(size=(len(counts), 1))
    about = f"factor={factor!r} of the kind 'noisy'"
    with np.errstate(over="ignore"):
        mean: Floats = level * strength
        _bounded(counts + mean, about)
    return counts + rng.poisson(np.broadcast_to(mean, counts.shape))


def _moved(counts: Counts, chances: Floats, rng: Generator) -> Counts:
    """Move each entry from its bin (row of `chances`) to another; none is lost."""
    _bounded(counts.sum(axis=1, dtype=np.float64), "moving the entries of a histogram")
    return np.array([rng.multinomial(row, chances).sum(axis=0) for row in counts])


def _shifted(counts: Counts, bins: float, rng: Generator) -> Counts:
    n_bins = counts.shape[1]
    # Beyond the axis, entries stay in the first or the last bin, as a clipped value would.
    target = np.clip(np.arange(n_bins) + bins, 0, n_bins - 1)
    lower = np.floor(target).astype(int)
    upper = np.minimum(lower + 1, n_bins - 1)
    chances = np.zeros((n_bins, n_bins))
    here = np.arange(n_bins)
    np.add.at(chances, (here, lower), 1 - (target - lower))
    np.add.at(chances, (here, upper), target - lower)
    return _moved(counts, chances, rng)


def _broadened(counts: Counts, bins: float, rng: Generator) -> Counts:
    n_bins = counts.shape[1]
    centres = np.arange(n_bins)
    with np.errstate(over="ignore"):  # by next to nothing: entries stay
        inner = (centres[1:] - 0.5 - centres[:, None]) / bins
    below = np.pad(ndtr(inner), ((0, 0), (1, 1)), constant_values=((0, 0), (0.0, 1.0)))
    return _moved(counts, np.diff(below, axis=1), rng)


KINDS: dict[str, FaultKind] = {
    "dead": FaultKind(lambda counts, *_: np.zeros_like(counts)),
    "hot": FaultKind(_hot, 10.0, lowest=1.0, drawn=(3.0, 15.0)),
    "degraded": FaultKind(
        lambda counts, factor, rng: rng.binomial(counts, factor),
        0.5,
        lowest=0.0,
        highest=1.0,
        drawn=(0.2, 0.8),
    ),
    "noisy": FaultKind(_noisy, 2.0, lowest=0.0, drawn=(0.5, 3.0)),
    "missing module": FaultKind(lambda counts, *_: np.zeros_like(counts)),
    "shifted": FaultKind(_shifted, 1.0, whole_histogram=True, drawn=(0.02, 0.08)),
    "broadened": FaultKind(_broadened, 1.0, lowest=0.0, whole_histogram=True, drawn=(0.02, 0.08)),
}


def checked_kind(kind: str) -> FaultKind:
    """Return a kind of fault by its name, or raise ``UsageError``."""
    if kind not in KINDS:
        raise UsageError(f"kind={kind!r}; expected one of {', '.join(map(repr, KINDS))}")
    return KINDS[kind]


def placed_block(
    usual: Floats, sides: tuple[int, ...], rng: Generator, corner: tuple[int, ...] | None = None
) -> NDArray[np.bool_]:
    """Return the cells of a block of neighbours in a histogram whose usual counts are known.

    Without a corner, the block is put at random round a cell where something is counted: elsewhere
    a fault leaves no trace.
    """
    if corner is None:
        busy = np.flatnonzero(usual >= 0.25 * usual[usual > 0].mean()) if usual.any() else ()
        cell = rng.choice(busy) if len(busy) else rng.integers(usual.size)
        centre = np.unravel_index(cell, usual.shape)
        corner = tuple(
            int(np.clip(middle - side // 2, 0, length - side))
            for middle, side, length in zip(centre, sides, usual.shape, strict=True)
        )
    cells = np.zeros(usual.shape, dtype=bool)
    cells[tuple(slice(at, at + side) for at, side in zip(corner, sides, strict=True))] = True
    return cells
