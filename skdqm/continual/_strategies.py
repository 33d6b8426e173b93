"""What is learned of rows that may be learned, and what becomes of a new condition."""

from abc import ABC
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from skdqm._sklearn import Interval
from skdqm.continual._expert import BIRTH_ROWS, FEWEST_CALIBRATION, Expert, new_expert, split_off
from skdqm.continual._gate import GuardedGate, OpenGate, fits
from skdqm.continual._memory import FadingMemory, Memory, ReservoirMemory, WindowMemory
from skdqm.continual._pool import Pool
from skdqm.continual._rows import Rows, joined
from skdqm.continual._trainer import FEWEST_ROWS, Trainer


@dataclass(frozen=True)
class Workshop:
    """What strategies work with.

    Attributes
    ----------
    trainer : Trainer
        Fits, teaches and asks detectors.
    memory : Memory
        Which rows are kept.
    held_out : float
        Share of new rows that only calibrate.
    n_calibration : int
        Rows that calibrate.
    censored : float
        Good rows that the gate has refused, for one that it let through.
    used : dict
        Rows that were judged by each expert, by its number, while it was active.
    random : Generator
        For everything random in this update.
    """

    trainer: Trainer
    memory: Memory
    held_out: float
    n_calibration: int
    censored: float
    used: dict[int, int]
    random: np.random.Generator


class Strategy(BaseEstimator, ABC):
    """Base class of strategies.

    A subclass writes ``_taught``, what the active expert's detector makes of new rows, or more.

    Examples
    --------
    >>> from skdqm.continual import ContinualDetector, Strategy
    >>> class LearnNewest(Strategy):
    ...     def _taught(self, expert, new, kept, shop):
    ...         return shop.trainer.fitted(kept[-500:], expert.number)
    >>> detector = ContinualDetector(strategy=LearnNewest())
    """

    _parameter_constraints: dict[str, list[Any]] = {}  # noqa: RUF012

    def check(self, detector: Any) -> None:
        """Refuse a detector that the strategy cannot teach.

        Parameters
        ----------
        detector : detector or Pipeline
            What experts will be copies of, not fitted.

        Raises
        ------
        UsageError
            When it is none of those that the strategy is for.
        """

    def default_gate(self) -> Any:
        """Return the gate that goes with the strategy where none is asked for.

        Returns
        -------
        gate : object
            A new one.
        """
        return OpenGate()

    def default_memory(self) -> Memory:
        """Return the memory that goes with the strategy where none is asked for.

        Returns
        -------
        memory : Memory
            A new one.
        """
        return ReservoirMemory()

    def learned(self, pool: Pool, rows: Rows, shop: Workshop) -> Pool:
        """Return the pool after the active expert has learned rows.

        Parameters
        ----------
        pool : Pool
            The experts.
        rows : Rows
            Rows that the gate has let through, in the order of time.
        shop : Workshop
            What to work with.

        Returns
        -------
        pool : Pool
            A new one; the old one is not changed.
        """
        expert, rows = pool.expert, rows.of_group(self._condition_of(pool))
        if shop.held_out:
            new, held_out = split_off(rows, shop.held_out, shop.random)
        else:
            new = held_out = rows
        taught = self._with_rows(expert, new, shop) if len(new) else expert
        calibration = joined([expert.calibration, held_out])[-shop.n_calibration :]
        if shop.held_out:
            taught = taught.recalibrated(shop.trainer, calibration)
        elif len(held_out):
            # Rows that will be learned calibrate by the scores that they had before.
            scores = shop.trainer.scores(expert.detector, held_out)[0]
            scores = np.concatenate([expert.scores, scores])[-shop.n_calibration :]
            taught = replace(taught, calibration=calibration, scores=scores)
        n_censored = _censored(expert, len(held_out), shop)
        return pool.with_expert(replace(taught, n_censored=n_censored)).settled(shop.trainer)

    def adopted(self, pool: Pool, rows: Rows, shop: Workshop) -> Pool:
        """Return the pool after rows of a new condition were released.

        Parameters
        ----------
        pool : Pool
            The experts.
        rows : Rows
            The rows, in the order of time.
        shop : Workshop
            What to work with.

        Returns
        -------
        pool : Pool
            A new one; the old one is not changed.
        """
        del rows, shop
        return pool

    def _condition_of(self, pool: Pool) -> int:
        """Return the number under which rows are kept."""
        return pool.active

    def _with_rows(self, expert: Expert, new: Rows, shop: Workshop) -> Expert:
        kept = shop.memory.kept(expert.memory, new, expert.n_learned, shop.random)
        taught = self._taught(expert, new, kept, shop)
        return replace(expert, detector=taught, memory=kept, n_learned=expert.n_learned + len(new))

    def _taught(self, expert: Expert, new: Rows, kept: Rows, shop: Workshop) -> Any:
        """Return the detector after the new rows; `kept` is the memory with them."""
        del new, kept, shop
        return expert.detector


