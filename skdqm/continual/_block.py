"""Rows of a stream that are judged together, before any of them is learned."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdqm.continual._rows import Floats, Integers, Rows, joined


@dataclass(frozen=True)
class Block:
    """Judged rows.

    Attributes
    ----------
    rows : Rows
        The rows.
    surprise : ndarray of shape (n_rows,)
        Minus the logarithm of their p-values, by all experts together.
    alone : ndarray of shape (n_rows,)
        The same by the active expert alone.
    enough : ndarray of bool of shape (n_rows,)
        Whether a row holds enough data for a verdict.
    verdicts : ndarray of int of shape (n_rows,)
        What labels say: +1 good, -1 bad, 0 nothing.
    """

    rows: Rows
    surprise: Floats
    alone: Floats
    enough: NDArray[np.bool_]
    verdicts: Integers

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, chosen: Any) -> "Block":
        return Block(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))

    def with_more(self, other: "Block") -> "Block":
        """Return these rows and others after them."""
        names = [name for name in self.__dataclass_fields__ if name != "rows"]
        arrays = [np.concatenate([getattr(self, n), getattr(other, n)]) for n in names]
        return Block(joined([self.rows, other.rows]), *arrays)

    @property
    def unknown(self) -> "Block":
        """The rows that the machine must judge by itself."""
        return self[self.enough & (self.verdicts == 0)]
