"""Injection of faults into tables of lumisections."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.random import Generator, RandomState
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state

from skdqm._sklearn import Interval, validate_params
from skdqm.datasets._fault_kinds import FaultKind, checked_kind
from skdqm.datasets._fault_places import (
    Shape,
    Where,
    checked_counts,
    fault_cells,
    fault_columns,
    fault_rows,
    fault_sides,
)
from skdqm.exceptions import UsageError

__all__ = ["inject_faults"]

Table = TypeVar("Table", pd.DataFrame, NDArray[Any])


def _check_target(kind: str, spec: FaultKind, shape: Shape, *, placed: bool) -> None:
    """Refuse what a kind of fault of the whole histogram cannot do."""
    if spec.whole_histogram and len(shape) > 1:
        raise UsageError(
            f"kind={kind!r} is for histograms of one axis, found the shape {shape}; "
            "for maps take 'dead', 'hot', 'degraded', 'noisy' or 'missing module'"
        )
    if spec.whole_histogram and placed:
        raise UsageError(f"kind={kind!r} moves the whole histogram: leave out size and where")


def generator_of(random_state: int | RandomState | None) -> Generator:
    """Return a generator, which a seed or the next number of a ``RandomState`` decides."""
    return np.random.default_rng(check_random_state(random_state).randint(2**31 - 1))


def apply_fault(
    counts: NDArray[np.int64],
    mask: NDArray[np.bool_],
    spec: FaultKind,
    factor: float,
    rng: Generator,
) -> None:
    """Let a fault change the masked block of counts, in place."""
    block = np.ix_(np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0)))
    counts[block] = spec.change(counts[block], factor, rng)


WHOLE = Interval(Integral, 0, None, closed="left")


@validate_params(
    {
        "X": ["array-like"],
        "kind": [str],
        "size": [Integral, "array-like", None],
        "factor": "no_validation",
        "where": [Integral, "array-like", None],
        "element": [str, None],
        "runs": ["array-like", Integral, None],
        "rows": ["array-like", None],
        "first": [WHOLE, None],
        "duration": [Interval(Integral, 1, None, closed="left"), None],
        "shape": ["array-like", None],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def inject_faults(
    X: Table,
    kind: str,
    *,
    size: int | Sequence[int] | None = None,
    factor: float | None = None,
    where: Where | None = None,
    element: str | None = None,
    runs: ArrayLike | None = None,
    rows: ArrayLike | None = None,
    first: int | None = None,
    duration: int | None = None,
    shape: Sequence[int] | None = None,
    random_state: int | RandomState | None = None,
) -> tuple[Table, Table]:
    """Inject one fault into a table of lumisections, real or generated.

    A fault has a place (`where`, `size`), a time (`runs` or `rows`, `first`) and a `duration`.
    Its kinds:

    ``"dead"``
        nothing is counted;
    ``"hot"``
        counts are multiplied by `factor`, 10 unless given, and rounded;
    ``"degraded"``
        each entry is kept with the probability `factor`, 0.5 unless given;
    ``"noisy"``
        entries are added: Poisson, with a mean that differs from one lumisection to the next
        (exponentially distributed) and is on average `factor` times, 2 unless given, the mean
        count of the faulty bins;
    ``"missing module"``
        a block of neighbouring cells, an eighth of each axis unless `size` says, counts nothing;
    ``"shifted"``
        the entries of a histogram of one axis move by `factor` bins, up or down, 5 % of the
        axis unless given;
    ``"broadened"``
        the entries of a histogram of one axis scatter by `factor` bins (standard deviation), 5 %
        of the axis unless given.

    The last two keep the number of entries: what would leave the axis stays in its first or last
    bin.

    Parameters
    ----------
    X : DataFrame or ndarray of shape (n_lumisections, n_bins)
        Counts: whole and not negative. They are not changed.
    kind : str
        One of the kinds above.
    size : int or sequence of int, default=None
        Number of neighbouring bins along each axis (an int: the same along every axis); None means
        one, and for a missing module an eighth of the axis. Without meaning where `where` is a
        mask.
    factor : float, default=None
        How strong the fault is, see the kinds.
    where : int, sequence of int or ndarray of bool, default=None
        The first bin of the faulty block along each axis, from 0, or a mask of the histogram's
        shape. None puts the block at random where something is counted.
    element : str, default=None
        The monitoring element, needed where X holds several.
    runs : int or array-like of int, default=None
        Runs that have the fault, by the index of X. None means all rows, unless `rows` says.
    rows : array-like of int or bool, default=None
        Rows that have the fault, by their positions or as a mask.
    first : int, default=None
        Of the rows chosen in each run, in the order of the index level ``lumisection`` if there is
        one, the first one with the fault, from 0. None: with a `duration` at random, otherwise the
        first one.
    duration : int, default=None
        Number of rows in each run that have the fault, at most all; None: up to the end.
    shape : sequence of int, default=None
        Shape of the histogram in C order; None reads it off the names of the columns.
    random_state : int, RandomState instance or None, default=None
        Seed: the same one gives the same fault.

    Returns
    -------
    X_faulty : DataFrame or ndarray of shape (n_lumisections, n_bins), float64
        Counts with the fault.
    mask : DataFrame or ndarray of shape (n_lumisections, n_bins), bool
        True where a bin is faulty; of the last two kinds, in all bins of the histogram.

    Raises
    ------
    DataError
        When X holds anything but counts, or `runs` are asked of rows that do not tell theirs.
    UsageError
        When a kind, place, time or factor does not exist or does not fit, or counts would exceed
        4.6e18.

    See Also
    --------
    make_lumisections : Generated lumisections, with faults.

    Examples
    --------
    >>> from skdqm.datasets import inject_faults, make_lumisections
    >>> X, _ = make_lumisections(2, 30, shape=(8, 16), fault_fraction=0, random_state=0)
    >>> run = X.index[0][0]
    >>> faulty, mask = inject_faults(
    ...     X, "missing module", where=(2, 4), size=(2, 4), runs=[run], first=10, duration=5
    ... )
    >>> int(mask.to_numpy().sum()), float(faulty.to_numpy()[mask].sum())
    (40, 0.0)
    >>> mask.any(axis=1).idxmax() == (run, 11)
    True
    """
    spec, rng = checked_kind(kind), generator_of(random_state)
    X = X if hasattr(X, "iloc") else np.asarray(X)  # lists become arrays
    counts = checked_counts(X)
    columns, inside = fault_columns(X, element, shape)
    _check_target(kind, spec, inside, placed=size is not None or where is not None)
    strength = spec.checked_factor(kind, factor, len(columns))
    faulty = fault_rows(X, rows, runs, (first, duration), rng)
    sides = inside if spec.whole_histogram else fault_sides(size, kind, inside)
    cells = fault_cells(where, sides, counts[:, columns].mean(axis=0).reshape(inside), rng)
    mask = np.zeros(counts.shape, dtype=bool)
    mask[np.ix_(faulty, columns[cells.ravel()])] = True
    # A copy of the element, whose bins are in order.
    part = counts[:, columns]
    apply_fault(part, mask[:, columns], spec, strength, rng)
    counts[:, columns] = part
    return _like(X, counts.astype(np.float64)), _like(X, mask)


def _like(X: Table, values: NDArray[Any]) -> Table:
    """Return values in the shape of X: an array, or a frame with its index and columns."""
    if isinstance(X, pd.DataFrame):
        return pd.DataFrame(values, index=X.index, columns=X.columns)
    return values
