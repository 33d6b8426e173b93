"""Which of the rows that were learned are kept, to be learned again: a bounded number of them."""

from abc import ABC, abstractmethod
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from skdqm._sklearn import Interval
from skdqm.continual._rows import Rows, joined


class Memory(BaseEstimator, ABC):
    """Base class of memories: the rule; the rows themselves are with the expert.

    Parameters
    ----------
    size : int, default=2000
        Rows that are kept at most.
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        "size": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, size: int = 2000) -> None:
        self.size = size

    @abstractmethod
    def kept(self, old: Rows, new: Rows, n_before: int, random: np.random.Generator) -> Rows:
        """Return what is kept of old and new rows.

        Parameters
        ----------
        old : Rows
            What was kept so far.
        new : Rows
            Rows that were just learned, in the order of time.
        n_before : int
            Rows that were ever learned before them.
        random : Generator
            For the choice.

        Returns
        -------
        kept : Rows
            At most `size` rows.
        """


class ReservoirMemory(Memory):
    """A random sample of all rows ever learned, old and new with the same chance [1]_.

    Parameters
    ----------
    size : int, default=2000
        Rows that are kept at most.

    References
    ----------
    .. [1] J. S. Vitter, "Random sampling with a reservoir", ACM Transactions on Mathematical
           Software 11 (1985) 37, algorithm R.

    Examples
    --------
    >>> from skdqm.continual import ContinualDetector, ReservoirMemory
    >>> ContinualDetector(strategy="replay", memory=ReservoirMemory(500))
    ContinualDetector(memory=ReservoirMemory(size=500), strategy='replay')
    """

    def kept(self, old: Rows, new: Rows, n_before: int, random: np.random.Generator) -> Rows:
        """Return what is kept of old and new rows."""
        if len(old) > self.size:
            old = old[np.sort(random.choice(len(old), self.size, replace=False))]
        room = self.size - len(old)
        filled, rest = joined([old, new[:room]]), new[room:]
        n_learned = n_before + room + np.arange(1, len(rest) + 1)
        slots = (random.random(len(rest)) * np.maximum(n_learned, self.size)).astype(np.int64)
        enters = np.flatnonzero(slots < self.size)
        source = np.arange(len(filled))
        for row in enters:  # the latest of those that want a place has it
            source[slots[row]] = len(filled) + row
        return joined([filled, rest])[np.sort(source)]


class WindowMemory(Memory):
    """The latest rows.

    Parameters
    ----------
    size : int, default=2000
        Rows that are kept at most.

    Examples
    --------
    >>> from skdqm.continual import ContinualDetector, WindowMemory
    >>> ContinualDetector(strategy="refit", memory=WindowMemory(500))
    ContinualDetector(memory=WindowMemory(size=500), strategy='refit')
    """

    def kept(self, old: Rows, new: Rows, n_before: int, random: np.random.Generator) -> Rows:
        """Return what is kept of old and new rows."""
        del n_before, random
        return joined([old, new])[-self.size :]


class FadingMemory(Memory):
    """New rows take the places of random old ones, so that old rows fade and do not end.

    Parameters
    ----------
    size : int, default=2000
        Rows that are kept at most. Rows fade by a factor e while so many are learned.

    Examples
    --------
    >>> from skdqm.continual import ContinualDetector, FadingMemory
    >>> ContinualDetector(memory=FadingMemory(1000))
    ContinualDetector(memory=FadingMemory(size=1000))
    """

    def kept(self, old: Rows, new: Rows, n_before: int, random: np.random.Generator) -> Rows:
        """Return what is kept of old and new rows."""
        del n_before
        new = new[-self.size :]
        n_old = min(self.size - len(new), len(old))
        stay = np.sort(random.choice(len(old), n_old, replace=False))
        return joined([old[stay], new])


class BalancedMemory(Memory):
    """As many rows of every condition, as far as there are, each a random choice.

    While a condition goes on, its rows fade as in :class:`FadingMemory`. Conditions are those that
    the detector has met: the stretches between its drifts, or the tags that it was given.

    Parameters
    ----------
    size : int, default=2000
        Rows that are kept at most, of all conditions together.

    Examples
    --------
    >>> from skdqm.continual import BalancedMemory, ContinualDetector
    >>> ContinualDetector(strategy="replay", memory=BalancedMemory())
    ContinualDetector(memory=BalancedMemory(), strategy='replay')
    """

    def kept(self, old: Rows, new: Rows, n_before: int, random: np.random.Generator) -> Rows:
        """Return what is kept of old and new rows."""
        del n_before
        together = joined([old, new])
        order = random.permutation(len(together))
        groups = together.groups[order]
        # The place of each row among those of its condition: the first of all conditions stay.
        place = np.empty(len(order), dtype=np.int64)
        for group in np.unique(groups):
            here = groups == group
            place[here] = np.arange(here.sum())
        stay = order[np.argsort(place, kind="stable")[: self.size]]
        return together[np.sort(stay)]
