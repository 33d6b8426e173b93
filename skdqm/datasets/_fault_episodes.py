"""Faults that come and go: which kind, where, from when to when."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from skdqm.datasets._fault_kinds import KINDS, placed_block

# Mean duration of a fault in lumisections, 4 minutes.
MEAN_DURATION = 10
MODULE = "missing module"

Shape = tuple[int, ...]


class Episode(NamedTuple):
    """One fault: rows from `first` up to, not with, `stop`."""

    kind: str
    element: str
    first: int
    stop: int
    factor: float | None
    cells: NDArray[np.bool_]  # of the element's shape


def fits(kind: str, shape: Shape) -> bool:
    """Tell whether `make_lumisections` draws this kind of fault for this shape."""
    return len(shape) == 1 if KINDS[kind].whole_histogram else kind != MODULE or len(shape) > 1


def draw_times(runs: NDArray[np.int64], n_faulty: int, rng: Generator) -> Iterator[tuple[int, int]]:
    """Draw stretches of rows, none across the end of a run, that cover `n_faulty` rows in all."""
    free = np.ones(len(runs), dtype=bool)
    while n_faulty > 0:
        first = int(rng.choice(np.flatnonzero(free)))
        wanted = min(int(rng.geometric(1 / MEAN_DURATION)), n_faulty)
        ahead = free[first : first + wanted] & (runs[first : first + wanted] == runs[first])
        stop = first + int(np.argmin(np.append(ahead, False)))
        free[first:stop] = False
        n_faulty -= stop - first
        yield first, stop


def _drawn_factor(kind: str, n_bins: int, rng: Generator) -> float | None:
    spec = KINDS[kind]
    if spec.default is None:
        return None
    factor = float(rng.uniform(*spec.drawn))
    if not spec.whole_histogram:
        return factor
    bins = max(1.0, factor * n_bins)
    return bins * float(rng.choice((-1, 1))) if spec.lowest < 0 else bins


def _drawn_sides(kind: str, shape: Shape, rng: Generator) -> Shape:
    if KINDS[kind].whole_histogram:
        return shape
    if kind == MODULE:
        return tuple(int(rng.integers(max(1, n // 8), max(1, n // 4) + 1)) for n in shape)
    return tuple(int(rng.integers(1, max(1, n // 16) + 1)) for n in shape)


def draw_episodes(
    runs: NDArray[np.int64],
    usual: dict[str, NDArray[np.float64]],
    n_faulty: int,
    kinds: Sequence[str],
    rng: Generator,
) -> list[Episode]:
    """Draw faults of elements whose usual counts, in their shapes, are given."""
    choices = [
        (kind, e) for kind in kinds for e, counts in usual.items() if fits(kind, counts.shape)
    ]
    episodes = []
    for first, stop in draw_times(runs, n_faulty, rng):
        # First the kind, then the element, so that kinds are equally frequent.
        kind = str(rng.choice(sorted({kind for kind, _ in choices})))
        element = str(rng.choice([e for each, e in choices if each == kind]))
        counts = usual[element]
        cells = placed_block(counts, _drawn_sides(kind, counts.shape, rng), rng)
        if not KINDS[kind].whole_histogram and counts.any():
            cells &= counts > 0  # what does not exist cannot fail
        factor = _drawn_factor(kind, counts.size, rng)
        episodes.append(Episode(kind, element, first, stop, factor, cells))
    return episodes
