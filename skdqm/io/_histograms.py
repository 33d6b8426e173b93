"""Histograms of one monitoring element, lumisection after lumisection."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skdqm._lumisections import LUMISECTION, RUN, lumisection_index
from skdqm._messages import listed
from skdqm.exceptions import DataError


@dataclass(frozen=True, eq=False, repr=False)
class Histograms:
    """The histograms of one monitoring element, one for each lumisection.

    Parameters
    ----------
    element : str
        Name of the monitoring element.
    counts : pandas.DataFrame of shape (n_rows, n_bins)
        Contents in float64, indexed by ``run`` and ``lumisection`` and sorted by them. The columns
        are called ``element[bin]`` or ``element[ix,iy]``, in C order of an array (x, y, ...).
    entries : ndarray of shape (n_rows,)
        How often each was filled; the sum of its bins where the file does not say.
    edges : tuple of ndarray
        Bin edges along each axis, of shape (n_x + 1,) and so on. Numbers of bins where the file
        holds no edges; infinite where a bin holds underflow or overflow.
    conditions : pandas.DataFrame of shape (n_rows, n_conditions)
        Every other column of the file (labels, luminosity ...), with the index of `counts`.
    source : str
        The file or files they come from.

    Examples
    --------
    >>> index = pd.MultiIndex.from_tuples([(1, 7)], names=["run", "lumisection"])
    >>> counts = pd.DataFrame([[3.0, 4.0]], index, ["charge[0]", "charge[1]"])
    >>> edges = (np.array([0.0, 5.0, 10.0]),)
    >>> charge = Histograms("charge", counts, np.array([7.0]), edges, pd.DataFrame(index=index), "")
    >>> charge
    Histograms('charge', 1 lumisection, shape (2,))
    """

    element: str
    counts: pd.DataFrame
    entries: NDArray[np.float64]
    edges: tuple[NDArray[np.float64], ...]
    conditions: pd.DataFrame
    source: str

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of bins along each axis."""
        return tuple(len(edges) - 1 for edges in self.edges)

    def __len__(self) -> int:
        """Return the number of lumisections."""
        return len(self.counts)

    def __repr__(self) -> str:
        count = f"{len(self)} lumisection{'' if len(self) == 1 else 's'}"
        return f"Histograms({self.element!r}, {count}, shape {self.shape})"


def join_histograms(histograms: Mapping[str, Histograms]) -> pd.DataFrame:
    """Put the histograms of several monitoring elements side by side.

    Parameters
    ----------
    histograms : mapping of str to Histograms
        Several elements, as :func:`read_histograms` gives.

    Returns
    -------
    counts : pandas.DataFrame of shape (n_rows, n_bins of all elements)
        One row for each lumisection of any element, sorted. A histogram that is missing is all
        zeros, which is what not enough data looks like.

    Raises
    ------
    DataError
        When there is no element, when two of them have the same columns, or when a lumisection
        occurs twice in one.

    Examples
    --------
    >>> index = pd.MultiIndex.from_tuples([(1, 7), (1, 8)], names=["run", "lumisection"])
    >>> def element(name, index):
    ...     counts = pd.DataFrame(2.0, index, [f"{name}[0]"])
    ...     edges = (np.array([0.0, 1.0]),)
    ...     return Histograms(name, counts, np.ones(len(index)), edges, counts[[]], "")
    >>> join_histograms({"a": element("a", index), "b": element("b", index[1:])})
                     a[0]  b[0]
    run lumisection
    1   7             2.0   0.0
        8             2.0   2.0
    """
    frames = [one.counts for one in histograms.values()]
    columns = _columns_of(frames)
    index = _union([frame.index for frame in frames])
    joined = np.zeros((len(index), len(columns)))
    start = 0
    for frame in frames:
        stop = start + frame.shape[1]
        joined[index.get_indexer(frame.index), start:stop] = frame.to_numpy()
        start = stop
    return pd.DataFrame(joined, index, columns, copy=False)


def _columns_of(frames: list[pd.DataFrame]) -> pd.Index:
    if not frames:
        raise DataError("no histograms to join; expected one monitoring element or more")
    columns = frames[0].columns.append([frame.columns for frame in frames[1:]])
    if not columns.is_unique:
        repeated = list(columns[columns.duplicated()])
        raise DataError(
            f"columns {listed(repeated)} belong to more than one element; expected each once, "
            "rename one of the elements"
        )
    return columns


def _union(indices: list[pd.MultiIndex]) -> pd.MultiIndex:
    """Return every lumisection once, in order."""
    for index in indices:
        if not index.is_unique:
            run, lumisection = index[index.duplicated()][0]
            raise DataError(
                f"lumisection {lumisection} of run {run} occurs twice in one element; "
                "expected one histogram"
            )
    every = indices[0].append(indices[1:]).unique().sort_values()
    levels = [every.get_level_values(name) for name in (RUN, LUMISECTION)]
    return lumisection_index(*levels)
