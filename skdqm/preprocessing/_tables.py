"""What transformers of lumisections share: frames that stay frames, columns, and histograms."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import gen_batches

from skdqm._lumisections import element_of, elements_of
from skdqm.exceptions import DataError

Floats = NDArray[np.float64]
Positions = NDArray[np.intp]

# Values handled at a time, so that intermediate arrays stay small.
VALUES_AT_ONCE = 2**20
# Columns whose names say no element.
UNNAMED = ""


def as_given(values: Floats, X: Any, columns: Positions | None = None) -> Any:
    """Return values as `X` came: in a frame of pandas with its index and columns, else as they are.

    scikit-learn's ``set_output`` has the last word; this is what comes out without it.
    """
    import pandas as pd

    if not isinstance(X, pd.DataFrame):
        return values
    names = X.columns if columns is None else X.columns[columns]
    return pd.DataFrame(values, index=X.index, columns=names, copy=False)


def rows_at_once(n_columns: int) -> int:
    """Return how many rows are handled at a time."""
    return max(1, VALUES_AT_ONCE // n_columns)


def histograms_of(transformer: Any, columns: Positions) -> list[Positions]:
    """Return which of `columns` belong to each histogram; all to one, if their names do not say.

    Columns without a bin beside columns with one belong to none.
    """
    names: NDArray[Any] | None = getattr(transformer, "feature_names_in_", None)
    if names is None:
        return [np.arange(len(columns))]
    elements = [UNNAMED if element_of(name) == name else name for name in names[columns]]
    found = elements_of(elements)
    if len(found) > 1:
        found.pop(UNNAMED, None)
    return [np.array(positions) for positions in found.values()]


def part_of(rows: Floats, positions: Positions) -> Floats:
    """Return some columns, row after row in memory: a view where they lie side by side."""
    first, last = int(positions[0]), int(positions[-1])
    if np.array_equal(positions, np.arange(first, last + 1)):
        return rows[:, first : last + 1]
    return np.take(rows, positions, axis=1)


def areas_of(rows: Floats, columns: Positions, histograms: list[Positions]) -> Floats:
    """Return the area, the sum of the sizes of the contents, of each histogram of each row.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Rows, one after the other in memory: the sum of one does not depend on the others then.
    columns : ndarray of int
        Columns of bins.
    histograms : list of ndarray of int
        Which of these belong together.

    Returns
    -------
    areas : ndarray of shape (n_rows, n_histograms)
        Zero or more.
    """
    areas = np.empty((len(rows), len(histograms)))
    with np.errstate(over="ignore"):
        for part in _parts(rows):
            sizes = np.abs(part_of(rows[part], columns))
            for number, where in enumerate(histograms):
                areas[part, number] = np.add.reduce(part_of(sizes, where), axis=1)
    return checked_finite(areas, "areas of histograms")


def divided(
    rows: Floats, columns: Positions, histograms: list[Positions], exposures: Floats
) -> Floats:
    """Return the bins of each histogram over its exposure; zeros where that is zero.

    Columns of no histogram stay as they are.

    Parameters
    ----------
    rows, columns, histograms
        As for :func:`areas_of`.
    exposures : ndarray of shape (n_rows, n_histograms)
        Zero or more.

    Returns
    -------
    contents : ndarray of shape (n_rows, n_columns)
        In the order of `columns`.
    """
    out = np.empty((len(rows), len(columns)))
    divisors = np.where(exposures > 0, exposures, np.inf)
    with np.errstate(over="ignore"):
        for part in _parts(rows):
            bins = part_of(rows[part], columns)
            out[part] = bins
            for number, where in enumerate(histograms):
                out[part, where] = part_of(bins, where) / divisors[part, number, None]
    return checked_finite(out, "contents over their exposure")


def _parts(rows: Floats) -> Iterator[slice]:
    parts: Iterator[slice] = gen_batches(len(rows), rows_at_once(rows.shape[1]))
    return parts


def checked_finite(values: Floats, what: str) -> Floats:
    """Return values, or say that some are beyond what numbers hold."""
    if not np.isfinite(values).all():
        raise DataError(
            f"some {what} are too large for floating-point numbers; expected counts, and exposures "
            "that are not next to zero: mask what is invalid, or change the unit"
        )
    return values


def row_name(X: Any, row: int) -> str:
    """Return the words for a row: its index in a data frame, else its number."""
    index = getattr(X, "index", None)
    names = getattr(index, "names", None)
    if names is None or None in names:
        return f"row {row}"
    label = index[row] if len(names) > 1 else (index[row],)  # type: ignore[index]
    return ", ".join(f"{name} {value}" for name, value in zip(names, label, strict=True))