class StaticStrategy(Strategy):
    """Learn nothing: what there is without learning, to compare with.

    Examples
    --------
    >>> from skdqm.continual import ContinualDetector, StaticStrategy
    >>> ContinualDetector(strategy=StaticStrategy())
    ContinualDetector(strategy=StaticStrategy())
    """

    def learned(self, pool: Pool, rows: Rows, shop: Workshop) -> Pool:
        """Return the pool as it is."""
        del rows, shop
        return pool


class NaiveStrategy(Strategy):
    """Learn new rows and nothing else, by ``partial_fit`` or by a fit to them alone.

    Examples
    --------
    >>> from skdqm.continual import ContinualDetector, NaiveStrategy
    >>> ContinualDetector(strategy=NaiveStrategy())
    ContinualDetector(strategy=NaiveStrategy())
    """

    def _taught(self, expert: Expert, new: Rows, kept: Rows, shop: Workshop) -> Any:
        del kept
        if shop.trainer.can_learn():
            return shop.trainer.taught(expert.detector, new)
        enough = len(new) >= FEWEST_ROWS
        return shop.trainer.fitted(new, expert.number) if enough else expert.detector

    def adopted(self, pool: Pool, rows: Rows, shop: Workshop) -> Pool:
        """Return the pool after the rows were learned like any others."""
        return self.learned(pool, rows, shop)


