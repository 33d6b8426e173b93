"""What every reader of histograms gives: one histogram of one lumisection."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class StoredHistogram(NamedTuple):
    """A histogram as a file holds it.

    Attributes
    ----------
    element : str
        Name of the monitoring element.
    run, lumisection : int
        When it was filled.
    counts : ndarray of shape (n_x,), (n_x, n_y) and so on
        Contents without underflow and overflow.
    entries : float
        How many times it was filled, under- and overflow too.
    edges : tuple of ndarray
        Bin edges along each axis, of shape (n_x + 1,) and so on.
    """

    element: str
    run: int
    lumisection: int
    counts: NDArray[np.float64]
    entries: float
    edges: tuple[NDArray[np.float64], ...]
