"""What is submitted to a worker, as it waits in the queue."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from skdqm._messages import listed
from skdqm.exceptions import DataError, UsageError
from skdqm.streaming._events import Features
from skdqm.streaming._malformed import Malformed
from skdqm.streaming._queue import Chunk


def single(event: Any, position: Any, about: Mapping[str, Any] | None) -> Chunk:
    """Return one event with what belongs to it."""
    # The caller may use its array for the next event.
    held = event.copy() if isinstance(event, np.ndarray) else event
    positions = None if position is None else [position]
    return Chunk([held], positions, None if about is None else [about])


def chunk_of(
    events: Any,
    positions: Any,
    about: Any,
    features: Features,
) -> Chunk:
    """Return events with what belongs to them.

    Parameters
    ----------
    events : array-like of shape (n_events, n_features), or sequence of events
        An array is copied.
    positions, about : sequence or None
        Of the same length.
    features : Features
        What is expected of events.

    Raises
    ------
    UsageError
        When it is one event alone, or the lengths differ.
    DataError
        When a frame lacks columns.
    """
    held = _held(events, features)
    n_events = len(held)
    return Chunk(held, _listed("positions", positions, n_events), _listed("about", about, n_events))


def _held(events: Any, features: Features) -> Any:
    if hasattr(events, "columns"):
        return _columns(events, features)
    if isinstance(events, (Mapping, str, Malformed)) or (
        isinstance(events, np.ndarray) and events.ndim != 2
    ):
        raise UsageError(
            "found one event, or an array that has not two dimensions; submit_many takes an array "
            "of shape (n_events, n_features) or a list of events, and submit takes one event"
        )
    return events.copy() if isinstance(events, np.ndarray) else list(events)


def _columns(frame: Any, features: Features) -> Any:
    names = features.names
    if names is None:
        return np.array(frame)
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise DataError(
            f"the columns {listed(missing)} are missing; the model takes {listed(names)}"
        )
    return np.array(frame[names])


def _listed(name: str, values: Any, n_events: int) -> list[Any] | None:
    if values is None:
        return None
    held = values.tolist() if isinstance(values, np.ndarray) else list(values)
    if len(held) != n_events:
        raise UsageError(f"found {len(held)} {name} for {n_events} events: expected one for each")
    return held
