"""Rows of a stream that know where they come from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Record:
    """What is pickled of a record: its fields, and not what was computed from them."""

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Rows:
    """Some rows of a stream.

    Attributes
    ----------
    values : ndarray of shape (n_rows, n_features)
        The rows.
    positions : ndarray of int of shape (n_rows,)
        Their places in the stream, from 0; those of the rows of ``fit`` are negative.
    keys : ndarray of int of shape (n_rows, 2)
        Run and lumisection; -1 where rows do not say.
    groups : ndarray of int of shape (n_rows,)
        Number of the expert that learned them, 0 before that.
    """

    values: NDArray[Any]
    positions: Integers
    keys: Integers
    groups: Integers

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, chosen: Any) -> "Rows":
        return Rows(
            self.values[chosen], self.positions[chosen], self.keys[chosen], self.groups[chosen]
        )

    def have_keys(self) -> bool:
        """Tell whether all rows say their run and lumisection."""
        return bool(len(self) and (self.keys >= 0).all())

    def of_group(self, number: int) -> "Rows":
        """Return the same rows as those of an expert."""
        return Rows(self.values, self.positions, self.keys, np.full(len(self), number))

    def without(self, positions: Integers) -> "Rows":
        """Return the rows that are at other places."""
        return self[~np.isin(self.positions, positions)]

    def span(self) -> dict[str, Any]:
        """Say which rows they are, as JSON can hold it: how many, the first, the last, and gaps."""
        if not len(self):
            return {"n_rows": 0}
        about: dict[str, Any] = {
            "n_rows": len(self),
            "rows": [int(self.positions.min()), int(self.positions.max())],
        }
        ordered = np.sort(self.positions)
        stretches = np.split(ordered, np.flatnonzero(np.diff(ordered) > 1) + 1)
        if len(stretches) > 1:
            about["stretches"] = [[int(each[0]), int(each[-1])] for each in stretches]
        if self.have_keys():
            ends = (int(self.positions.argmin()), int(self.positions.argmax()))
            about["lumisections"] = [[int(part) for part in self.keys[end]] for end in ends]
        return about


def joined(parts: Sequence[Rows]) -> Rows:
    """Put rows one after the other; at least one part, of which some may be empty."""
    return Rows(
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.positions for part in parts]),
        np.concatenate([part.keys for part in parts]),
        np.concatenate([part.groups for part in parts]),
    )
