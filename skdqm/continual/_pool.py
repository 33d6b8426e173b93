"""Experts for several conditions, and the one score that they give together."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from skdqm.continual._expert import Expert
from skdqm.continual._gate import fits
from skdqm.continual._rows import Floats, Record, Rows
from skdqm.continual._trainer import Trainer
from skdqm.ensemble._scales import PValue

# Surprise from which on other experts are asked: one row in ten is so unusual.
DOUBT = float(np.log(10))
# Faults that are remembered.
MOST_FAULTS = 8


@dataclass(frozen=True)
class Pool(Record):
    """Experts, of which one is active: it learns, and judges first.

    A row that the active expert finds unusual is shown to the others, and is as abnormal as the one
    that knows it best finds it; so a condition that comes back raises no alarm. The surprise of all
    together is put on one scale by the calibration rows of the active expert.

    Attributes
    ----------
    experts : tuple of Expert
        At least one.
    active : int
        Number of the active one.
    together : ndarray of shape (n_calibration,)
        Surprises of the calibration rows of the active expert, by all together, sorted.
    n_made : int
        Experts ever made.
    """

    experts: tuple[Expert, ...]
    active: int
    together: Floats
    n_made: int = 1

    @property
    def expert(self) -> Expert:
        """The active expert."""
        return self.by_number(self.active)

    @property
    def others(self) -> list[Expert]:
        """The experts for other conditions."""
        return [e for e in self.experts if e.number != self.active and not e.is_fault]

    def kept_rows(self) -> list[Rows]:
        """Return what all experts keep."""
        return [rows for e in self.experts for rows in (e.memory, e.calibration, e.birth)]

    def by_number(self, number: int) -> Expert:
        """Return the expert of a number."""
        return next(expert for expert in self.experts if expert.number == number)

    @cached_property
    def scale(self) -> PValue:
        """Surprise by all together to minus the logarithm of the p-value of a row."""
        return PValue(self._scores())

    def _scores(self) -> Floats:
        """Return the surprises of calibration rows, with those that are missing in the tail."""
        missing = round(self.expert.n_censored)
        return np.concatenate([self.together, np.full(missing, self.together[-1])])

    def calibration_surprise(self) -> Floats:
        """Return the final surprises of calibration rows, sorted."""
        return self.scale(self._scores())

    def judged(self, trainer: Trainer, rows: Rows) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Return the surprise of rows, that by the active expert alone, and who has enough data."""
        alone, has_enough = self.expert.surprise(trainer, rows)
        return self.scale(self._reconsidered(trainer, rows, alone)), alone, has_enough

    def _reconsidered(self, trainer: Trainer, rows: Rows, surprise: Floats) -> Floats:
        doubtful = np.flatnonzero(surprise > DOUBT)
        if not (len(doubtful) and self.others):
            return surprise
        shown = rows[doubtful]
        least = np.min([other.surprise(trainer, shown)[0] for other in self.others], axis=0)
        surprise = surprise.copy()
        surprise[doubtful] = np.minimum(surprise[doubtful], least)
        return surprise

    def with_expert(self, expert: Expert) -> "Pool":
        """Return the pool in which an expert stands for its former self."""
        return replace(
            self, experts=tuple(expert if e.number == expert.number else e for e in self.experts)
        )

    def with_new(self, expert: Expert) -> "Pool":
        """Return the pool with one more expert."""
        return replace(
            self, experts=(*self.experts, expert), n_made=max(self.n_made, expert.number)
        )

    def with_fault(self, expert: Expert) -> "Pool":
        """Return the pool with an expert that only recognises a fault; the latest ones stay."""
        pool = self.with_new(replace(expert, is_fault=True))
        faults = [each.number for each in pool.experts if each.is_fault]
        for number in faults[:-MOST_FAULTS]:
            pool = pool.without(number)
        return pool

    def without(self, number: int) -> "Pool":
        """Return the pool without an expert, which is not the active one."""
        return replace(self, experts=tuple(e for e in self.experts if e.number != number))

    def settled(self, trainer: Trainer) -> "Pool":
        """Return the pool calibrated by the rows of the active expert, after any change."""
        expert = self.expert
        alone = expert.scale(expert.scores)
        together = np.sort(self._reconsidered(trainer, expert.calibration, alone))
        return replace(self, together=together)

    def switched(self, trainer: Trainer, number: int) -> "Pool":
        """Return the pool with another active expert."""
        return replace(self, active=number).settled(trainer)

    def best_fit(self, trainer: Trainer, rows: Rows, tag: str = "") -> tuple[int, float]:
        """Return the number of the other expert that knows rows best, and their mean score.

        Of rows with a tag, experts for other tags are not asked.
        """
        asked = [e for e in self.others if not tag or e.condition in {"", tag}]
        means = {e.number: _mean(e, trainer, rows) for e in asked}
        best = min(means, key=means.__getitem__, default=0)
        return best, means.get(best, np.inf)

    def known_fault(self, trainer: Trainer, rows: Rows) -> int:
        """Return the number of the expert for a fault that rows look like, or 0."""
        faults = [e for e in self.experts if e.is_fault]
        return next((e.number for e in faults if fits(e.normal_scores(trainer, rows))), 0)


def pool_of(trainer: Trainer, expert: Expert) -> Pool:
    """Return a pool of one expert."""
    first = replace(expert, is_kept=True)
    return Pool((first,), first.number, np.zeros(1), n_made=first.number).settled(trainer)


def _mean(expert: Expert, trainer: Trainer, rows: Rows) -> float:
    return float(expert.normal_scores(trainer, rows).mean())
