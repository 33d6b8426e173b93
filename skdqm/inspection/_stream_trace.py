"""A stream in few points, and the stretches that were held, for a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skdqm.exceptions import UsageError

if TYPE_CHECKING:
    import pandas as pd

# Points of a picture; of more rows, each point is the most abnormal one of several.
MOST_POINTS = 2000
# How a hold ended.
DISCARDED, SWITCHED, RELEASED, OPEN = "discarded", "switched", "released", "open"


class Span(NamedTuple):
    """A hold: its first row, the one behind its last, and how it ended."""

    start: int
    stop: int
    ended: str


@dataclass(frozen=True, eq=False)
class Trace:
    """A stream in a bounded number of points, each of which is one row or stands for several.

    Attributes
    ----------
    rows : ndarray of int of shape (n_points,)
        Place in the stream of the most abnormal row.
    scores : ndarray of shape (n_points,)
        Its score: minus the natural logarithm of the p-value.
    flagged, faulty : ndarray of bool of shape (n_points,)
        Whether a row is flagged, and whether one is labelled an anomaly.
    experts : ndarray of int of shape (n_points,)
        Who judged it.
    """

    rows: NDArray[np.int64]
    scores: NDArray[np.float64]
    flagged: NDArray[np.bool_]
    faulty: NDArray[np.bool_]
    experts: NDArray[np.int64]

    @classmethod
    def of(cls, verdicts: "pd.DataFrame", rows: ArrayLike, y: ArrayLike | None = None) -> "Trace":
        """Return the trace of every row of a frame."""
        n_rows = len(verdicts)
        labels = np.zeros(n_rows) if y is None else np.asarray(y)
        return cls(
            np.asarray(rows, dtype=np.int64),
            np.nan_to_num(np.asarray(verdicts["anomaly_score"], dtype=np.float64)),
            np.asarray(verdicts["verdict"]) == -1,
            labels == 1,
            np.asarray(verdicts["expert"], dtype=np.int64),
        )

    def __len__(self) -> int:
        return len(self.rows)

    def binned(self, first: int, width: int) -> "Trace":
        """Return one point for `width` rows from row `first` on, and for the next ones, and so on.

        Bins of twice the width hold two bins each, so that it makes no difference when it is done.
        """
        bins = (self.rows - first) // width
        starts = np.flatnonzero(np.diff(bins, prepend=-1))
        highest = np.maximum.reduceat(self.scores, starts)
        is_highest = self.scores == np.repeat(highest, np.diff(starts, append=len(bins)))
        # Of equals the first.
        candidates = np.flatnonzero(is_highest)
        worst = candidates[np.searchsorted(candidates, starts)]
        return Trace(
            self.rows[worst],
            self.scores[worst],
            np.logical_or.reduceat(self.flagged, starts),
            np.logical_or.reduceat(self.faulty, starts),
            self.experts[worst],
        )

    def with_more(self, other: "Trace") -> "Trace":
        """Return the points of both, one behind the other."""
        names = self.__dataclass_fields__
        return Trace(*(np.concatenate([getattr(self, n), getattr(other, n)]) for n in names))


class Tracer:
    """Takes a stream in parts, and keeps a bounded number of points."""

    def __init__(self) -> None:
        self.width, self.first = 1, 0
        self.trace: Trace | None = None

    def add(self, part: Trace) -> None:
        """Take the next rows, at least one."""
        found = part if self.trace is None else self.trace.with_more(part)
        # The first row is the first of its bin, but not always the one that stands for it.
        self.first = int(part.rows[0]) if self.trace is None else self.first
        while (int(found.rows[-1]) - self.first) // self.width >= 2 * MOST_POINTS:
            self.width *= 2
        self.trace = found if self.width == 1 else found.binned(self.first, self.width)

    def known(self) -> Trace:
        """Return the points, of a stream with a row at least."""
        if self.trace is None:
            raise UsageError("the stream has no rows; expected at least one")
        return self.trace


def holds_of(events: Sequence[dict[str, Any]], end: int) -> list[Span]:
    """Return what was held, by the events of a stream that has reached row `end`.

    Parameters
    ----------
    events : sequence of dict
        Decisions, in their order.
    end : int
        The row behind the last one.

    Returns
    -------
    holds : list of Span
        In the order in which they began.
    """
    found: dict[int, Span] = {}
    switched_at = -1
    for event in events:
        name, row, ticket = event["event"], event["at_row"], event.get("ticket", 0)
        if name == "switch":
            switched_at = row
        elif name == "held" and ticket not in found:
            found[ticket] = Span(event.get("rows", [row])[0], end, OPEN)
        elif ticket in found:
            found[ticket] = _after(found[ticket], name, row, end, switched=switched_at == row)
    return list(found.values())


def _after(span: Span, name: str, row: int, end: int, *, switched: bool) -> Span:
    """Return what is known of a hold after an event of its ticket."""
    if name == "released":
        return span._replace(stop=row, ended=RELEASED)
    if name == "discarded":
        return span._replace(stop=row, ended=SWITCHED if switched else DISCARDED)
    # A shifter called it a fault: what was held is gone, and what follows is held.
    if name == "confirmed" and span.ended == DISCARDED and span.stop == row:
        return span._replace(stop=end, ended=OPEN)
    return span
