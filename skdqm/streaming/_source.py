"""What sources of events have in common."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from skdqm.streaming._malformed import LONGEST_RAW, Malformed
from skdqm.streaming._records import Record

Position = dict[str, Any]
Say = Callable[[str], object]
# Rows of a table that are read at once.
MOST_ROWS = 4096


class Batch(NamedTuple):
    """Some events in the order of the source, as :meth:`StreamWorker.submit_many` takes them.

    Attributes
    ----------
    events : ndarray of shape (n_events, n_features), or list of Malformed
        Finite numbers in the order of the model's features, or what could not be read.
    positions : list of dict
        Where to read on after each event; never changed later.
    about : list of dict
        Which event it is: line or row, file, run, lumisection, id.
    """

    events: "NDArray[np.float64] | list[Malformed]"
    positions: list[Position]
    about: list[dict[str, Any]]


class Source(Protocol):
    """Iterating gives batches of events, until there are no more or nobody waits for more."""

    def seek(self, position: Position) -> None:
        """Begin behind the event that this position belongs to."""

    def __iter__(self) -> Iterator[Batch]:
        """Yield batches."""


class Gatherer:
    """Gathers events one by one into batches, in order."""

    def __init__(self) -> None:
        self._batches: list[Batch] = []
        self._begin()

    def _begin(self) -> None:
        self._values: list[list[float]] = []
        self._positions: list[Position] = []
        self._about: list[dict[str, Any]] = []

    def add(self, record: Record, position: Position, about: dict[str, Any]) -> None:
        """Take an event."""
        self._values.append(record.values)
        self._positions.append(position)
        self._about.append(about | record.about)

    def refuse(
        self, reason: str, raw: bytes | str, position: Position, about: dict[str, Any]
    ) -> None:
        """Take what is no event."""
        self._close()
        self._batches.append(malformed(reason, raw, position, about))

    def batches(self) -> list[Batch]:
        """Return what was gathered."""
        self._close()
        return self._batches

    def _close(self) -> None:
        if self._values:
            self._batches.append(Batch(np.array(self._values), self._positions, self._about))
            self._begin()


def malformed(reason: str, raw: bytes | str, position: Position, about: dict[str, Any]) -> Batch:
    """Return a batch of what is no event."""
    shown = raw[:LONGEST_RAW]
    text = shown.decode("utf-8", "backslashreplace") if isinstance(shown, bytes) else shown
    return Batch([Malformed(reason, text)], [position], [about])
