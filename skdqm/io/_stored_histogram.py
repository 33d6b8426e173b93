"""What every reader of histograms gives: one histogram of one lumisection."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# The lumisection of histograms of a whole run.
WHOLE_RUN = 0


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


def a_profile(name: str, kind: str) -> str:
    """Say that a profile was asked for."""
    return (
        f"{name!r} is a profile ({kind}), which holds means; expected counts, as in TH1, TH2 or "
        "TH3: leave it out of the elements"
    )
