"""Where a fault is: which columns, which bins of the histogram, which rows."""

import math
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from skdqm._lumisections import (
    LUMISECTION,
    elements_of,
    lumisections_of,
    place_of,
    required_runs,
    runs_of,
    shape_of,
)
from skdqm._messages import listed
from skdqm.datasets._fault_kinds import placed_block
from skdqm.exceptions import DataError, UsageError

Where = int | Sequence[int] | NDArray[np.bool_]
Shape = tuple[int, ...]


def checked_counts(X: Any) -> NDArray[np.int64]:
    """Return a copy of the counts as whole numbers, or raise ``DataError``."""
    counts = np.asarray(X, dtype=np.float64)
    if counts.ndim != 2:
        raise DataError(
            f"X has shape {counts.shape}; expected (n_lumisections, n_bins): flatten each map"
        )
    wrong = ~((counts >= 0) & (counts < 2**62) & (counts == np.rint(counts)))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise DataError(
            f"X holds {counts[row, column]} in row {row}, column {column}; faults are injected "
            "into counts, which are whole and not negative: do it before anything is normalised"
        )
    return counts.astype(np.int64)


def fault_columns(
    X: Any, element: str | None, shape: Sequence[int] | None
) -> tuple[NDArray[np.intp], Shape]:
    """Return the positions of the columns of the element, and the shape of its histogram."""
    if not hasattr(X, "columns"):
        if element is not None:
            raise UsageError(f"element={element!r}, but X is an array without names of columns")
        return np.arange(X.shape[1]), _checked_shape(shape, X.shape[1]) or (X.shape[1],)
    names = [str(name) for name in X.columns]
    # In C order of the bins, wherever their columns are.
    positions = sorted(_columns_of(names, element), key=lambda at: place_of(names[at]))
    return np.array(positions), _checked_shape(shape, len(positions)) or shape_of(
        [names[position] for position in positions]
    )


def _columns_of(names: list[str], element: str | None) -> list[int]:
    elements = elements_of(names)
    if element is None and len(elements) > 1:
        raise UsageError(
            f"X holds the elements {listed(list(elements))}; give element=, one of them"
        )
    if element is None:
        return list(range(len(names)))
    if element not in elements:
        raise UsageError(f"element={element!r} is not in X, which has {listed(list(elements))}")
    return elements[element]


def whole_numbers(value: Any, n_axes: int | None = None) -> Shape:
    """Return the whole numbers of a sequence, of a single one as many; none if they are not."""
    given: list[Any] = [value] * (n_axes or 1) if isinstance(value, Integral) else list(value)
    fits = n_axes in (None, len(given)) and all(isinstance(each, Integral) for each in given)
    return tuple(map(int, given)) if fits else ()


def _checked_shape(shape: Sequence[int] | None, n_bins: int) -> Shape | None:
    if shape is None:
        return None
    given = whole_numbers(shape)
    if math.prod(given) != n_bins or min(given, default=0) < 1:
        raise UsageError(f"shape={shape!r}: expected whole numbers with the product {n_bins}")
    return given


def fault_sides(size: int | Sequence[int] | None, kind: str, shape: Shape) -> Shape:
    """Return how many cells the block has along each axis."""
    if size is None:
        is_module = kind == "missing module"
        return tuple(max(1, length // 8) if is_module else 1 for length in shape)
    sides = whole_numbers(size, len(shape))
    if not sides or any(not 1 <= n <= length for n, length in zip(sides, shape, strict=True)):
        raise UsageError(
            f"size={size!r}; give the number of bins along each axis of a histogram of shape "
            f"{shape}, whole and not longer than the axis"
        )
    return sides


def _corner(where: Any, sides: Shape, shape: Shape) -> Shape:
    corner = (
        () if isinstance(where, Integral) and len(shape) > 1 else whole_numbers(where, len(shape))
    )
    ends = [length - side for length, side in zip(shape, sides, strict=True)]
    if not corner or any(not 0 <= at <= end for at, end in zip(corner, ends, strict=True)):
        raise UsageError(
            f"where={where!r}: a block of {sides} bins that begins there is not inside a histogram "
            f"of shape {shape}; give the first bin along each axis, from 0"
        )
    return corner


def fault_cells(
    where: Where | None, sides: Shape, usual: NDArray[np.float64], rng: Generator
) -> NDArray[np.bool_]:
    """Return which cells of the histogram are faulty."""
    if isinstance(where, np.ndarray) and where.dtype == bool:
        if where.shape != usual.shape or not where.any():
            raise UsageError(
                f"where is a mask of shape {where.shape} with {where.sum()} bins; expected one of "
                f"shape {usual.shape} that marks at least one"
            )
        return where
    corner = None if where is None else _corner(where, sides, usual.shape)
    return placed_block(usual, sides, rng, corner)


def _marked(rows: ArrayLike, n_rows: int) -> NDArray[np.bool_]:
    """Return a mask of rows from a mask or from positions."""
    given = np.asarray(rows)
    if given.dtype == bool and given.shape == (n_rows,):
        return given
    is_position = given.dtype.kind in "iu" and given.ndim == 1
    if not is_position or ((given < -n_rows) | (given >= n_rows)).any():
        raise UsageError(f"rows must be positions of the {n_rows} rows of X, or a mask of them")
    marked = np.zeros(n_rows, dtype=bool)
    marked[given] = True
    return marked


def _selected(X: Any, rows: ArrayLike | None, runs: ArrayLike | None) -> NDArray[np.bool_]:
    """Return the rows that the fault may be in."""
    if rows is not None and runs is not None:
        raise UsageError("give rows or runs, not both: both choose the rows of the fault")
    if rows is not None:
        return _marked(rows, len(X))
    if runs is None:
        return np.ones(len(X), dtype=bool)
    known = required_runs(X, "a fault in some runs")
    absent = np.setdiff1d(np.atleast_1d(runs), known)
    if absent.size:
        raise UsageError(f"runs {listed(absent.tolist())} are not in X")
    return np.isin(known, runs)


def _window(
    rows: NDArray[np.intp], first: int | None, duration: int | None, rng: Generator
) -> NDArray[np.intp]:
    """Return the rows of one run that have the fault."""
    if duration is None:
        return rows[first or 0 :]
    latest = max(0, len(rows) - duration)
    at = int(rng.integers(latest + 1)) if first is None else first
    return rows[at : at + duration]


def _in_time(X: Any) -> NDArray[np.intp]:
    """Return the order of rows by lumisection, as they are if the index does not say."""
    names = getattr(getattr(X, "index", None), "names", None) or ()
    if LUMISECTION not in names:
        return np.arange(len(X))
    return np.argsort(lumisections_of(X), kind="stable")


def fault_rows(
    X: Any,
    rows: ArrayLike | None,
    runs: ArrayLike | None,
    window: tuple[int | None, int | None],
    rng: Generator,
) -> NDArray[np.intp]:
    """Return the rows with the fault: in each run by itself, a window of those chosen."""
    selected, known = _selected(X, rows, runs), runs_of(X)
    run = np.zeros(len(X)) if known is None else known
    order = _in_time(X)
    chosen = [
        _window(order[selected[order] & (run[order] == number)], *window, rng)
        for number in np.unique(run[selected])
    ]
    found = np.concatenate([np.empty(0, dtype=np.intp), *chosen])
    if not found.size:
        raise UsageError(
            f"no row is left for the fault: {selected.sum()} rows were chosen, and it begins at "
            f"the row {window[0] or 0} (from 0) of those in each run"
        )
    return found
