"""Some events that waited, judged together; malformed ones are found without giving that up."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdqm.exceptions import DataError
from skdqm.streaming._detector import StreamingDetector
from skdqm.streaming._events import Features
from skdqm.streaming._malformed import Malformed, MalformedEvent, short
from skdqm.streaming._queue import Chunk
from skdqm.streaming._results import Results
from skdqm.streaming._verdict import Verdicts

Floats = NDArray[np.float64]


def judged(stream: StreamingDetector, first: int, chunks: list[Chunk]) -> Results:
    """Judge the events of some chunks, in their order.

    Parameters
    ----------
    stream : StreamingDetector
        The judge.
    first : int
        Ordinal of the first event.
    chunks : list of Chunk
        At least one event.

    Returns
    -------
    results : Results
        Verdicts, and what was malformed and why.
    """
    batch = _MicroBatch(first, chunks)
    rows = np.concatenate([rows_of(piece, stream.features) for piece in batch.pieces])
    is_fine = np.isfinite(rows).all(axis=1)
    reasons: dict[int, str] = {}
    for place in np.flatnonzero(~is_fine).tolist():
        reasons[place] = _reason(stream, batch.event(place))
    verdicts = _verdicts(stream, rows, np.flatnonzero(is_fine), reasons)
    is_fine[list(reasons)] = False
    places = np.flatnonzero(is_fine)
    malformed = [batch.malformed(place, reasons[place]) for place in sorted(reasons)]
    return Results(
        verdicts,
        rows[places],
        first + places,
        [batch.positions[place] for place in places.tolist()],
        [batch.about[place] for place in places.tolist()],
        malformed,
        datetime.now(UTC),
        stream.features.names,
        batch.positions[-1],
    )


def rows_of(events: Any, features: Features) -> Floats:
    """Return events as rows of numbers; a malformed one is a row with NaN.

    All are converted at once. Where that fails, halves are, and so on: a few malformed events leave
    the others together.

    Parameters
    ----------
    events : sequence
        Events.
    features : Features
        What is expected of them.

    Returns
    -------
    rows : ndarray of shape (n_events, n_features)
        In double precision.
    """
    try:
        rows = np.asarray(_in_order(events, features), dtype=np.float64)
    except Exception:
        rows = np.empty(())
    if rows.shape == (len(events), features.number):
        return rows
    if len(events) == 1:
        return np.full((1, features.number), np.nan)
    half = len(events) // 2
    return np.concatenate([rows_of(events[:half], features), rows_of(events[half:], features)])


def _in_order(events: Any, features: Features) -> Any:
    """Turn events with names into events in the order of the features."""
    if features.names is None or not isinstance(events[0], Mapping):
        return events
    return [[event[name] for name in features.names] for event in events]


def _reason(stream: StreamingDetector, event: Any) -> str:
    """Let the judge refuse an event, and count it; return why."""
    try:
        stream.process_event(event)
    except DataError as error:
        return event.reason if isinstance(event, Malformed) else str(error)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    raise AssertionError("the rules for many events are those for one")


def _verdicts(
    stream: StreamingDetector, rows: Floats, places: NDArray[Any], reasons: dict[int, str]
) -> Verdicts:
    """Judge the rows of some places; add the reason of those that are beyond a score."""
    try:
        return stream.process_batch(rows[places])
    except DataError as error:
        if len(places) == 1:
            reasons[int(places[0])] = str(error)
            return stream.process_batch(rows[:0])
    half = len(places) // 2
    halves = [_verdicts(stream, rows, part, reasons) for part in (places[:half], places[half:])]
    return _joined(*halves)


def _joined(one: Verdicts, other: Verdicts) -> Verdicts:
    fields = ("anomaly_score", "p_value", "verdict", "threshold")
    arrays = {name: np.concatenate([getattr(one, name), getattr(other, name)]) for name in fields}
    return Verdicts(first=one.first, latency=one.latency + other.latency, **arrays)


class _MicroBatch:
    """The events of some chunks, as few pieces, with what belongs to each event."""

    def __init__(self, first: int, chunks: list[Chunk]) -> None:
        self.first = first
        self.pieces: list[Any] = []
        self.positions: list[Any] = []
        self.about: list[Any] = []
        for chunk in chunks:
            self._add(chunk)

    def event(self, place: int) -> Any:
        """Return one event as it was submitted."""
        for piece in self.pieces:
            if place < len(piece):
                return piece[place]
            place -= len(piece)
        raise IndexError(place)

    def malformed(self, place: int, reason: str) -> MalformedEvent:
        """Return what is known of a malformed event."""
        position, about = self.positions[place], self.about[place]
        return MalformedEvent(self.first + place, position, about, reason, short(self.event(place)))

    def _add(self, chunk: Chunk) -> None:
        n_before, n_events = len(self.positions), len(chunk)
        number = self.first + n_before + 1
        self.positions += chunk.positions or range(number, number + n_events)
        self.about += chunk.about or [None] * n_events
        if isinstance(chunk.events, list) and self.pieces and isinstance(self.pieces[-1], list):
            self.pieces[-1] += chunk.events
        else:
            fresh = list(chunk.events) if isinstance(chunk.events, list) else chunk.events
            self.pieces.append(fresh)
