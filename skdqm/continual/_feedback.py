"""Verdicts on rows that come late: what was kept back is learned, what was learned is undone."""

from dataclasses import replace

import numpy as np

from skdqm._messages import listed
from skdqm.continual import _hold as states
from skdqm.continual._course import Course
from skdqm.continual._expert import Expert
from skdqm.continual._rows import Integers, Rows, joined
from skdqm.continual._trainer import FEWEST_ROWS
from skdqm.continual._verdicts import call_fault, others_than
from skdqm.exceptions import UsageError


def known_rows(course: Course) -> Rows:
    """Return all rows that are kept somewhere."""
    places = [course.probation, course.cleared, course.quarantine, course.waiting.rows]
    held = [] if course.hold is None else [course.hold.rows]
    return joined([*places, *held, *course.pool.kept_rows()])


def believe(course: Course, positions: Integers, *, good: bool) -> None:
    """Take a late verdict: learn rows that were kept back, or undo rows that were learned."""
    waiting = course.waiting
    meant = np.isin(waiting.rows.positions, positions)
    verdicts = np.where(meant, 1 if good else -1, waiting.verdicts)
    course.waiting = replace(waiting, verdicts=verdicts)
    if good:
        _admit(course, positions)
    else:
        _forget(course, positions)


def _admit(course: Course, positions: Integers) -> None:
    hold = course.hold
    ticket = {} if hold is None else {"ticket": hold.ticket}
    found = joined([_taken(course, "quarantine", positions), _taken_back(course, positions)])
    course.cleared = joined([course.cleared, found])
    course.known_good = np.concatenate([course.known_good, found.positions])
    course.log("released", found, "a verdict called them good", **ticket)
    if hold is not None and hold is not course.hold:
        _end_if_empty(course, hold.ticket)
    course.learn()


def _end_if_empty(course: Course, ticket: int) -> None:
    if course.hold is not None and not len(course.hold.rows):
        course.hold = None
        course.monitor.reset()
        course.journal.close(ticket, states.BENIGN)


def _forget(course: Course, positions: Integers) -> None:
    gone = [_taken_back(course, positions), _taken(course, "cleared", positions)]
    gone += [rows[np.isin(rows.positions, positions)] for rows in course.pool.kept_rows()]
    relearned, lost = list[Expert](), list[Expert]()
    for expert in course.pool.experts:
        if _has_kept(expert, positions) and not expert.is_fault:
            changed = _unlearned(course, expert, positions)
            (lost if changed is None else relearned).append(changed or expert)
    _check_that_some_stay(course, lost)
    if relearned:
        pool = course.pool
        for expert in relearned:
            pool = pool.with_expert(expert)
        course.renew(pool.settled(course.parts.trainer))
    for expert in lost:
        call_fault(course, expert, "all that it keeps was called bad")
    course.journal.let_go_of(positions, course.version)
    _write_down(course, _each_once(joined(gone)), relearned)


def _write_down(course: Course, gone: Rows, relearned: list[Expert]) -> None:
    course.put_away(gone.without(course.quarantine.positions))
    anew = f"learned anew: expert {listed([e.number for e in relearned])}" if relearned else ""
    reason = "; ".join(filter(None, ["a verdict called them bad", anew]))
    course.log("forgotten", gone, reason)


def _each_once(rows: Rows) -> Rows:
    return rows[np.unique(rows.positions, return_index=True)[1]].of_group(0)


def _taken(course: Course, place: str, positions: Integers) -> Rows:
    """Take rows from a place, and return them."""
    rows = getattr(course, place)
    setattr(course, place, rows.without(positions))
    found: Rows = rows[np.isin(rows.positions, positions)]
    return found


def _taken_back(course: Course, positions: Integers) -> Rows:
    """Take rows from probation and from what is held, and return them."""
    found, hold = _taken(course, "probation", positions), course.hold
    if hold is None:
        return found
    held = hold.rows[np.isin(hold.rows.positions, positions)]
    if len(held):
        # The latest scores are no longer those of the latest rows that are held.
        left = hold.rows.without(positions)
        course.hold = replace(hold, rows=left, normal_scores=hold.normal_scores[:0])
    return joined([found, held])


def _has_kept(expert: Expert, positions: Integers) -> bool:
    kept = (expert.memory, expert.calibration, expert.birth)
    return any(np.isin(rows.positions, positions).any() for rows in kept)


def _unlearned(course: Course, expert: Expert, positions: Integers) -> Expert | None:
    """Return the expert fitted anew to what it keeps without some rows; None if too few stay."""
    trainer = course.parts.trainer
    memory = expert.memory.without(positions)
    calibration = expert.calibration.without(positions)
    if len(memory) < min(FEWEST_ROWS, len(expert.memory)) or not len(calibration):
        return None
    birth = expert.birth.without(positions)
    changed = replace(expert, memory=memory, birth=birth if len(birth) else calibration)
    if len(memory) < len(expert.memory):
        detector = trainer.fitted(memory, expert.number)
        changed = replace(changed, detector=detector)
    return changed.recalibrated(trainer, calibration)


def _check_that_some_stay(course: Course, lost: list[Expert]) -> None:
    numbers = {expert.number for expert in lost}
    if lost and numbers.issuperset(others_than(course, 0)):
        raise UsageError(
            f"all rows that expert {listed(sorted(numbers))} keeps are called bad, and there is no "
            "other expert; expected some good ones to go on with: go back with rollback, or fit"
        )
