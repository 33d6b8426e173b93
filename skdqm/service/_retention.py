"""What is too old is deleted, some of it now and then, so that nobody waits for it."""

from collections.abc import Sequence

from sqlalchemy import Connection, Table, delete, select, update

from skdqm.service import _tables as tables
from skdqm.service._judgement import Judgement
from skdqm.service._record import FLAGGED

# Between two times that this is looked at, and old ones that may go then.
NEW_VERDICTS, OLD_VERDICTS = 2_000, 20_000
# Of each model, the latest ones.
MOST_POINTS, MOST_HISTOGRAMS = 50_000, 5_000


class Retention:
    """Keeps the latest verdicts, points and histograms.

    Parameters
    ----------
    keep : int
        Latest verdicts that are kept. Flagged ones are kept for ever.
    """

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._n_new = NEW_VERDICTS
        self._models: set[str] = set()

    def forget(self, connection: Connection, judgements: Sequence[Judgement], last: int) -> None:
        """Delete, if there was enough that is new.

        Parameters
        ----------
        connection : Connection
            With the turn to write.
        judgements : sequence of Judgement
            What is new.
        last : int
            The number of the latest verdict.
        """
        self._n_new += sum(len(judgement) for judgement in judgements)
        self._models |= {judgement.model for judgement in judgements}
        if self._n_new < NEW_VERDICTS:
            return
        # Never less than what came, or there would be more and more.
        _forget_verdicts(connection, last - self._keep, max(OLD_VERDICTS, 2 * self._n_new))
        for model in self._models:
            _forget_rows(connection, tables.points, "changed", model, MOST_POINTS)
            _forget_rows(connection, tables.histograms, "time", model, MOST_HISTOGRAMS)
        self._n_new, self._models = 0, set()


def _forget_verdicts(connection: Connection, end: int, most: int) -> None:
    """Delete verdicts on good rows before a number, and remember how far that went."""
    forgotten = tables.counters.c.name == tables.FORGOTTEN
    first = connection.execute(select(tables.counters.c.value).where(forgotten)).scalar_one()
    end = min(end, first + most)
    if end > first:
        c = tables.verdicts.c
        old = (c.id >= first, c.id < end, c.verdict != FLAGGED)
        connection.execute(delete(tables.verdicts).where(*old))
        connection.execute(update(tables.counters).where(forgotten).values(value=end))


def _forget_rows(connection: Connection, table: Table, age: str, model: str, most: int) -> None:
    """Delete rows of a model that are older than the latest ones."""
    c = table.c
    newest_first = select(c[age]).where(c.model == model).order_by(c[age].desc())
    oldest = connection.execute(newest_first.offset(most).limit(1)).scalar()
    if oldest is not None:
        # Rows of one request are of one age: they go together, or stay.
        connection.execute(delete(table).where(c.model == model, c[age] < oldest))
