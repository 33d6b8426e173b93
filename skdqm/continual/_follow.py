"""One call's way along the stream, and what was found on it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skdqm.continual._block import Block
from skdqm.continual._course import Course
from skdqm.continual._rows import Floats, Integers, Rows
from skdqm.continual._verdicts import enter_condition

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class Found:
    """What was found of some rows, by what was known before each.

    Attributes
    ----------
    surprise : ndarray of shape (n_rows,)
        Minus the logarithm of p-values.
    verdict, expert, version : ndarray of int of shape (n_rows,)
        +1, -1 or 0, and who has judged.
    status : ndarray of str of shape (n_rows,)
        Of the row's block, or of the latest whole one.
    """

    surprise: Floats
    verdict: Integers
    expert: Integers
    version: Integers
    status: NDArray[Any]

    @classmethod
    def of(cls, n_rows: int, status: str) -> "Found":
        """Return room for rows."""
        verdict, expert, version = (np.zeros(n_rows, dtype=np.int64) for _ in range(3))
        statuses = np.full(n_rows, status, dtype=object)
        return cls(np.zeros(n_rows), verdict, expert, version, statuses)

    def put(self, start: int, block: Block, course: Course) -> None:
        """Write down how rows were judged, before the course goes on."""
        here = slice(start, start + len(block))
        self.surprise[here] = block.surprise
        flagged = np.where(block.surprise > course.level.limit, -1, 1)
        self.verdict[here] = np.where(block.enough, flagged, 0)
        self.expert[here], self.version[here] = course.pool.active, course.version
        self.status[here] = course.status

    def note(self, closed: list[tuple[Rows, str]], first: int) -> None:
        """Write down what whole blocks were found to be; one may have begun in an earlier call."""
        for rows, status in closed:
            here = rows.positions - first
            self.status[here[here >= 0]] = status

    def as_frame(self, X: Any) -> "pd.DataFrame":
        """Return a frame, with the index of `X` if that is one."""
        import pandas as pd

        columns = {
            "anomaly_score": self.surprise,
            "verdict": self.verdict,
            "p_value": np.exp(-self.surprise),
            "status": self.status,
            "expert": self.expert,
            "version": self.version,
        }
        return pd.DataFrame(columns, index=X.index if isinstance(X, pd.DataFrame) else None)


def follow(course: Course, rows: Rows, labels: Integers, tags: NDArray[np.str_]) -> Found:
    """Take rows along the course, and return what was found of them."""
    found = Found.of(len(rows), course.status)
    first, start = course.n_rows, 0
    changes = np.flatnonzero(tags[1:] != tags[:-1]) + 1
    ends = iter([*changes, len(rows)])
    end = 0
    while start < len(rows):
        if start == end:
            end = int(next(ends))
            found.note(enter_condition(course, str(tags[start])), first)
        stop = min(start + course.n_ahead(), end)
        block = course.judged(rows[start:stop], labels[start:stop])
        found.put(start, block, course)
        n_taken, closed = course.follow(block)
        found.note(closed, first)
        start += n_taken
        found.status[start:] = course.status
    return found


def judged_only(course: Course, rows: Rows) -> Found:
    """Return what is found of rows that were learned to begin with."""
    found = Found.of(len(rows), course.status)
    found.put(0, course.judged(rows, np.zeros(len(rows), dtype=np.int64)), course)
    return found
