"""Where the anomalies of a stream are, and what they do to healthy readings."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from skdqm.exceptions import UsageError

Floats = NDArray[np.float64]
# The first row, the one behind the last, and the kind.
Stretch = tuple[int, int, str]

# What a dead channel reads; how much each fault adds, in units in which healthy spreads are near 1.
PEDESTAL = -2.0
SHIFT, DISPLACEMENT, HOT = 1.6, 2.2, (3.0, 5.0)
BURST_LENGTHS = (30, 90)
# Mean number of rows for which an intermittent fault is there at a time.
ON_LENGTH = 30
# No long fault begins in this share of a stream, its first rows: a detector is fitted on them.
QUIET = 1 / 6


class Places(NamedTuple):
    """The channels that each kind of fault hits; those of a hot one are drawn anew each time."""

    dead: NDArray[np.intp]
    shifted: NDArray[np.intp]
    decorrelated: NDArray[np.intp]
    displaced: NDArray[np.intp]
    signs: Floats


class Hit(NamedTuple):
    """Healthy rows that a fault is about to change, and what it may use."""

    rows: Floats
    others: Floats  # other healthy rows of the same conditions
    episode: NDArray[np.intp]  # number of the episode of each row
    places: Places


class Anomalies(NamedTuple):
    """What is wrong in each row, and which rows belong together."""

    kind: NDArray[np.str_]
    pattern: NDArray[np.str_]
    episode: NDArray[np.intp]  # -1 where healthy
    faults: list[Stretch]
    bursts: list[Stretch]


def draw_places(n_features: int, rng: Generator) -> Places:
    """Draw the channels that are hit."""

    def some(share: float) -> NDArray[np.intp]:
        return np.sort(rng.permutation(n_features)[: max(1, round(share * n_features))])

    width = max(1, round(2 * n_features / 7))
    block = rng.integers(n_features - width + 1) + np.arange(width)
    displaced = some(3 / 14)
    signs = rng.choice((-1.0, 1.0), size=len(displaced))
    return Places(some(1 / 7), block, some(1 / 2), displaced, signs)


def _dead(hit: Hit, _rng: Generator) -> None:
    hit.rows[:, hit.places.dead] = PEDESTAL


def _hot(hit: Hit, rng: Generator) -> None:
    numbers, episode = np.unique(hit.episode, return_inverse=True)
    channel = rng.integers(hit.rows.shape[1], size=len(numbers))[episode]
    sign = rng.choice((-1.0, 1.0), size=len(numbers))[episode]
    hit.rows[np.arange(len(episode)), channel] += sign * rng.uniform(*HOT, size=len(episode))


def _shifted(hit: Hit, _rng: Generator) -> None:
    hit.rows[:, hit.places.shifted] += SHIFT


def _decorrelated(hit: Hit, _rng: Generator) -> None:
    hit.rows[:, hit.places.decorrelated] = hit.others[:, hit.places.decorrelated]


def _displaced(hit: Hit, _rng: Generator) -> None:
    hit.rows[:, hit.places.displaced] += DISPLACEMENT * hit.places.signs


# Each changes the rows of a hit in place.
KINDS: dict[str, Callable[[Hit, Generator], None]] = {
    "dead": _dead,
    "hot": _hot,
    "decorrelated": _decorrelated,
    "shifted": _shifted,
    "displaced": _displaced,
}
# "displaced" only comes as a long fault: whoever has not learned it must find it.
SHORT_KINDS = ("dead", "hot", "decorrelated", "shifted")


def draw_faults(
    n_samples: int, n_faults: int, length: int, kind: str, rng: Generator
) -> list[Stretch]:
    """Draw one fault in each of equal parts of the stream behind its quiet beginning."""
    edges = np.linspace(QUIET * n_samples, n_samples, n_faults + 1).astype(int)
    room = np.diff(edges) - length
    if (room < 0).any():
        raise UsageError(
            f"n_faults={n_faults} of fault_length={length} do not fit in n_samples={n_samples}, "
            f"whose first {edges[0]} rows have none; give more rows, or fewer or shorter faults"
        )
    starts = edges[:-1] + rng.integers(room + 1)
    return [(start, start + length, kind) for start in starts.tolist()]


def _present(
    length: int, density: float, *, intermittent: bool, rng: Generator
) -> NDArray[np.bool_]:
    """Draw in which rows of a fault it is there, always in the first."""
    if not intermittent:
        there = rng.random(length) < density
        there[0] = True
        return there
    # Stretches with and without it; the means are such that the density comes out.
    pause = max(1.0, ON_LENGTH * (1 - density) / density)
    means = np.array([ON_LENGTH, pause if density < 1 else 1.0])
    lengths = rng.geometric(1 / means, size=(length // 2 + 1, 2))
    lengths[:, 1] *= density < 1
    return np.repeat(np.tile([True, False], len(lengths)), lengths.ravel())[:length]


def _draw_bursts(
    n_samples: int, fraction: float, faults: list[Stretch], rng: Generator
) -> list[Stretch]:
    """Draw one burst in each of equal parts of the stream, but none across a long fault."""
    n_bursts = round(fraction * n_samples / np.mean(BURST_LENGTHS))
    edges = np.linspace(0, n_samples, n_bursts + 1).astype(int)
    lengths = rng.integers(BURST_LENGTHS[0], BURST_LENGTHS[1] + 1, size=n_bursts)
    starts = edges[:-1] + rng.integers(np.diff(edges) - lengths + 1)
    kinds = rng.choice(SHORT_KINDS, size=n_bursts).tolist()
    drawn = zip(starts.tolist(), (starts + lengths).tolist(), kinds, strict=True)
    return [
        (first, stop, kind)
        for first, stop, kind in drawn
        if all(stop <= begin or end <= first for begin, end, _ in faults)
    ]


def draw_anomalies(
    n_samples: int,
    fractions: tuple[float, float],
    faults: list[Stretch],
    fault: tuple[float, str],
    rngs: list[Generator],
) -> Anomalies:
    """Draw isolated rows and bursts by their fractions, and fill in long faults.

    `fault` is the density and the pattern of long faults.
    """
    kind = np.full(n_samples, "", dtype=f"U{max(map(len, KINDS))}")
    pattern = np.full(n_samples, "", dtype="U12")
    isolated = np.flatnonzero(rngs[0].random(n_samples) < fractions[0])
    kind[isolated] = rngs[0].choice(SHORT_KINDS, size=isolated.size)
    pattern[isolated] = "isolated"
    episode = np.where(kind == "", -1, np.arange(n_samples))
    bursts = _draw_bursts(n_samples, fractions[1], faults, rngs[1])
    for first, stop, name in bursts:
        kind[first:stop], pattern[first:stop], episode[first:stop] = name, "burst", first
    density, how = fault
    for first, stop, name in faults:
        there = _present(stop - first, density, intermittent=how == "intermittent", rng=rngs[2])
        # Within a long fault there is nothing else: its clean rows are clean.
        kind[first:stop] = np.where(there, name, "")
        pattern[first:stop] = np.where(there, how, "")
        episode[first:stop] = np.where(there, first, -1)
    return Anomalies(kind, pattern, episode, faults, bursts)


def apply(
    X: Floats,
    kind: NDArray[np.str_],
    episode: NDArray[np.intp],
    places: Places,
    *,
    others: Callable[[NDArray[np.intp]], Floats],
    rng: Generator,
) -> None:
    """Let anomalies change healthy rows, in place; `others` draws healthy rows like some rows."""
    for name, change in KINDS.items():
        rows = np.flatnonzero(kind == name)
        if rows.size:
            hit = Hit(X[rows], others(rows), episode[rows], places)
            change(hit, rng)
            X[rows] = hit.rows
