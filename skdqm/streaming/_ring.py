"""The latest numbers of a stream."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Ring:
    """Keeps the latest numbers, in an array of fixed size.

    Parameters
    ----------
    size : int
        How many.
    """

    def __init__(self, size: int) -> None:
        self._values = np.empty(size)
        self._n_seen = 0

    def add(self, value: float) -> None:
        """Take one number."""
        self._values[self._n_seen % len(self._values)] = value
        self._n_seen += 1

    def add_all(self, values: Floats) -> None:
        """Take several numbers, of which the last are the latest."""
        latest = values[-len(self._values) :]
        places = np.arange(self._n_seen, self._n_seen + len(latest)) % len(self._values)
        self._values[places] = latest
        self._n_seen += len(latest)

    def latest(self) -> Floats:
        """Return the numbers, the oldest first."""
        if self._n_seen <= len(self._values):
            return self._values[: self._n_seen].copy()
        return np.roll(self._values, -(self._n_seen % len(self._values)))
