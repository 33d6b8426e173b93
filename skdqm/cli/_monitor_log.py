"""The decisions of a model along a stream: a line of JSON each, as they come."""

import json
import sys
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from skdqm.cli._monitor_parameters import LUMISECTION, RUN
from skdqm.cli._score import STANDARD_OUTPUT
from skdqm.exceptions import DataError, UsageError

if TYPE_CHECKING:
    import pandas as pd

# Parts of the stream whose rows can still be named, and decisions that a picture shows.
MOST_PARTS, MOST_MARKS = 32, 10_000
# Decisions that are too many to be shown.
USUAL = ("learned", "quarantined")


class Places:
    """Which row of the file, run and lumisection are at a place in the stream: the latest ones."""

    def __init__(self) -> None:
        self._parts: deque[tuple[int, pd.DataFrame]] = deque(maxlen=MOST_PARTS)

    def add(self, first: int, about: "pd.DataFrame") -> None:
        """Take rows of the file, which are at `first` and the following places."""
        self._parts.append((first, about))

    def find(self, place: int) -> "pd.Series[Any] | None":
        """Return what is known of a place, None if it was too long ago."""
        for first, about in self._parts:
            if first <= place < first + len(about):
                return about.iloc[place - first]
        return None

    def named(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return an event with the rows of the file, and runs and lumisections, that it means."""
        ends = [self.find(place) for place in event.get("rows", [])]
        known = [end for end in ends if end is not None]
        if not known or len(known) < len(ends):
            return event
        named = {**event, "file_rows": [int(end["row"]) for end in known]}
        if RUN in known[0]:
            named["lumisections"] = [[int(end[RUN]), int(end[LUMISECTION])] for end in known]
        return named


class EventLog:
    """Takes the new decisions of a detector, and counts, keeps and writes them.

    Attributes
    ----------
    counts : Counter
        Decisions by their kind.
    n_learned : int
        Rows that were learned.
    marks : deque of dict
        Those that a picture or a summary shows.
    """

    def __init__(self, detector: Any, sink: TextIO | None) -> None:
        self.detector, self.sink = detector, sink
        before = detector.events_
        self._next = before[-1]["number"] + 1 if before else 0
        still_open = {each["number"] for each in detector.tickets_ if each["state"] == "open"}
        self.counts: Counter[str] = Counter()
        self.n_learned = 0
        self.marks = deque(
            (each for each in before if each.get("ticket") in still_open), maxlen=MOST_MARKS
        )

    def take(self, places: Places) -> None:
        """Take what was decided since the last time."""
        for event in self.detector.events_:
            if event["number"] < self._next:
                continue
            self._next = event["number"] + 1
            self.counts[event["event"]] += 1
            named = places.named(event)
            if event["event"] == "learned":
                self.n_learned += event["n_rows"]
            if event["event"] not in USUAL:
                self.marks.append(named)
            if self.sink is not None:
                self.sink.write(json.dumps(named) + "\n")
        if self.sink is not None:
            self.sink.flush()


@contextmanager
def opened_log(path: Path | None) -> Iterator[TextIO | None]:
    """Give what to write to: a file, or standard output; whole lines, as they come."""
    if path is None:
        yield None
    elif path == STANDARD_OUTPUT:
        if sys.stdout is None:
            raise UsageError("--log -: standard output is closed; give the name of a file")
        yield sys.stdout
    else:
        try:
            file = path.open("w", encoding="utf-8")
        except OSError as error:
            raise DataError(f"{path}: cannot write: {error.strerror or error}") from error
        with file:
            yield file
