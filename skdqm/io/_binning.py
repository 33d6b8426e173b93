"""Bins of a histogram in words, as model files keep them, and back."""

import numpy as np
from numpy.typing import NDArray

Edges = tuple[NDArray[np.float64], ...]

# Bins whose edges no file tells: they are only numbers, and suit any edges.
UNKNOWN = "without edges"
# Differences of equal bins, relative to the whole axis, that are rounding.
ROUNDING = 1e-9
UNDERFLOW, OVERFLOW = "underflow", "overflow"


def binning(edges: Edges) -> str:
    """Describe the bins along all axes: equal words, equal bins."""
    return " x ".join(map(_axis, edges))


def same_binning(known: str, found: str) -> bool:
    """Tell whether two descriptions are of the same bins, as far as files tell."""
    axes = known.split(" x "), found.split(" x ")
    if len(axes[0]) != len(axes[1]):
        return False
    return all(
        one == other or (one.split()[0] == other.split()[0] and UNKNOWN in one + other)
        for one, other in zip(*axes, strict=True)
    )


def _axis(edges: NDArray[np.float64]) -> str:
    n_bins = len(edges) - 1
    if np.array_equal(edges, np.arange(n_bins + 1)):
        return f"{n_bins} bins {UNKNOWN}"
    finite = edges[np.isfinite(edges)]
    low, high = finite[0], finite[-1]
    parts = [f"{n_bins} bins {low:.12g} .. {high:.12g}"]
    if not np.allclose(finite, np.linspace(low, high, len(finite)), 0, ROUNDING * (high - low)):
        parts.append("at " + " ".join(f"{edge:.9g}" for edge in finite))
    ends = ((UNDERFLOW, edges[0]), (OVERFLOW, edges[-1]))
    parts += [name for name, edge in ends if not np.isfinite(edge)]
    return ", ".join(parts)


def edges_in(text: str) -> Edges:
    """Return the edges that a description of bins was made of, as far as it tells."""
    return tuple(map(_edges_in, text.split(" x ")))


def _edges_in(text: str) -> NDArray[np.float64]:
    first, *parts = text.split(", ")
    number, _, limits = first.partition(" bins ")
    if UNKNOWN in limits:
        return np.arange(int(number) + 1.0)
    outside = [UNDERFLOW in parts, OVERFLOW in parts]
    listed = next((part for part in parts if part.startswith("at ")), None)
    if listed is not None:
        inside = np.array([float(edge) for edge in listed.removeprefix("at ").split()])
    else:
        low, high = map(float, limits.split(" .. "))
        inside = np.linspace(low, high, int(number) + 1 - sum(outside))
    ends = [
        np.full(int(is_open), end) for is_open, end in zip(outside, (-np.inf, np.inf), strict=True)
    ]
    return np.concatenate([ends[0], inside, ends[1]])
