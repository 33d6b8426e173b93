"""What people say of a stream: its condition, what was a fault, where to go back to."""

from dataclasses import replace

import numpy as np

from skdqm._messages import listed
from skdqm.continual import _hold as states
from skdqm.continual._course import Course
from skdqm.continual._expert import Expert
from skdqm.continual._hold import Ticket
from skdqm.continual._rows import Integers, Rows, joined
from skdqm.continual._trainer import FEWEST_ROWS
from skdqm.exceptions import UsageError

# Rows of a new, tagged condition that its expert is made of.
TAGGED_ROWS = 250


def enter_condition(course: Course, condition: str) -> list[tuple[Rows, str]]:
    """Go on under a tag: its expert takes over without waiting, or a new one is collected.

    Returns
    -------
    found : list of (Rows, str)
        Rows whose block has ended with it, and what they were found to be.
    """
    if condition == course.condition:
        return []
    found = [course.close_block()]
    nothing = course.cleared[:0]
    _leave_hold(course, f"the condition changed to {condition!r}")
    first = not course.condition and not any(e.condition for e in course.pool.experts)
    course.condition = condition
    known = [e.number for e in course.pool.others if e.condition == condition]
    course.put_away(course.probation)
    course.probation = nothing
    course.monitor.reset()
    if first and not course.n_rows:
        course.name_condition(condition)
    elif known:
        course.switch(known[0], nothing, f"the condition is {condition!r}")
    elif condition and course.pool.expert.condition != condition:
        patience = min(TAGGED_ROWS, getattr(course.parts.gate, "patience", TAGGED_ROWS))
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
            course.discard_hold("a shifter called it a fault")
    elif benign:
        _keep(course, ticket.expert)
    else:
        _reject(course, ticket)
    course.provisional_until = 0
    course.journal.note(number, state=states.BENIGN if benign else states.FAULT)
    said = "benign" if benign else "a fault"
    course.log("confirmed", course.cleared[:0], f"a shifter called it {said}", ticket=number)


def _check_rows(course: Course, number: int) -> None:
    if course.hold is None or len(course.hold.rows) < FEWEST_ROWS:
        raise UsageError(
            f"ticket {number} holds no rows that could be learned yet; expected {FEWEST_ROWS} or "
            "more: go on with the stream first"
        )


def _keep(course: Course, number: int) -> None:
    for expert in course.pool.experts:
        if expert.number == number:
            course.pool = course.pool.with_expert(replace(expert, is_kept=True))


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
    """Go back to before the release, and remember what the fault looks like."""
    learned = [e for e in course.pool.experts if e.number == ticket.expert]
    before = {e.number for e in course.journal.versions[ticket.version].experts}
    roll_back(course, ticket.version, f"ticket {ticket.number} was a fault")
    for expert in learned:
        if expert.number not in before:
            course.pool = course.pool.with_fault(expert)


def roll_back(course: Course, version: int, reason: str) -> None:
    """Go back to the experts of a version; the count of versions goes on."""
    versions = course.journal.versions
    if version not in versions:
        kept = f"expected one of {listed(sorted(versions))}" if versions else "none is, yet"
        raise UsageError(f"version {version!r} is not kept; {kept}")
    n_made = max(course.pool.n_made, versions[version].n_made)
    _leave_hold(course, reason)
    course.put_away(joined([course.cleared, course.probation]))
    course.cleared = course.probation = course.cleared[:0]
    course.monitor.reset()
    course.renew(replace(versions[version], n_made=n_made))
    course.log("rollback", course.cleared[:0], f"to version {version}: {reason}")


def known_rows(course: Course) -> Rows:
    """Return all rows that are kept somewhere."""
    held = [] if course.hold is None else [course.hold.rows]
    kept = [rows for e in course.pool.experts for rows in (e.memory, e.calibration)]
    return joined([course.probation, course.cleared, course.quarantine, *held, *kept])


def believe(course: Course, positions: Integers, *, good: bool) -> None:
    """Take a late verdict: learn rows that were kept back, or undo rows that were learned."""
    if good:
        _admit(course, positions)
    else:
        _forget(course, positions)


def _admit(course: Course, positions: Integers) -> None:
    places = [course.quarantine, course.probation]
    if course.hold is not None:
        places.append(course.hold.rows)
    found = joined([rows[np.isin(rows.positions, positions)] for rows in places])
    course.quarantine = course.quarantine.without(positions)
    course.probation = course.probation.without(positions)
    course.cleared = joined([course.cleared, found])
    course.known_good = np.concatenate([course.known_good, found.positions])
    about = {} if course.hold is None else {"ticket": course.hold.ticket}
    course.log("released", found, "a verdict called them good", **about)
    if course.hold is not None:
        _shrink_hold(course, positions)
    course.learn()


def _shrink_hold(course: Course, positions: Integers) -> None:
    hold = course.hold
    if hold is None or not np.isin(hold.rows.positions, positions).any():
        return
    left = hold.rows.without(positions)
    course.hold = replace(hold, rows=left)
    if not len(left):
        course.hold = None
        course.monitor.reset()
        course.journal.close(hold.ticket, states.BENIGN)


def _forget(course: Course, positions: Integers) -> None:
    course.probation = course.probation.without(positions)
    course.cleared = course.cleared.without(positions)
    pool, undone = course.pool, list[Expert]()
    for expert in pool.experts:
        changed = _unlearned(course, expert, positions)
        if changed is not expert:
            pool, undone = pool.with_expert(changed), [*undone, expert]
    kept = [rows for e in undone for rows in (e.memory, e.calibration)]
    gone = [rows[np.isin(rows.positions, positions)] for rows in kept]
    if undone:
        course.renew(pool.settled(course.parts.trainer))
    relearned = f"learned anew: expert {listed([e.number for e in undone])}" if undone else ""
    reason = "; ".join(filter(None, ["a verdict called them bad", relearned]))
    course.log("forgotten", joined([course.cleared[:0], *gone]), reason)


def _unlearned(course: Course, expert: Expert, positions: Integers) -> Expert:
    """Return the expert fitted anew to what it keeps without some rows; itself, if it has none."""
    trainer = course.parts.trainer
    memory = expert.memory.without(positions)
    calibration = expert.calibration.without(positions)
    if len(memory) < len(expert.memory) and len(memory) >= FEWEST_ROWS:
        detector = trainer.fitted(memory, expert.number)
        expert = replace(expert, detector=detector, memory=memory)
    elif len(calibration) == len(expert.calibration):
        return expert
    birth = expert.birth.without(positions)
    expert = replace(expert, birth=birth if len(birth) else expert.birth)
    return expert.recalibrated(trainer, calibration if len(calibration) else expert.calibration)
