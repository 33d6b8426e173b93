"""While something looks wrong: what ends a hold, and how."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from skdqm.continual import _hold as states
from skdqm.continual._block import Block
from skdqm.continual._gate import fits, is_widespread
from skdqm.continual._hold import Hold
from skdqm.continual._rows import Floats, Rows, joined

if TYPE_CHECKING:
    from skdqm.continual._course import Course

# Rows that another expert must know to take over.
SWITCH_ROWS = 128


def go_on_holding(course: "Course", hold: Hold, block: Block, scores: Floats) -> None:
    """Hold one more block, and see if that ends the hold."""
    kept = joined([hold.rows, block.rows])[-max(hold.patience, len(block.rows)) :]
    n_seen = max(course.parts.gate.patience, course.parts.gate.recovery)
    seen = np.concatenate([hold.normal_scores, scores])[-n_seen:]
    hold = replace(hold, rows=kept, normal_scores=seen, n_rows=hold.n_rows + len(block.rows))
    course.journal.note(hold.ticket, last_row=int(kept.positions[-1]))
    may_recover = hold.is_fault or not hold.condition
    if may_recover and course.parts.gate.has_recovered(seen):
        _end_recovered(course, hold)
        return
    course.hold = _recognised(course, hold)
    known_by = _known_by(course, course.hold, len(block))
    # When the latest rows fit, it will show soon whether it is over.
    lasts = bool(hold.condition) or not fits(scores)
    if known_by:
        _end_known(course, course.hold, known_by)
    elif lasts and _may_release(course, course.hold):
        course.release("it has lasted as long as patience")
    elif lasts and _is_condition(course, course.hold, len(block)):
        course.release("it has lasted, and most features have moved: that is a condition")


def _recognised(course: "Course", hold: Hold) -> Hold:
    """Tell a hold whether it looks like a known fault, and ask anew when it no longer does."""
    n_latest = course.parts.gate.recovery
    if len(hold.rows) < n_latest:
        return hold
    latest = hold.rows[-n_latest:]
    number = course.pool.known_fault(course.parts.trainer, latest)
    if number and not hold.is_fault:
        reason = f"it looks like the fault of expert {number}"
        course.log("held", latest, reason, ticket=hold.ticket)
        return replace(hold, is_fault=True)
    before = hold.rows[-2 * n_latest : -n_latest]
    # When a fault has only just gone, it will show soon if rows fit again.
    gone = len(before) == n_latest and not course.pool.known_fault(course.parts.trainer, before)
    return _asked_anew(course, hold, latest) if hold.is_fault and gone and not number else hold


def _asked_anew(course: "Course", hold: Hold, latest: Rows) -> Hold:
    course.put_away(hold.rows.without(latest.positions))
    course.journal.close(hold.ticket, states.DISCARDED)
    ticket = course.journal.open_ticket(latest, course.version, course.n_rows)
    course.log("held", latest, "it no longer looks like the fault", ticket=ticket)
    return replace(hold, ticket=ticket, rows=latest, n_rows=len(latest), is_fault=False)


def _known_by(course: "Course", hold: Hold, n_new: int) -> int:
    """Return the expert for another condition that knows what is held, or 0."""
    asks_now = hold.n_rows // SWITCH_ROWS > (hold.n_rows - n_new) // SWITCH_ROWS
    if hold.is_fault or hold.condition or not (asks_now and course.pool.others):
        return 0
    trainer, latest = course.parts.trainer, hold.rows[-SWITCH_ROWS:]
    best, _ = course.pool.best_fit(trainer, latest, course.tag)
    if not best:
        return 0
    scores = course.pool.by_number(best).normal_scores(trainer, latest)
    return best if course.parts.gate.has_recovered(scores) else 0


def _end_known(course: "Course", hold: Hold, number: int) -> None:
    course.hold = None
    course.monitor.reset()
    course.journal.close(hold.ticket, states.SWITCHED, number)
    latest = hold.rows[-SWITCH_ROWS:]
    course.put_away(hold.rows[:-SWITCH_ROWS])
    course.probation = joined([course.probation, latest])
    course.switch(number, latest, "it knows what is held", ticket=hold.ticket)


def _may_release(course: "Course", hold: Hold) -> bool:
    may = not hold.is_fault and (bool(hold.condition) or course.parts.auto_release)
    return may and hold.n_rows >= hold.patience


def _is_condition(course: "Course", hold: Hold, n_new: int) -> bool:
    """Tell whether a hold may end before its time; asked a few times only, as it costs."""
    patience = min(course.parts.gate.widespread_patience, hold.patience)
    asks_now = hold.n_rows // patience > (hold.n_rows - n_new) // patience
    if hold.is_fault or hold.condition or not (asks_now and course.parts.auto_release):
        return False
    known, latest = course.pool.expert.calibration, hold.rows[-patience:]
    return is_widespread(known.values, latest.values)


def _end_recovered(course: "Course", hold: Hold) -> None:
    n_fitting = course.parts.gate.recovery
    fitting, gone = hold.rows[-n_fitting:], hold.rows[:-n_fitting]
    course.hold = None
    course.monitor.reset()
    course.probation = joined([course.probation, fitting])
    course.put_away(gone)
    course.level, course.alone = course.level.without_scores(n_fitting), course.alone[-n_fitting:]
    active = course.pool.active
    course.prefer_who_knows(n_fitting)
    state = states.DISCARDED if course.pool.active == active else states.SWITCHED
    course.journal.close(hold.ticket, state, course.pool.active)
    course.log("discarded", gone, "rows fit again", ticket=hold.ticket)
