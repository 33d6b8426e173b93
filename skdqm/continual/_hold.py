"""What is held while something looks wrong, and the question that it asks a shifter."""

from dataclasses import dataclass

from skdqm.continual._rows import Floats, Rows

# How a ticket stands.
OPEN = "open"
DISCARDED = "discarded"
SWITCHED = "switched"
RELEASED = "released"
BENIGN = "benign"
FAULT = "fault"
# Those on which a shifter may still decide.
UNDECIDED = (OPEN, RELEASED)


@dataclass(frozen=True)
class Ticket:
    """One question, instead of an alarm for every row.

    Attributes
    ----------
    number : int
        From 1.
    state : {"open", "discarded", "switched", "released", "benign", "fault"}
        ``"open"``: rows are held. ``"discarded"``: they fitted again, it was a fault.
        ``"switched"``: an expert for another condition knew them. ``"released"``: they were
        learned as a new condition, provisionally. ``"benign"``, ``"fault"``: a shifter decided.
    first_row, last_row : int
        Where the change began, and the last row so far.
    version : int
        The last version before.
    expert : int
        Number of the expert that came of it, 0 if none did.
    """

    number: int
    state: str
    first_row: int
    last_row: int
    version: int
    expert: int = 0


@dataclass(frozen=True)
class Hold:
    """Rows that are held.

    Attributes
    ----------
    ticket : int
        Number of the ticket.
    rows : Rows
        What is held, in the order of time.
    normal_scores : ndarray of shape (n_recent,)
        Of the latest rows, by all experts together.
    n_rows : int
        Rows since the change began, those no longer kept among them.
    patience : int
        Rows after which it is released.
    is_fault : bool
        Whether a shifter, or an expert for a known fault, calls it one: it is never released.
    condition : str
        The tag that the rows were given: it is new, and benign.
    """

    ticket: int
    rows: Rows
    normal_scores: Floats
    n_rows: int
    patience: int
    is_fault: bool = False
    condition: str = ""
