"""The course of a stream: judge, guard, learn; one block of rows after the other."""

from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np

from skdqm.continual import _hold as states
from skdqm.continual._block import Block
from skdqm.continual._expert import missing_share, normal_scores_of
from skdqm.continual._gate import FITTING, fits
from skdqm.continual._guard import SWITCH_ROWS, go_on_holding
from skdqm.continual._hold import Hold
from skdqm.continual._journal import Journal
from skdqm.continual._level import Level
from skdqm.continual._parts import Parts
from skdqm.continual._pool import Pool
from skdqm.continual._rows import Floats, Integers, Rows, joined
from skdqm.continual._status import NOT_ENOUGH_DATA, status_of
from skdqm.continual._strategies import Workshop

# How much of the count of refusals is left after an update.
REFUSALS_KEPT = 0.9
# Rows that are judged at once while something is held.
ROWS_AHEAD = 256


class Course:
    """What was learned of a stream so far, and what is to be decided.

    Attributes are replaced and never changed in place, so that a copy is a checkpoint.
    """

    def __init__(self, parts: Parts, pool: Pool, monitor: Any, level: Level, nothing: Rows):
        self.parts, self.pool, self.monitor, self.level = parts, pool, monitor, level
        self.journal = Journal()
        self.n_rows = self.version = 0
        self.status = NOT_ENOUGH_DATA
        # The latest tag, and the one of the rows that come now, "" where they have none.
        self.condition = self.tag = ""
        self.hold: Hold | None = None
        self.probation = self.cleared = self.quarantine = nothing
        self.waiting = self.judged(nothing, np.zeros(0, dtype=np.int64))
        self.known_good: Integers = np.zeros(0, dtype=np.int64)
        # Normal scores of the latest rows by the active expert alone.
        self.alone: Floats = np.zeros(0)
        self.used: dict[int, int] = {}
        # Rows that the gate was offered, and that it refused; old ones count less.
        self.refused: Floats = np.zeros(2)
        # Until this row the active expert is so new that a shifter should look.
        self.provisional_until = 0

    # ---- rows

    def judged(self, rows: Rows, verdicts: Integers) -> Block:
        """Judge rows by what is known now."""
        if not len(rows):
            none = np.zeros(0)
            return Block(rows, none, none, np.zeros(0, dtype=bool), verdicts)
        return Block(rows, *self.pool.judged(self.parts.trainer, rows), verdicts)

    def n_ahead(self) -> int:
        """Return for how many rows the present experts and threshold are likely to stay."""
        if self.level.rule.counts_alarms:
            return int(self.monitor.block_size) - len(self.waiting)
        if self.hold is not None:
            return ROWS_AHEAD
        waiting = len(self.probation) + len(self.cleared) + len(self.waiting)
        due = self.parts.gate.probation + self.parts.update_every - waiting
        size = int(self.monitor.block_size)
        return max(due // size, 1) * size

    def follow(self, block: Block) -> tuple[int, list[tuple[Rows, str]]]:
        """Take rows, block by block, until the experts change.

        Returns
        -------
        n_taken : int
            Rows taken: the others must be judged anew.
        found : list of (Rows, str)
            Rows of whole blocks, and what they were found to be.
        """
        n_taken, version, found = 0, self.version, []
        size = int(self.monitor.block_size)
        while n_taken < len(block) and self.version == version:
            part = block[n_taken : n_taken + size - len(self.waiting)]
            n_taken, self.n_rows = n_taken + len(part), self.n_rows + len(part)
            self.waiting = self.waiting.with_more(part)
            if len(self.waiting) == size:
                found.append(self.close_block())
        return n_taken, found

    def close_block(self) -> tuple[Rows, str]:
        """Decide on the rows that wait for their block to be full."""
        block, self.waiting = self.waiting, self.waiting[:0]
        if len(block):
            self.take(block)
        return block.rows, self.status

    # ---- one block

    def take(self, block: Block) -> None:
        """Decide on a block: what is learned, held, discarded."""
        self._believe(block)
        unknown = block.unknown
        scores = normal_scores_of(unknown.surprise)
        self.level = self.level.with_scores(scores)
        alone = np.concatenate([self.alone, normal_scores_of(unknown.alone)])
        self.alone = alone[-max(SWITCH_ROWS, self.parts.gate.recovery) :]
        if len(unknown.rows):
            if self.hold is None:
                self._watch(unknown, scores)
            else:
                go_on_holding(self, self.hold, unknown, scores)
            self.level = self.level.after(unknown.surprise > self.level.limit, self.pool)
        self.status = status_of(self, block, unknown)
        n_used = self.used.get(self.pool.active, 0) + len(block.rows)
        self.used = {**self.used, self.pool.active: n_used}
        self.learn()

    def _believe(self, block: Block) -> None:
        """Do what the labels say, whatever the machine thinks."""
        good, bad = (block.rows[block.verdicts == sign] for sign in (1, -1))
        if len(good):
            self.cleared = joined([self.cleared, good])
            self.known_good = np.concatenate([self.known_good, good.positions])
        if len(bad):
            self.put_away(bad)
            self.log("discarded", bad, "called bad by its label")

    def _watch(self, block: Block, scores: Floats) -> None:
        self.monitor.update(scores)
        if self.monitor.drift_ and self.monitor.direction_ >= 0:
            self.monitor.reset()
            self._react(block, scores)
            return
        self.probation = joined([self.probation, block.rows])
        self.prefer_who_knows(SWITCH_ROWS)

    def _react(self, block: Block, scores: Floats) -> None:
        gate = self.parts.gate
        if not gate.guards:
            self.probation = joined([self.probation, block.rows])
            self.log("drift", block.rows, "scores have risen and stay so")
            rows = joined([self.cleared, self.probation])
            self.cleared = self.probation = block.rows[:0]
            self._adopt(rows, "no gate holds it")
            return
        self._recall(block, scores)

    def _recall(self, block: Block, scores: Floats) -> None:
        """Hold the rows since the change began: of those on probation, and the block."""
        suspect = self.probation.positions >= self._onset(block)
        held = joined([self.probation[suspect], block.rows])
        self.probation = self.probation[~suspect]
        self.open_hold(held, scores, self.parts.gate.patience, "scores have risen and stay so")

    def open_hold(
        self, rows: Rows, scores: Floats, patience: int, reason: str, condition: str = ""
    ) -> None:
        """Stop learning, and ask about rows."""
        number = self.journal.open_ticket(rows, self.version, self.n_rows)
        self.hold = Hold(number, rows, scores, len(rows), patience, condition=condition)
        self.journal.keep(self.version, self.pool)
        self.log("held", rows, reason, ticket=number)

    def _onset(self, block: Block) -> int:
        """Return the row of the stream at which the monitor thinks that the change began."""
        if self.monitor.onset_ is None:
            return int(block.rows.positions[0])
        since = max(self.monitor.n_seen_ - int(self.monitor.onset_), len(block.rows))
        together = np.concatenate([self.probation.positions, block.rows.positions])
        return int(together[-min(since, len(together))])

    def prefer_who_knows(self, n_latest: int) -> None:
        """Let an expert take over that knows the latest rows, if the active one does not."""
        alone = self.alone[-n_latest:]
        enough = min(len(alone), len(self.probation)) == n_latest
        if not enough or not self.pool.others or fits(alone):
            return
        latest = self.probation[-n_latest:]
        best, mean = self.pool.best_fit(self.parts.trainer, latest, self.tag)
        if mean < alone.mean() - FITTING:
            self.switch(best, latest, "it knows the latest rows better")

    def release(self, reason: str) -> None:
        """Learn what is held, as a new condition."""
        hold = self.hold
        if hold is None:
            return
        self.hold = None
        self.monitor.reset()
        before = self.pool.active
        self._adopt(hold.rows, reason, hold.ticket)
        if hold.condition:
            self.name_condition(hold.condition)
        made = self.pool.active if self.pool.active != before else 0
        self.journal.close(hold.ticket, states.RELEASED, made)
        self.level, self.alone = self.level.without_scores(), self.alone[:0]

    def _adopt(self, rows: Rows, reason: str, ticket: int = 0) -> None:
        before = self.pool.active
        self.renew(self.parts.strategy.adopted(self.pool, rows, self.shop()))
        self.log("released", rows, reason, ticket=ticket)
        if self.pool.active != before:
            self.leave_probation()
            self.provisional_until = self.n_rows + self.parts.gate.probation
            self.log("new condition", rows, f"expert {self.pool.active} was made", ticket=ticket)

    def switch(self, number: int, rows: Rows, reason: str, **about: Any) -> None:
        """Make another expert the active one; one that did not last is let go."""
        left = self.pool.expert
        self.renew(self.pool.switched(self.parts.trainer, number))
        self.condition = self.pool.expert.condition or self.condition
        self.level, self.alone = self.level.without_scores(), self.alone[:0]
        self.log("switch", rows, f"expert {number}: {reason}", **about)
        self.leave_probation(len(rows))
        if not (left.is_kept or self.used.get(left.number, 0) >= self._patience()):
            self.pool = self.pool.without(left.number).settled(self.parts.trainer)
            self.log("forgotten", rows[:0], f"expert {left.number}: its condition did not last")

    def leave_probation(self, n_kept: int = 0) -> None:
        """Put rows on probation away, but the latest: another expert was to learn them."""
        first = len(self.probation) - n_kept
        gone, self.probation = self.probation[:first], self.probation[first:]
        if len(gone):
            self.put_away(gone)
            self.log("quarantined", gone, "the condition changed while they were on probation")

    def _patience(self) -> int:
        return int(self.parts.gate.patience)

    def name_condition(self, condition: str) -> None:
        """Give the active expert the tag of its condition."""
        expert = replace(self.pool.expert, condition=condition, is_kept=True)
        self.pool = self.pool.with_expert(expert)

    # ---- learning

    def learn(self) -> None:
        """Learn rows that have waited long enough."""
        if self.hold is None:
            due = len(self.probation) - self.parts.gate.probation
            if due >= self.parts.update_every:
                self.cleared = joined([self.cleared, self.probation[:due]])
                self.probation = self.probation[due:]
        if len(self.cleared) >= self.parts.update_every:
            self.learn_cleared()

    def learn_cleared(self) -> None:
        """Learn the rows that have waited long enough, however few."""
        rows, self.cleared = self.cleared, self.cleared[:0]
        if len(rows):
            self._learn(rows)

    def _learn(self, rows: Rows) -> None:
        order = np.argsort(rows.positions, kind="stable")
        rows = rows[order]
        surprise, _, has_enough = self.pool.judged(self.parts.trainer, rows)
        known = np.isin(rows.positions, self.known_good)
        admitted = (self.parts.gate.admits(surprise, self.level.usual) | known) & has_enough
        self.known_good = self.known_good[:0]
        judged = has_enough & ~known
        news = np.array([judged.sum(), (judged & ~admitted).sum()])
        self.refused = REFUSALS_KEPT * self.refused + news
        if not admitted.all():
            self.put_away(rows[~admitted])
            self.log("quarantined", rows[~admitted], "more abnormal than the gate admits")
        if admitted.any():
            before = self.pool
            self.renew(self.parts.strategy.learned(self.pool, rows[admitted], self.shop()))
            if self.pool is not before:
                self.log("learned", rows[admitted], "it has waited and fits")

    def shop(self) -> Workshop:
        """Return what strategies work with."""
        parts = self.parts
        beyond = min(float(np.exp(-parts.gate.margin * self.level.usual)), self.level.rate)
        seed = [parts.trainer.seed, self.version]
        return Workshop(
            parts.trainer,
            parts.memory,
            float(self.level.rule.held_out),
            int(self.level.rule.n_rows),
            missing_share(beyond, *self.refused),
            self.used,
            np.random.default_rng(seed),
        )

    def renew(self, pool: Pool) -> None:
        """Go on with another pool, as another version; the same one changes nothing."""
        if pool is self.pool:
            return
        self.journal.keep(self.version, self.pool)
        self.pool, self.version = pool, self.version + 1
        self.level = self.level.renewed(pool)

    # ---- bookkeeping

    def put_away(self, rows: Rows) -> None:
        """Keep rows that are not learned for a while: a verdict may still come."""
        size = max(2 * self._patience(), 1000)
        self.quarantine = joined([self.quarantine, rows])[-size:]

    def log(self, event: str, rows: Rows, reason: str, **about: Any) -> None:
        """Write a decision down."""
        state = {"at_row": self.n_rows, "version": self.version, "expert": self.pool.active}
        self.journal.write(event, rows, reason, **state, **about)

    @classmethod
    def of(cls, state: dict[str, Any]) -> "Course":
        """Return the course of a state: what ``vars`` gave."""
        course = cls.__new__(cls)
        vars(course).update(state)
        return course

    def copied(self) -> "Course":
        """Return a copy that can go on by itself."""
        twin = copy(self)
        twin.monitor, twin.journal = copy(self.monitor), self.journal.copied()
        return twin
