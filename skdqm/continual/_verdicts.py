"""What people say of a stream: its condition, what was a fault, where to go back to."""

from dataclasses import replace

import numpy as np

from skdqm._messages import listed
from skdqm.continual import _hold as states
from skdqm.continual._course import Course
from skdqm.continual._expert import Expert, new_expert
from skdqm.continual._hold import Ticket
from skdqm.continual._rows import Rows, joined
from skdqm.continual._trainer import FEWEST_ROWS
from skdqm.exceptions import UsageError

# Rows of a new, tagged condition that its expert is made of.
TAGGED_ROWS = 250


def enter_condition(course: Course, condition: str) -> list[tuple[Rows, str]]:
    """Go on under a tag: its expert takes over without waiting, or a new one is collected.

    Rows without a tag go on as before, but the machine may then take them for any condition.

    Returns
    -------
    found : list of (Rows, str)
        Rows whose block has ended with it, and what they were found to be.
    """
    course.tag = condition
    if condition in {"", course.condition}:
        return []
    found = [course.close_block()]
    nothing = course.cleared[:0]
    _leave_hold(course, f"the condition changed to {condition!r}")
    first = not course.condition and not any(e.condition for e in course.pool.experts)
    course.condition = condition
    known = [e.number for e in course.pool.others if e.condition == condition]
    course.learn_cleared()
    course.leave_probation()
    course.monitor.reset()
    if first and not course.n_rows:
        course.name_condition(condition)
    elif known:
        course.switch(known[0], nothing, f"the condition is {condition!r}")
    elif course.pool.expert.condition != condition:
        patience = min(TAGGED_ROWS, course.parts.gate.patience or TAGGED_ROWS)
        reason = f"the condition is {condition!r}, which is new"
        course.open_hold(nothing, np.zeros(0), patience, reason, condition)
    return found


def _leave_hold(course: Course, reason: str) -> None:
    hold = course.hold
    if hold is None:
        return
    course.put_away(hold.rows)
    course.hold = None
    course.journal.close(hold.ticket, states.DISCARDED)
    course.log("discarded", hold.rows, reason, ticket=hold.ticket)


def confirm(course: Course, number: int, *, benign: bool) -> None:
    """Do what a shifter decided about a ticket."""
    ticket = _undecided(course, number)
    if ticket.state == states.OPEN:
        if benign:
            _check_rows(course, number)
            course.release("a shifter called it benign")
            _keep(course, course.pool.active)
        else:
            _discard(course, "a shifter called it a fault")
    elif benign:
        _keep(course, ticket.expert)
    else:
        _reject(course, ticket)
    course.provisional_until = 0
    course.journal.note(number, state=states.BENIGN if benign else states.FAULT)
    said = "benign" if benign else "a fault"
    course.log("confirmed", course.cleared[:0], f"a shifter called it {said}", ticket=number)


def _discard(course: Course, reason: str) -> None:
    """Put away what is held, remember what it looks like, and go on holding what follows."""
    hold = course.hold
    if hold is None:
        return
    course.put_away(hold.rows)
    course.log("discarded", hold.rows, reason, ticket=hold.ticket)
    if len(hold.rows) >= course.parts.gate.recovery:
        shop = course.shop()
        number = course.pool.n_made + 1
        made = new_expert(shop.trainer, shop.memory, hold.rows, number, shop.random)
        course.pool = course.pool.with_fault(made)
    course.hold = replace(hold, rows=hold.rows[:0], n_rows=0, is_fault=True)


def _made(course: Course, number: int) -> Expert | None:
    """Return an expert as it is, or was in the latest version that is kept."""
    pools = [course.pool, *reversed(course.journal.versions.values())]
    return next((e for pool in pools for e in pool.experts if e.number == number), None)


def _check_rows(course: Course, number: int) -> None:
    if course.hold is None or len(course.hold.rows) < FEWEST_ROWS:
        raise UsageError(
            f"ticket {number} holds no rows that could be learned yet; expected {FEWEST_ROWS} or "
            "more: go on with the stream first"
        )


def _keep(course: Course, number: int) -> None:
    """Let an expert stay, or come back if it was let go."""
    made = _made(course, number)
    if made is None:
        return
    kept = replace(made, is_kept=True)
    if any(expert.number == number for expert in course.pool.experts):
        course.pool = course.pool.with_expert(kept)
    else:
        course.renew(course.pool.with_new(kept).settled(course.parts.trainer))


def _undecided(course: Course, number: int) -> Ticket:
    tickets = {ticket.number: ticket for ticket in course.journal.tickets}
    open_ones = [t.number for t in tickets.values() if t.state in states.UNDECIDED]
    expected = f"expected one of {listed(open_ones)}" if open_ones else "none waits for a decision"
    if number not in tickets:
        raise UsageError(f"there is no ticket {number!r}; {expected}")
    if number not in open_ones:
        raise UsageError(f"ticket {number} is already {tickets[number].state}; {expected}")
    return tickets[number]


def _reject(course: Course, ticket: Ticket) -> None:
    """Undo what was released, and remember what the fault looks like."""
    reason = f"ticket {ticket.number} was a fault"
    made = _made(course, ticket.expert)
    if not ticket.expert or not others_than(course, ticket.expert):
        roll_back(course, ticket.version, reason)
    if made is not None:
        call_fault(course, made, reason, ticket.version)


def others_than(course: Course, number: int) -> list[int]:
    """Return the experts for conditions but one, the one that was used most first."""
    numbers = [e.number for e in course.pool.experts if e.number != number and not e.is_fault]
    return sorted(numbers, key=lambda n: course.used.get(n, 0), reverse=True)


def call_fault(course: Course, expert: Expert, reason: str, version: int = -1) -> None:
    """Let an expert recognise a fault and do nothing else; there is another one to go on with.

    Parameters
    ----------
    course : Course
        Is changed.
    expert : Expert
        The expert; it may have been let go already.
    reason : str
        Why.
    version : int
        Whose active expert goes on, if there still is.
    """
    if course.pool.active == expert.number:
        others = others_than(course, expert.number)
        before = course.journal.versions.get(version)
        known = before is not None and before.active in others
        home = before.active if before is not None and known else others[0]
        course.switch(home, course.probation[:0], reason)
    pool = course.pool.without(expert.number).with_fault(expert)
    course.renew(pool.settled(course.parts.trainer))


def roll_back(course: Course, version: int, reason: str) -> None:
    """Go back to the experts of a version; the count of versions goes on."""
    versions = course.journal.versions
    if version not in {*versions, course.version}:
        kept = f"expected one of {listed(sorted(versions))}" if versions else "none is, yet"
        raise UsageError(f"version {version!r} is not kept; {kept}")
    pool = versions.get(version, course.pool)
    n_made = max(course.pool.n_made, pool.n_made)
    _leave_hold(course, reason)
    course.put_away(joined([course.cleared, course.probation]))
    course.cleared = course.probation = course.cleared[:0]
    course.monitor.reset()
    for fault in course.pool.experts:
        if fault.is_fault and fault.number not in {e.number for e in pool.experts}:
            pool = pool.with_new(fault)
    course.level, course.alone = course.level.without_scores(), course.alone[:0]
    course.provisional_until, course.condition = 0, pool.expert.condition
    course.renew(replace(pool, n_made=n_made))
    course.log("rollback", course.cleared[:0], f"to version {version}: {reason}")