class ReplayStrategy(Strategy):
    """Learn new rows together with kept ones.

    Detectors without ``partial_fit`` are fitted anew to what is kept, with the new rows among it.

    Parameters
    ----------
    replay : float, default=1.0
        Kept rows that are learned again, in units of the new ones.
    n_passes : int, default=1
        Times that an update goes over its rows: more for networks, which learn slowly.

    Examples
    --------
    >>> from skdqm.continual import ContinualDetector, ReplayStrategy
    >>> ContinualDetector(strategy=ReplayStrategy(replay=2.0))
    ContinualDetector(strategy=ReplayStrategy(replay=2.0))
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        "replay": [Interval(Real, 0, None, closed="left")],
        "n_passes": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, replay: float = 1.0, n_passes: int = 1) -> None:
        self.replay = replay
        self.n_passes = n_passes

    def adopted(self, pool: Pool, rows: Rows, shop: Workshop) -> Pool:
        """Return the pool after the rows were learned; they alone say what is usual now."""
        pool = self.learned(replace(pool, n_made=pool.n_made + 1), rows, shop)
        expert = pool.expert
        is_new = np.isin(expert.calibration.positions, rows.positions)
        if is_new.sum() < FEWEST_CALIBRATION:
            return pool
        expert = replace(
            expert,
            calibration=expert.calibration[is_new],
            scores=expert.scores[is_new],
            n_censored=0.0,
        )
        return pool.with_expert(expert).settled(shop.trainer)

    def _condition_of(self, pool: Pool) -> int:
        return pool.n_made

    def _taught(self, expert: Expert, new: Rows, kept: Rows, shop: Workshop) -> Any:
        if not shop.trainer.can_learn():
            enough = len(kept) >= FEWEST_ROWS
            return shop.trainer.fitted(kept, expert.number) if enough else expert.detector
        detector = expert.detector
        for _ in range(self.n_passes):
            lesson = joined([self._replayed(expert.memory, len(new), shop), new])
            detector = self._lesson(detector, lesson, expert, shop)
        return detector

    def _lesson(self, detector: Any, rows: Rows, expert: Expert, shop: Workshop) -> Any:
        """Return the detector after one pass over rows."""
        del expert
        return shop.trainer.taught(detector, rows)

    def _replayed(self, memory: Rows, n_new: int, shop: Workshop) -> Rows:
        count = min(round(self.replay * n_new), len(memory))
        # In the order of time, for detectors that know the latest rows from earlier ones.
        return memory[np.sort(shop.random.choice(len(memory), count, replace=False))]


class RefitStrategy(Strategy):
    """Learn nothing until a drift is found, then fit anew to the rows that are kept.

    Examples
    --------
    >>> from skdqm.continual import ContinualDetector, RefitStrategy
    >>> ContinualDetector(strategy=RefitStrategy())
    ContinualDetector(strategy=RefitStrategy())
    """

    def default_memory(self) -> Memory:
        """Return the latest rows."""
        return WindowMemory()

    def adopted(self, pool: Pool, rows: Rows, shop: Workshop) -> Pool:
        """Return the pool after a fit to the latest rows."""
        expert = pool.expert
        kept = shop.memory.kept(expert.memory, rows, expert.n_learned, shop.random)
        made = new_expert(shop.trainer, shop.memory, kept, pool.n_made + 1, shop.random)
        expert = replace(made, number=pool.active, memory=kept)
        return replace(pool.with_expert(expert), n_made=made.number).settled(shop.trainer)


class PoolStrategy(ReplayStrategy):
    """Keep an expert for every condition.

    A new condition gets a new expert, and one that has drifted far from where it began leaves a
    copy of its former self behind. When there are too many, one whose condition another expert
    knows is let go, else the one that was used least: never the oldest for its age, because it may
    be the one that comes back.

    Parameters
    ----------
    max_experts : int, default=8
        Experts that are kept.
    replay : float, default=1.0
        Kept rows that are learned again, in units of the new ones.
    n_passes : int, default=1
        Times that an update goes over its rows.

    Examples
    --------
    >>> from skdqm.continual import ContinualDetector, PoolStrategy
    >>> ContinualDetector(strategy=PoolStrategy(max_experts=4))
    ContinualDetector(strategy=PoolStrategy(max_experts=4))
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **ReplayStrategy._parameter_constraints,
        "max_experts": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, max_experts: int = 8, replay: float = 1.0, n_passes: int = 1) -> None:
        super().__init__(replay=replay, n_passes=n_passes)
        self.max_experts = max_experts

    def default_gate(self) -> Any:
        """Return the guarded gate."""
        return GuardedGate()

    def default_memory(self) -> Memory:
        """Return a memory in which old rows fade: other experts keep what is past."""
        return FadingMemory()

    def learned(self, pool: Pool, rows: Rows, shop: Workshop) -> Pool:
        """Return the pool after the active expert has learned rows, and what it leaves behind."""
        before = pool.expert
        pool = super().learned(pool, rows, shop)
        after = pool.expert
        if self.max_experts == 1 or fits(after.normal_scores(shop.trainer, after.birth)):
            return pool
        left = replace(before, number=pool.n_made + 1, is_kept=True)
        after = replace(after, birth=after.calibration[-BIRTH_ROWS:])
        pool = pool.with_expert(after).with_new(left)
        return self._bounded(pool, shop).settled(shop.trainer)

    def adopted(self, pool: Pool, rows: Rows, shop: Workshop) -> Pool:
        """Return the pool with a new active expert."""
        expert = new_expert(shop.trainer, shop.memory, rows, pool.n_made + 1, shop.random)
        pool = pool.with_new(expert).switched(shop.trainer, expert.number)
        return self._bounded(pool, shop).settled(shop.trainer)

    def _condition_of(self, pool: Pool) -> int:
        return pool.active

    def _bounded(self, pool: Pool, shop: Workshop) -> Pool:
        while sum(not e.is_fault for e in pool.experts) > self.max_experts:
            pool = pool.without(_superfluous(pool, shop.trainer, shop.used))
        return pool


def _censored(expert: Expert, n_new: int, shop: Workshop) -> float:
    """Return how many calibration rows are missing after new ones have pushed out old ones."""
    n_old = len(expert.calibration)
    n_stay = min(n_old, max(shop.n_calibration - n_new, 0))
    return expert.n_censored * n_stay / n_old + n_new * shop.censored


def _superfluous(pool: Pool, trainer: Trainer, used: dict[int, int]) -> int:
    """Return the number of the expert to let go, which is not the active one."""
    candidates = sorted(pool.others, key=lambda expert: used.get(expert.number, 0))
    for expert in candidates:
        known_by = [e for e in (pool.expert, *candidates) if e is not expert]
        if any(fits(e.normal_scores(trainer, expert.calibration)) for e in known_by):
            return expert.number
    return candidates[0].number
