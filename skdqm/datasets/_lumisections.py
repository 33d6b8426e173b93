"""A generator of lumisections with drift and faults."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from numbers import Integral, Real
from typing import Literal, NamedTuple, overload

import numpy as np
import pandas as pd
from numpy.random import Generator, RandomState
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from skdqm._lumisections import bin_names
from skdqm._messages import listed
from skdqm._sklearn import Interval, validate_params
from skdqm.datasets._fault_episodes import Episode, draw_episodes, fits
from skdqm.datasets._fault_kinds import KINDS, checked_kind
from skdqm.datasets._fault_places import whole_numbers
from skdqm.datasets._faults import apply_fault
from skdqm.datasets._lumisection_shapes import (
    OccupancyMap,
    Spectrum,
    draw_conditions,
    draw_drift,
    draw_index,
    healthy_counts,
)
from skdqm.exceptions import UsageError

__all__ = ["LumisectionTruth", "make_lumisections"]

Shape = tuple[int, ...]
Shapes = Sequence[int] | Mapping[str, Sequence[int]]
Labels = NDArray[np.int64]


class LumisectionTruth(NamedTuple):
    """What the lumisections were made of.

    Attributes
    ----------
    conditions : DataFrame of shape (n_lumisections, 3)
        ``pileup`` (collisions per bunch crossing), ``luminosity`` (1 = nominal) and ``exposure``
        (mean number of entries of a healthy histogram over `statistics`, on average 1).
    kind : ndarray of str of shape (n_lumisections,)
        The kind of fault, "" for a healthy lumisection.
    mask : DataFrame of shape (n_lumisections, n_bins), bool
        True where a bin is faulty.
    faults : DataFrame of shape (n_faults, 6)
        A row per fault: ``kind``, ``element``, ``run``, ``first`` and ``last`` lumisection, and
        ``n_bins`` that are faulty.
    """

    conditions: pd.DataFrame
    kind: NDArray[np.str_]
    mask: pd.DataFrame
    faults: pd.DataFrame


def _shapes(shape: Shapes) -> dict[str, Shape]:
    """Return the shape of each monitoring element."""
    if not isinstance(shape, Mapping):
        shape = {"charge" if len(shape) == 1 else "occupancy": shape}
    if not shape:
        raise UsageError("shape names no monitoring element; give for example {'charge': (100,)}")
    found = {element: whole_numbers(sides) for element, sides in shape.items()}
    for element, sides in found.items():
        if not 1 <= len(sides) <= 3 or min(sides) < 1 or math.prod(sides) < 2 or "[" in element:
            raise UsageError(
                f"shape of {element!r} is {shape[element]!r}; give 1 to 3 whole numbers of bins "
                "with at least 2 bins in all, and a name without brackets"
            )
    return found


def _lengths(n_lumisections: int | Sequence[int]) -> tuple[int, int]:
    """Return the shortest and the longest run."""
    pair = whole_numbers(n_lumisections, 2)
    if not pair or not 1 <= pair[0] <= pair[1]:
        raise UsageError(
            f"n_lumisections={n_lumisections!r}; give the length of a run, a whole number of 1 or "
            "more, or the shortest and the longest"
        )
    return pair[0], pair[1]


def _kinds(faults: Sequence[str] | None, shapes: dict[str, Shape], fraction: float) -> list[str]:
    """Return the kinds of fault to draw from: those that some element can have."""
    possible = [k for k in KINDS if any(fits(k, shape) for shape in shapes.values())]
    if faults is None:
        return possible
    if isinstance(faults, str) or len(set(faults)) < len(faults) or (fraction and not len(faults)):
        raise UsageError(
            f"faults={faults!r} must be a sequence of different kinds out of {list(KINDS)}"
        )
    for kind in faults:
        checked_kind(kind)
    impossible = [kind for kind in faults if kind not in possible]
    if impossible:
        raise UsageError(
            f"no histogram of the shapes {list(shapes.values())} can have the faults "
            f"{listed(impossible)}; expected some of {listed(possible)}"
        )
    return list(faults)


def _blocks(shapes: dict[str, Shape]) -> dict[str, slice]:
    """Return the columns of each monitoring element."""
    ends = np.cumsum([0, *(math.prod(shape) for shape in shapes.values())]).tolist()
    return {e: slice(*pair) for e, pair in zip(shapes, pairwise(ends), strict=True)}


def _inject(
    counts: NDArray[np.int64],
    episodes: list[Episode],
    blocks: dict[str, slice],
    rng: Generator,
) -> NDArray[np.bool_]:
    """Let faults change the counts, in place; return where."""
    mask = np.zeros(counts.shape, dtype=bool)
    for episode in episodes:
        rows = slice(episode.first, episode.stop)
        inside = mask[rows, blocks[episode.element]]
        inside |= episode.cells.ravel()
        part = counts[rows, blocks[episode.element]]
        apply_fault(part, inside, KINDS[episode.kind], episode.factor or 0.0, rng)
    return mask


def _truth(
    conditions: pd.DataFrame,
    episodes: list[Episode],
    mask: NDArray[np.bool_],
    columns: list[str],
) -> LumisectionTruth:
    index = conditions.index
    kind = np.full(len(index), "", dtype=f"U{max(map(len, KINDS))}")
    for episode in episodes:
        kind[episode.first : episode.stop] = episode.kind
    ordered = sorted(episodes, key=lambda episode: episode.first)
    rows = [
        (e.kind, e.element, *index[e.first], index[e.stop - 1][1], int(e.cells.sum()))
        for e in ordered
    ]
    faults = pd.DataFrame(rows, columns=["kind", "element", "run", "first", "last", "n_bins"])
    return LumisectionTruth(conditions, kind, pd.DataFrame(mask, index, columns), faults)


def _healthy(
    shapes: dict[str, Shape], conditions: pd.DataFrame, statistics: float, drift: float, seed: int
) -> NDArray[np.int64]:
    """Draw the counts of all elements; those of the first ones do not depend on how many follow."""
    n_runs = len(conditions.index.unique("run"))
    parts = []
    for number, shape in enumerate(shapes.values()):
        rng = np.random.default_rng((seed, number))
        model = Spectrum(shape, rng) if len(shape) == 1 else OccupancyMap(shape, rng)
        walks = draw_drift(n_runs, drift, rng)
        parts.append(healthy_counts(model, conditions, walks, statistics, rng))
    return np.concatenate(parts, axis=1)


@overload
def make_lumisections(
    n_runs: int = ...,
    n_lumisections: int | Sequence[int] = ...,
    *,
    shape: Shapes = ...,
    pileup: float = ...,
    statistics: float = ...,
    drift: float = ...,
    fault_fraction: float = ...,
    faults: Sequence[str] | None = ...,
    random_state: int | RandomState | None = ...,
    return_truth: Literal[False] = ...,
) -> tuple[pd.DataFrame, Labels]: ...
@overload
def make_lumisections(
    n_runs: int = ...,
    n_lumisections: int | Sequence[int] = ...,
    *,
    shape: Shapes = ...,
    pileup: float = ...,
    statistics: float = ...,
    drift: float = ...,
    fault_fraction: float = ...,
    faults: Sequence[str] | None = ...,
    random_state: int | RandomState | None = ...,
    return_truth: Literal[True],
) -> tuple[pd.DataFrame, Labels, LumisectionTruth]: ...
@validate_params(
    {
        "n_runs": [Interval(Integral, 1, None, closed="left")],
        "n_lumisections": [Integral, "array-like"],
        "shape": ["array-like", Mapping],
        "pileup": [Interval(Real, 0, 250, closed="both")],
        "statistics": [Interval(Real, 0, 1e12, closed="right")],
        "drift": [Interval(Real, 0, 1, closed="both")],
        "fault_fraction": [Interval(Real, 0, 1, closed="both")],
        "faults": ["array-like", None],
        "random_state": ["random_state"],
        "return_truth": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def make_lumisections(
    n_runs: int = 10,
    n_lumisections: int | Sequence[int] = (50, 150),
    *,
    shape: Shapes = (100,),
    pileup: float = 40.0,
    statistics: float = 10_000.0,
    drift: float = 0.02,
    fault_fraction: float = 0.05,
    faults: Sequence[str] | None = None,
    random_state: int | RandomState | None = None,
    return_truth: bool = False,
) -> tuple[pd.DataFrame, Labels] | tuple[pd.DataFrame, Labels, LumisectionTruth]:
    r"""Generate histograms per lumisection as a detector's data-quality monitoring sees them.

    Counts are Poisson. A histogram of one axis is like the charge of clusters: a Landau-like bulk,
    and low charges whose share grows linearly with pile-up. One of two or three axes is a map of
    occupancy: rings along the first axis (:math:`\eta`), whose outer ones grow with pile-up, eight
    modules along the second (:math:`\phi`), depths along the third; 2 % of its cells do not exist
    and always count 0.

    Luminosity falls within a run, and pile-up with it. From run to run the peak, the width, the
    slope along :math:`\eta` and the efficiency of the modules change: slowly, and with a jump at
    each run. So good runs differ from each other, often by more than a fault changes.

    Faults are those of :func:`inject_faults`, with a place, a time and a duration: ten lumisections
    on average, never across the end of a run, of one monitoring element and one kind at a time.
    Their factors are drawn: "hot" 3 to 15, "degraded" 0.2 to 0.8, "noisy" 0.5 to 3, "shifted" and
    "broadened" 2 % to 8 % of the axis.

    Parameters
    ----------
    n_runs : int, default=10
        Number of runs. Their numbers increase, with gaps.
    n_lumisections : int or pair of int, default=(50, 150)
        Length of every run, or of the shortest and the longest one.
    shape : sequence of int or mapping of str to sequence of int, default=(100,)
        Number of bins along each of up to three axes: of one monitoring element, called
        ``charge`` if it has one axis and ``occupancy`` otherwise, or of each by its name.
    pileup : float, default=40.0
        Collisions per bunch crossing at nominal luminosity, in [0, 250].
    statistics : float, default=10000.0
        Mean number of entries of a healthy histogram over all lumisections, up to 1e12: counts,
        hot ones too, are whole numbers that float64 holds.
    drift : float, default=0.02
        How much runs differ, relative, in [0, 1]; 0 for a detector that does not change. What
        changes stays within a factor of e of the nominal detector.
    fault_fraction : float, default=0.05
        Share of faulty lumisections, in [0, 1].
    faults : sequence of str, default=None
        Kinds of fault to draw from, with equal probability; None means all that the shapes can
        have ("missing module" only maps, "shifted" and "broadened" only histograms of one axis).
    random_state : int, RandomState instance or None, default=None
        Seed: the same one gives the same table. Healthy lumisections do not depend on
        `fault_fraction` and `faults`.
    return_truth : bool, default=False
        Also return the conditions and what is faulty.

    Returns
    -------
    X : DataFrame of shape (n_lumisections, n_bins), float64
        Counts, a table of lumisections: index levels ``run`` and ``lumisection``, columns
        ``charge[0]``, or ``occupancy[0,0]`` and so on in C order, element after element.
    y : ndarray of shape (n_lumisections,), int64
        1 = faulty, 0 = healthy.
    truth : LumisectionTruth
        Only with `return_truth`: conditions and kind per lumisection, mask per bin, and a table of
        the faults.

    Raises
    ------
    UsageError
        When a shape, a length or a kind of fault does not exist or does not fit.

    See Also
    --------
    inject_faults : One fault of your choice, also into real lumisections.
    skdqm.model_selection.RunSplit : Splits such tables by run, forward in time.

    Examples
    --------
    >>> from skdqm.datasets import make_lumisections
    >>> X, y, truth = make_lumisections(
    ...     3, 40, shape={"charge": (50,), "map": (8, 16)}, random_state=0, return_truth=True
    ... )
    >>> X.shape, int(y.sum()), X.index.names, X.columns[-1]
    ((120, 178), 6, FrozenList(['run', 'lumisection']), 'map[7,15]')
    >>> bool((truth.mask.any(axis=1) == (y == 1)).all())
    True
    """
    shapes, lengths = _shapes(shape), _lengths(n_lumisections)
    kinds = _kinds(faults, shapes, fault_fraction)
    # Streams of their own: what is healthy does not depend on the faults.
    seeds = [int(seed) for seed in check_random_state(random_state).randint(2**31 - 1, size=3)]
    rng = np.random.default_rng(seeds[0])
    conditions = draw_conditions(draw_index(n_runs, lengths, rng), pileup, rng)
    counts = _healthy(shapes, conditions, statistics, drift, seeds[1])
    usual = {
        element: counts[:, block].mean(axis=0).reshape(shapes[element])
        for element, block in _blocks(shapes).items()
    }
    rng = np.random.default_rng(seeds[2])
    runs = conditions.index.get_level_values("run").to_numpy()
    episodes = draw_episodes(runs, usual, round(fault_fraction * len(runs)), kinds, rng)
    mask = _inject(counts, episodes, _blocks(shapes), rng)
    columns = [name for element, sides in shapes.items() for name in bin_names(element, sides)]
    X = pd.DataFrame(counts.astype(np.float64), conditions.index, columns)
    truth = _truth(conditions, episodes, mask, columns)
    y = np.where(truth.kind == "", 0, 1)
    return (X, y, truth) if return_truth else (X, y)
