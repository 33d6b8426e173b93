"""Events that cannot be judged."""

from collections.abc import Mapping
from typing import Any, NamedTuple

LONGEST_RAW = 200


class Malformed(NamedTuple):
    """What a source could not read: it takes the place of the event.

    Attributes
    ----------
    reason : str
        What is wrong with it.
    raw : str
        What was found, for example the line of a file.

    Examples
    --------
    >>> from skdqm.streaming import Malformed
    >>> Malformed("line 7 of events.jsonl is no JSON", '{"pt": 1.').reason
    'line 7 of events.jsonl is no JSON'
    """

    reason: str
    raw: str


class MalformedEvent(NamedTuple):
    """An event that was not judged.

    Attributes
    ----------
    ordinal : int
        Place among all events that came into the queue, from 0.
    position : object
        Where the source stands after it.
    about : mapping or None
        What was submitted with it.
    reason : str
        Why it was not judged.
    raw : str
        A short form of what was found.

    Examples
    --------
    >>> from skdqm.streaming import MalformedEvent
    >>> MalformedEvent(7, 8, None, "feature 'pt' is nan", "[nan, 1.0]").position
    8
    """

    ordinal: int
    position: Any
    about: Mapping[str, Any] | None
    reason: str
    raw: str


def short(event: Any) -> str:
    """Return a short form of an event that could not be judged."""
    if isinstance(event, Malformed):
        event = event.raw
    text = event if isinstance(event, str) else repr(getattr(event, "tolist", lambda: event)())
    return text if len(text) <= LONGEST_RAW else f"{text[: LONGEST_RAW - 3]}..."
