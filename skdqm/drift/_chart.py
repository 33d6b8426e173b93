"""What every kind of chart has: it learns a reference, takes blocks, and says what changed."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdqm.drift._scale import Reference, Scale

Floats = NDArray[np.float64]
Plain = dict[str, Any]

PER_ROWS = 100_000
# A warning is this much more frequent than a drift when nothing has changed.
WARNINGS_PER_DRIFT = 10.0


@dataclass(frozen=True)
class Settings:
    """What the user asked for.

    Attributes
    ----------
    detector : object
        A word, or a drift detector of river.
    block_size : int
        Rows of a block.
    false_alarms : float
        Per 100,000 rows.
    shift : float
        In standard deviations of the rows.
    window : int
        Blocks that a test of two samples takes together.
    min_duration : int
        Rows that a change must last.
    """

    detector: Any
    block_size: int
    false_alarms: float
    shift: float
    window: int
    min_duration: int

    @property
    def rate(self) -> float:
        """False alarms per block."""
        return self.false_alarms * self.block_size / PER_ROWS


class Level(IntEnum):
    """What a block says."""

    QUIET = 0
    WARNING = 1
    DRIFT = 2


@dataclass(frozen=True)
class Change:
    """What is known about a change.

    Attributes
    ----------
    onset : int
        Row at which it is thought to have begun.
    direction : int
        +1, -1, or 0 where there is none or it is not known.
    moved : list of int
        Columns.
    """

    onset: int
    direction: int
    moved: list[int]


class Chart(ABC):
    """One way to watch blocks; lives for one call, what it must remember is plain data.

    Parameters
    ----------
    settings : Settings
        What the user asked for.
    learned : dict
        What :meth:`learn` gave.
    state : dict
        What :meth:`state` gave, or :meth:`first_state`.

    Attributes
    ----------
    statistics, thresholds : ndarray of shape (n_statistics,)
        After the last block: one per column, or one for all.
    """

    statistics: Floats
    thresholds: Floats

    def __init__(self, settings: Settings, learned: Plain, state: Plain) -> None:
        self.settings, self.learned = settings, learned
        self.resume(state)

    @staticmethod
    @abstractmethod
    def learn(settings: Settings, reference: Reference) -> Plain:
        """Return what is kept of a reference, as plain data."""

    @staticmethod
    @abstractmethod
    def first_state(learned: Plain, position: int) -> Plain:
        """Return the state before the first block; `position` is the row it starts at."""

    @abstractmethod
    def resume(self, state: Plain) -> None:
        """Take up a state; what it holds is never changed in place."""

    @abstractmethod
    def state(self) -> Plain:
        """Return the state as plain data."""

    def prepared(self, scale: Scale, rows: Floats) -> Floats:
        """Return what :meth:`step` takes, for many blocks at once: here normal scores."""
        return scale.normal(rows)

    @abstractmethod
    def step(self, block: Floats, position: int) -> Level:
        """Take one block, whose last row is the one before `position`."""

    @abstractmethod
    def change(self, position: int) -> Change:
        """Say what changed, right after a step that found a drift."""

    def restart(self, position: int) -> None:
        """Forget all blocks so far."""
        self.resume(self.first_state(self.learned, position))
