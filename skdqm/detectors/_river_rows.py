"""Rows that come as dicts, as river has them: finite numbers, features that come and go."""

from collections.abc import Hashable, Mapping, Sequence
from math import isfinite
from typing import Any, Self

from skdqm.exceptions import DataError

Row = Mapping[Hashable, Any]
Numbers = dict[Hashable, float]


class Means:
    """Sums and numbers of the values that features have had; replaced, never changed."""

    def __init__(self, sums: Mapping[Hashable, tuple[float, int]]) -> None:
        self._sums = sums

    def with_rows(self, rows: Sequence[Numbers]) -> Self:
        """Return what they are after more rows."""
        sums = dict(self._sums)
        for row in rows:
            for name, value in row.items():
                total, number = sums.get(name, (0.0, 0))
                sums[name] = total + value, number + 1
        return type(self)(sums)

    def filled(self, row: Row, features: Sequence[Hashable]) -> list[float]:
        """Return the values of all features, with means for those that a row lacks."""
        return [row[name] if name in row else self._of(name) for name in features]

    def _of(self, name: Hashable) -> float:
        if name not in self._sums:
            raise DataError(
                f"the feature {name!r} is missing, and no value of it was ever learned that could "
                "stand for it; give it, or learn rows that have it (a detector that was fitted to "
                "an array calls its features 0, 1, ...)"
            )
        total, number = self._sums[name]
        return total / number


def numbers(x: Row, features: Sequence[Hashable] | None) -> Numbers:
    """Return a copy of a row with the features that count, all of them finite numbers."""
    row = x if features is None else {name: x[name] for name in features if name in x}
    return {name: _number(name, value) for name, value in row.items()}


def _number(name: Hashable, value: Any) -> float:
    try:
        number = float("nan" if isinstance(value, str) else value)
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if not isfinite(number):
        raise DataError(
            f"the feature {name!r} holds {value!r}, expected a finite number; impute, encode or "
            "leave it out before, as with river's preprocessing.StatImputer and compose.Discard"
        )
    return number


def in_order(names: set[Hashable]) -> list[Hashable]:
    """Sort names, which need not be of one type, so that the order in a row does not matter."""
    return sorted(names, key=lambda name: (type(name).__name__, name))
