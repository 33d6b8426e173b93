"""What every layout gives: histograms of one monitoring element as a file holds them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skdqm.exceptions import DataError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flow = Literal["keep", "drop"]

# The largest that a golden JSON can name; far beyond what experiments count to.
_LARGEST = 2**31 - 2


@dataclass(frozen=True)
class Request:
    """Which histograms the caller wants, and what the file may not say."""

    elements: Sequence[str] | None = None
    stack: Sequence[str] = ()
    flow: Flow = "keep"
    run: int | None = None
    first_lumisection: int | None = None
    seen: dict[str, None] = field(default_factory=dict)

    def wants(self, element: str) -> bool:
        """Tell whether to read an element that a file holds, and remember that it does."""
        self.seen[element] = None
        if self.elements is None:
            return True
        return element in self.elements or stack_of(element, self.stack) in self.elements


def stack_of(element: str, stack: Sequence[str]) -> str | None:
    """Return the stack that an element is a layer of: its name is that and a number."""
    for name in stack:
        if element.startswith(name) and element[len(name) :].isdecimal():
            return name
    return None


@dataclass(frozen=True)
class Rows:
    """Histograms of one element in the order of a file.

    Attributes
    ----------
    numbers : ndarray of int of shape (n,)
        Where they are in the file, counted from 0.
    runs, lumisections : ndarray of int of shape (n,) or None
        None if the file does not say.
    counts : ndarray of shape (n, n_bins)
        Contents in C order.
    """

    element: str
    source: str
    numbers: Ints
    runs: Ints | None
    lumisections: Ints | None
    counts: Floats
    entries: Floats
    edges: tuple[Floats, ...]
    conditions: pd.DataFrame


def with_keys(rows: Rows, request: Request) -> Rows:
    """Fill in the run and the lumisections that the file does not say."""
    runs, lumisections = rows.runs, rows.lumisections
    _check_said(rows, request)
    if runs is None:
        runs = np.full(len(rows.counts), request.run, dtype=np.int64)
    if lumisections is None:
        within: Ints = pd.Series(runs).groupby(runs).cumcount().to_numpy(np.int64)
        lumisections = within + (request.first_lumisection or 0)
    return replace(rows, runs=runs, lumisections=lumisections)


def _check_said(rows: Rows, request: Request) -> None:
    no_run = rows.runs is None and request.run is None
    no_lumisection = rows.lumisections is None and request.first_lumisection is None
    if not (no_run or no_lumisection):
        return
    missing = {"run": no_run, "lumisection": no_lumisection}
    arguments = {"run=...": no_run, "first_lumisection=...": no_lumisection}
    raise DataError(
        f"{rows.source}: found nothing that says {_both(missing)} of {rows.element!r}, such as a "
        "column or an array 'run' or 'lumisection'; if the rows of a run are consecutive "
        f"lumisections, give {_both(arguments)}"
    )


def _both(named: dict[str, bool]) -> str:
    return " and ".join(name for name, chosen in named.items() if chosen)


def key_of(columns: Any, name: str | None, numbers: Ints) -> Ints | None:
    """Return runs or lumisections as integers, or name the row of one that is none."""
    if name is None:
        return None
    floats = _floats(pd.Series(columns[name]), name, numbers)
    wrong = ~((floats >= 0) & (floats <= _LARGEST) & (floats == np.floor(floats)))
    if wrong.any():
        first = int(np.argmax(wrong))
        raise DataError(
            f"row {numbers[first]}: {name} is {floats[first]:g}; "
            f"expected a whole number from 0 to {_LARGEST}"
        )
    whole: Ints = floats.astype(np.int64)
    return whole


def matrix_of(frame: pd.DataFrame, numbers: Ints) -> Floats:
    """Return columns of numbers as one array in C order, or name the first text among them."""
    if {getattr(dtype, "kind", "O") for dtype in frame.dtypes} <= set("biuf"):
        values = frame.to_numpy(np.float64, na_value=np.nan)
    else:
        values = np.column_stack([_floats(frame[name], name, numbers) for name in frame])
    return np.ascontiguousarray(values)


def check_counts(counts: Floats, name_of: Callable[[int], str], numbers: Ints) -> None:
    """Refuse NaN, infinite and negative counts, and name the first."""
    # The sum tells at once of NaN and infinity, the minimum shows the rest.
    if not counts.size or (np.isfinite(counts.sum()) and counts.min() >= 0):
        return
    wrong = ~(np.isfinite(counts) & (counts >= 0))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise DataError(
            f"row {numbers[row]}: {name_of(int(column))} is {counts[row, column]:g}; expected a "
            "count of 0 or more (elements=[...] chooses what to read)"
        )


def entries_of(values: Any, name: str, numbers: Ints) -> Floats:
    """Return a column of entries as floats, or name the first that is no count."""
    entries = _floats(pd.Series(values), name, numbers)
    check_counts(entries[:, None], lambda _: name, numbers)
    return entries


def _floats(values: pd.Series, name: str, numbers: Ints) -> Floats:
    if getattr(values.dtype, "kind", "O") in "biuf":
        return values.to_numpy(np.float64, na_value=np.nan)
    floats = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    wrong = np.isnan(floats) & values.notna().to_numpy()
    if wrong.any():
        first = int(np.argmax(wrong))
        raise DataError(
            f"row {numbers[first]}: {name} is {str(values.iloc[first])[:60]!r}; expected a number"
        )
    return floats
