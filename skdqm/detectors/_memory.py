"""Training rows that a detector remembers: a bounded number of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def remembered(rows: NDArray[Any], size: int, seed: Sequence[int]) -> NDArray[Any]:
    """Return a copy of at most `size` rows, drawn at random; in their order if all are kept."""
    if len(rows) <= size:
        return rows.copy()
    return rows[np.random.default_rng(seed).choice(len(rows), size, replace=False)]
