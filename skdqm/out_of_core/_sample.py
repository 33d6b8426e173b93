"""A random sample of bounded size of rows that come in blocks."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


class UniformSample:
    """Rows of which each had the same chance to be kept, by Vitter's algorithm R [1]_.

    Parameters
    ----------
    size : int
        Rows kept at most.
    rng : Generator
        For the choice.

    References
    ----------
    .. [1] J. S. Vitter, "Random sampling with a reservoir", ACM Transactions on Mathematical
           Software 11 (1985) 37.
    """

    def __init__(self, size: int, rng: np.random.Generator) -> None:
        self.size = size
        self.n_seen = 0
        self._rng = rng
        self._kept: NDArray[Any] | None = None

    def add(self, rows: NDArray[Any]) -> None:
        """Let more rows take their chance."""
        places = self._places(len(rows))
        taken = np.flatnonzero(places < self.size)
        room = min(self.size, self.n_seen + len(rows))
        if self._kept is None:
            self._kept = rows[:0]
        # Whole numbers may be followed by fractions.
        dtype = np.promote_types(self._kept.dtype, rows.dtype)
        if len(self._kept) < room or self._kept.dtype != dtype:
            more = np.empty((room - len(self._kept), *rows.shape[1:]), dtype)
            self._kept = np.concatenate([self._kept, more])
        # Where two rows want one place, numpy keeps the later one, as the algorithm does.
        self._kept[places[taken]] = rows[taken]
        self.n_seen += len(rows)

    @property
    def rows(self) -> NDArray[Any]:
        """What was kept, of shape (min(size, n_seen), ...)."""
        return np.empty(0) if self._kept is None else self._kept

    def _places(self, n_new: int) -> NDArray[np.int64]:
        """Return for each new row the place that it takes; of the size or more: none."""
        numbers = np.arange(self.n_seen, self.n_seen + n_new)
        drawn = self._rng.integers(0, numbers + 1)
        return np.where(numbers < self.size, numbers, drawn)
