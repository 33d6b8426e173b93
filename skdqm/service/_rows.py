"""The rows of a request, and what is expected of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from skdqm._lumisections import LUMISECTION, RUN
from skdqm._messages import listed
from skdqm.service._errors import RequestError

PLACE = (RUN, LUMISECTION)
LARGEST = 2**63 - 1


@dataclass(frozen=True)
class Expected:
    """What a model takes.

    Attributes
    ----------
    names : tuple of str or None
        Names of its features, or of the bins ``element[bin]``; None if it was fitted without.
    number : int
        How many there are.
    shapes : mapping of str to tuple of int, or None
        The shape of each monitoring element, in the order of the names; None of a model of events.
    """

    names: tuple[str, ...] | None
    number: int
    shapes: Mapping[str, tuple[int, ...]] | None

    def name(self, place: int) -> str | int:
        """Return the name of a feature, or its place."""
        return place if self.names is None else self.names[place]

    @cached_property
    def name_set(self) -> frozenset[str]:
        """The names, to be looked up."""
        return frozenset(self.names or ())

    @property
    def place_names(self) -> tuple[str, ...]:
        """Names beside the features that say run and lumisection."""
        return tuple(name for name in PLACE if name not in (self.names or ()))


@dataclass(frozen=True)
class Limits:
    """What a request may have at most."""

    max_rows: int
    max_bytes: int

    def check_rows(self, n_rows: int) -> None:
        """Refuse too many rows."""
        if n_rows > self.max_rows:
            raise RequestError(
                413, f"found {n_rows:,} rows, at most {self.max_rows:,} are taken at a time"
            )


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of a request.

    Attributes
    ----------
    numbers : ndarray of float64 of shape (n_rows, n_features)
        Finite, in the order of the model's features.
    runs, lumisections : ndarray of int64 of shape (n_rows,), or None
        Where they come from; both or none.
    """

    numbers: NDArray[np.float64]
    runs: NDArray[np.int64] | None = None
    lumisections: NDArray[np.int64] | None = None


def checked(
    values: NDArray[np.float64],
    places: Mapping[str, NDArray[np.int64]],
    expected: Expected,
    of: str,
) -> Rows:
    """Return rows, or name what is not finite, or not a place.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_features)
        In the order of the model's features.
    places : mapping of str to ndarray
        Runs and lumisections, those that are known.
    expected : Expected
        Names the features.
    of : str
        What rows are called.
    """
    if not len(values):
        raise RequestError(422, "found no row, expected at least one", ("body", of))
    if not np.isfinite(values).all():
        row, column = np.argwhere(~np.isfinite(values))[0].tolist()
        name = expected.name(column)
        raise RequestError(
            422,
            f"{name!r} of row {row} is {values[row, column]}; expected a finite number",
            ("body", of, row, name),
        )
    if places and len(places) < len(PLACE):
        (given,) = places
        raise RequestError(
            422, f"found {given} alone; give run and lumisection, or neither", ("body", of)
        )
    for name, numbers in places.items():
        if (numbers < 0).any():
            row = int(np.argmax(numbers < 0))
            message = f"{name} of row {row} is {numbers[row]}; expected 0 or more"
            raise RequestError(422, message, ("body", of, row, name))
    return Rows(np.ascontiguousarray(values), places.get(RUN), places.get(LUMISECTION))


def check_names(found: Sequence[str], expected: Expected, loc: tuple[str | int, ...]) -> None:
    """Refuse missing, unknown and repeated names."""
    if expected.names is None:
        raise RequestError(
            422,
            "found names, but the model was fitted without; give its "
            f"{expected.number} numbers in their order",
            loc,
        )
    known = {*expected.names, *expected.place_names}
    times = Counter(found)
    missing = [name for name in expected.names if name not in times]
    unknown = [name for name in found if name not in known]
    repeated = [name for name, count in times.items() if count > 1]
    if missing:
        more = f"; unknown: {_shown(unknown)}" if unknown else ""
        message = f"missing: {listed(missing)}{more}"
        raise RequestError(422, message, (*loc, missing[0]))
    if unknown or repeated:
        wrong = unknown or repeated
        what = "unknown" if unknown else "twice"
        names = listed(list(expected.names))
        message = f"{what}: {_shown(wrong)}; the model takes {names}"
        raise RequestError(422, message, (*loc, wrong[0][:200]))


def _shown(names: Sequence[str]) -> str:
    return listed([name[:100] for name in names])
