"""How rows say which run and lumisection, and columns which bin of which monitoring element.

A table of lumisections is a data frame with the index levels ``run`` and ``lumisection``, whose
columns are called ``element[bin]``, or ``element[bin,bin]`` and so on for histograms of more axes.
"""

import math
from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skdqm._messages import listed
from skdqm.exceptions import DataError

if TYPE_CHECKING:
    import pandas as pd

RUN, LUMISECTION = "run", "lumisection"


def lumisection_index(runs: ArrayLike, lumisections: ArrayLike) -> "pd.MultiIndex":
    """Return the index of a table of lumisections."""
    import pandas as pd

    arrays = [np.asarray(runs, dtype=np.int64), np.asarray(lumisections, dtype=np.int64)]
    return pd.MultiIndex.from_arrays(arrays, names=[RUN, LUMISECTION])


def runs_of(X: Any) -> NDArray[Any] | None:
    """Return the run of each row, None if the rows do not say."""
    index: Any = getattr(X, "index", None)
    if RUN not in (getattr(index, "names", None) or ()):
        return None
    return np.asarray(index.get_level_values(RUN))


def lumisections_of(X: Any) -> NDArray[Any]:
    """Return the lumisection of each row; rows that only say their run count from 1 within it."""
    index = X.index
    if LUMISECTION in index.names:
        return np.asarray(index.get_level_values(LUMISECTION))
    runs = np.asarray(index.get_level_values(RUN))
    order = np.argsort(runs, kind="stable")
    _, first, counts = np.unique(runs[order], return_index=True, return_counts=True)
    numbers = np.empty(len(runs), dtype=np.int64)
    numbers[order] = np.arange(len(runs)) - np.repeat(first, counts) + 1
    return numbers


def required_runs(X: Any, purpose: str) -> NDArray[Any]:
    """Return the run of each row, or say that `purpose` cannot do without."""
    runs = runs_of(X)
    if runs is None:
        raise DataError(
            f"{purpose} needs the run of each row, and found rows without: expected a pandas data "
            f"frame with an index level called {RUN!r}, as skdqm.io.read_histograms gives; a step "
            "before this one may have dropped it: set_output(transform='pandas') keeps it"
        )
    return runs


def checked_runs_of_rows(runs: ArrayLike, n_rows: int, name: str = "runs") -> NDArray[Any]:
    """Return the numbers of runs, one per row, which put rows in the order of time.

    Text would be sorted by letters, "99999" after "100000", and NaN comes last.

    Raises
    ------
    DataError
        When runs, which messages call `name`, are no finite numbers or not one per row.
    """
    numbers = np.asarray(runs)
    if numbers.shape != (n_rows,):
        raise DataError(
            f"{name} have the shape {numbers.shape}; expected one run per row, {n_rows}"
        )
    if numbers.dtype.kind not in "iuf" or not np.isfinite(numbers).all():
        raise DataError(
            f"runs are of type {numbers.dtype} or not all finite; expected their numbers, "
            "which put them in the order of time"
        )
    return numbers


def cut_at_runs(runs: NDArray[Any], order: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Cut positions of rows, sorted by run, where another run begins; one part for each run."""
    sorted_runs = runs[order]
    starts = np.flatnonzero(sorted_runs[1:] != sorted_runs[:-1]) + 1
    return np.split(order, starts) if len(order) else []


def bin_names(element: str, shape: Sequence[int]) -> list[str]:
    """Return the names of the columns that hold a histogram, in C order of its bins."""
    places = product(*(range(length) for length in shape))
    return [f"{element}[{','.join(map(str, place))}]" for place in places]


def element_of(column: str) -> str:
    """Return the monitoring element that a column belongs to: its name up to the bin."""
    return column.rpartition("[")[0] if place_of(column) else column


def elements_of(columns: Sequence[str]) -> dict[str, list[int]]:
    """Return the positions of the columns of each monitoring element, in the order found."""
    found: dict[str, list[int]] = {}
    for position, column in enumerate(columns):
        found.setdefault(element_of(column), []).append(position)
    return found


def place_of(column: str) -> tuple[int, ...]:
    """Return the bin, along each axis, that a column holds; empty if its name does not say."""
    _, bracket, inside = column.rpartition("[")
    numbers = inside.removesuffix("]").split(",") if bracket and column.endswith("]") else []
    return tuple(map(int, numbers)) if all(number.isdecimal() for number in numbers) else ()


def shape_of(columns: Sequence[str]) -> tuple[int, ...]:
    """Return the shape of the histogram that columns hold; ``(n_columns,)`` if it is no whole one.

    Raises
    ------
    DataError
        When the columns belong to several monitoring elements.
    """
    elements = elements_of(columns)
    if len(elements) > 1:
        raise DataError(f"expected one monitoring element, found {listed(list(elements))}")
    places = [place_of(column) for column in columns]
    n_axes = {len(place) for place in places}
    if len(n_axes) != 1 or n_axes == {0}:
        return (len(columns),)
    shape = tuple(max(along) + 1 for along in zip(*places, strict=True))
    is_whole = math.prod(shape) == len(set(places)) == len(columns)
    return shape if is_whole else (len(columns),)
