"""Learning beside a stream: a copy learns, and takes the place of the detector when it has."""

from collections import deque
from copy import copy
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from skdqm.base import turned
from skdqm.ensemble._members import learned
from skdqm.monitoring._wrapper import last_of, scores_and_enough
from skdqm.streaming._events import Features
from skdqm.streaming._limit import Flags, Floats
from skdqm.streaming._strategies import explained_by_chance

# Of the rows to learn, one in so many calibrates instead.
HELD_OUT = 5
# Held-out rows that are kept, in units of those that the promised rate needs at least.
MOST_HELD = 4
# Seed of detectors of other packages, which draw from the generators of the process.
SEED = 0


class Learner:
    """Teaches copies of a detector, and keeps the alarm rate that the first one promised.

    A detector that was calibrated is calibrated anew, on rows that are held out. One that keeps
    its calibration by itself, and one that promises nothing, learns all rows.

    Parameters
    ----------
    detector : detector or Pipeline
        The fitted detector.
    """

    def __init__(self, detector: Any) -> None:
        last = last_of(detector)
        self._features = Features(detector)
        self.chooses = bool(getattr(last, "chooses_rows", False))
        keeps = getattr(last, "keeps_calibration", False)
        self.rate: float | None = None if keeps else getattr(last, "alarm_rate_", None)
        self.held: Floats = np.empty((0, self._features.number))
        self.held_flags: Flags = np.empty(0, dtype=bool)

    def fewest_rows(self) -> int:
        """Return how many rows the next lesson must have."""
        return max(1, HELD_OUT * (self._fewest_held() - len(self.held) - 1) + 1)

    def taught(self, detector: Any, rows: Floats, flags: Flags) -> Any:
        """Return a copy of a detector that has learned rows.

        Parameters
        ----------
        detector : detector or Pipeline
            It stays as it is.
        rows : ndarray of shape (n_rows, n_features)
            The next rows, in the order of time.
        flags : ndarray of bool of shape (n_rows,)
            Which were flagged: they are not learned, unless the detector itself chooses.

        Returns
        -------
        detector : detector or Pipeline
            The copy.
        """
        if self.chooses:
            return self._learned(detector, rows)
        if self.rate is None:
            return self._learned(detector, rows[~flags])
        is_held = np.arange(len(rows)) % HELD_OUT == 0
        most = MOST_HELD * self._fewest_held()
        self.held = np.concatenate([self.held, rows[is_held]])[-most:]
        self.held_flags = np.concatenate([self.held_flags, flags[is_held]])[-most:]
        twin = self._learned(_uncalibrated(detector), rows[~is_held & ~flags])
        self._calibrate(twin)
        return twin

    def _learned(self, detector: Any, rows: Floats) -> Any:
        if not len(rows):
            return copy(detector)
        return learned(detector, self._features.named(rows), SEED, first=False)

    def _fewest_held(self) -> int:
        return 0 if self.rate is None else int(np.ceil(1 / self.rate))

    def _calibrate(self, detector: Any) -> None:
        """Keep the promised rate, by rows that were not learned."""
        scores, has_enough = scores_and_enough(detector, self._features.named(self.held))
        scores, flags = scores[has_enough], self.held_flags[has_enough]
        # Flagged rows that chance explains are good ones: without them, every threshold would be
        # lower than the last.
        known = explained_by_chance(scores, flags, self.rate or 0.0)
        last_of(detector)._calibrated_by(turned(known), self.rate)  # noqa: SLF001


class Lessons:
    """Rows of a stream, until there are enough of them to be learned.

    Parameters
    ----------
    size : int
        Rows of a lesson.
    most : int
        Lessons that wait at most; when learning is slower than the stream, the oldest are dropped.
    """

    def __init__(self, size: int, most: int = 4) -> None:
        self.size = size
        self._rows: deque[Floats] = deque()
        self._flags: deque[Flags] = deque()
        self._n_rows, self._most = 0, most * size

    def add(self, rows: Floats, flags: Flags) -> None:
        """Take rows that were judged."""
        self._rows.append(rows)
        self._flags.append(flags)
        self._n_rows += len(rows)
        while self._n_rows - len(self._rows[0]) >= self._most:
            self._n_rows -= len(self._rows.popleft())
            self._flags.popleft()

    def is_full(self) -> bool:
        """Tell whether there are enough."""
        return self._n_rows >= self.size

    def taken(self) -> tuple[Floats, Flags]:
        """Return all rows, and begin anew."""
        rows, flags = np.concatenate(self._rows), np.concatenate(self._flags)
        self._rows.clear()
        self._flags.clear()
        self._n_rows = 0
        return rows, flags


def _uncalibrated(detector: Any) -> Any:
    """Return a copy without its calibration, which learning would drop with a warning."""
    last = copy(last_of(detector))
    last._forget_calibration()  # noqa: SLF001
    if not isinstance(detector, Pipeline):
        return last
    twin = copy(detector)
    twin.steps = [*detector.steps[:-1], (detector.steps[-1][0], last)]
    return twin
