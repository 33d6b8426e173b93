"""What is written down of a stream: decisions, tickets, and models to go back to."""

from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from skdqm.continual import _hold as states
from skdqm.continual._hold import Ticket
from skdqm.continual._pool import Pool
from skdqm.continual._rows import Integers, Rows

# Decisions, tickets and versions that are remembered.
MOST_EVENTS, MOST_TICKETS, MOST_VERSIONS = 10_000, 200, 10


@dataclass
class Journal:
    """Decisions, tickets and versions; lists are replaced and never changed in place."""

    n_events: int = 0
    n_tickets: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)
    tickets: list[Ticket] = field(default_factory=list)
    versions: dict[int, Pool] = field(default_factory=dict)

    def write(self, event: str, rows: Rows, reason: str, **about: Any) -> None:
        """Write a decision down."""
        entry = {"number": self.n_events, "event": event, **about, "reason": reason, **rows.span()}
        self.n_events += 1
        self.events = [*self.events, entry][-MOST_EVENTS:]

    def open_ticket(self, rows: Rows, version: int, at_row: int) -> int:
        """Ask about rows, or those to come, and return the number of the ticket."""
        self.n_tickets += 1
        ends = (rows.positions[0], rows.positions[-1]) if len(rows) else (at_row, at_row)
        ends = int(ends[0]), int(ends[1])
        ticket = Ticket(self.n_tickets, states.OPEN, *ends, version)
        self.tickets = [*self.tickets, ticket][-MOST_TICKETS:]
        return self.n_tickets

    def note(self, number: int, **changes: Any) -> None:
        """Change what a ticket says."""
        self.tickets = [
            replace(ticket, **changes) if ticket.number == number else ticket
            for ticket in self.tickets
        ]

    def close(self, number: int, state: str, expert: int = 0) -> None:
        """Say how a hold has ended, unless a shifter has said what it was."""
        for ticket in self.tickets:
            if ticket.number == number and ticket.state == states.OPEN:
                self.note(number, state=state, expert=expert)

    def keep(self, version: int, pool: Pool) -> None:
        """Keep a version; old ones are let go, unless a ticket may go back to them."""
        versions = {**self.versions, version: pool}
        asked = {ticket.version for ticket in self.tickets if ticket.state in states.UNDECIDED}
        kept = {*sorted(versions)[-MOST_VERSIONS:], *sorted(asked)[-MOST_VERSIONS:]}
        self.versions = {number: pool for number, pool in versions.items() if number in kept}

    def let_go_of(self, positions: Integers, version: int) -> None:
        """Let versions go that have learned some rows; open tickets go back to another then."""
        learned = {
            number
            for number, pool in self.versions.items()
            if any(np.isin(rows.positions, positions).any() for rows in pool.kept_rows())
        }
        self.versions = {n: pool for n, pool in self.versions.items() if n not in learned}
        for ticket in self.tickets:
            if ticket.state == states.OPEN and ticket.version in learned:
                self.note(ticket.number, version=version)

    def copied(self) -> "Journal":
        """Return a copy that can go on by itself."""
        return copy(self)
