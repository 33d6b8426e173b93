"""Where verdicts, alarms, acknowledgements and versions of models are kept."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, and_, select, text
from sqlalchemy.exc import SQLAlchemyError

from skdqm.service import _tables as tables
from skdqm.service._alarms import write_alarms
from skdqm.service._audit import audit_rows, logged
from skdqm.service._engine import check, engine_of, reason_of, upgrade
from skdqm.service._judgement import Judgement
from skdqm.service._record import (
    first_numbers,
    write_histograms,
    write_points,
    write_verdicts,
)
from skdqm.service._retention import Retention
from skdqm.service._shift import Shift
from skdqm.service._turn import take_turn
from skdqm.service._versions import Versions
from skdqm.service._writer import StorageError, Writer


class Storage:
    """A data base behind a service; several processes may use one.

    Parameters
    ----------
    url : str
        As SQLAlchemy takes it: ``sqlite:///FILE`` or ``postgresql+psycopg://...``.
    keep : int, default=1_000_000
        Latest verdicts on good rows that are kept; flagged ones are kept for ever.

    Raises
    ------
    UsageError
        When the URL is none.
    """

    def __init__(self, url: str, *, keep: int = 1_000_000) -> None:
        self._engine = engine_of(url)
        self._keep, self._retention = keep, Retention(keep)
        self._writer = Writer(self._engine, self._write)
        self.versions = Versions(self.connected)
        self.shift = Shift(self.connected)

    def upgrade(self) -> None:
        """Make the tables, or bring them to the newest form."""
        upgrade(self._engine)

    def open(self) -> None:
        """Refuse tables that are not of the newest form."""
        check(self._engine)

    def close(self) -> None:
        """Let go of the data base."""
        self._engine.dispose()

    def ping(self) -> None:
        """Raise an error if the data base does not answer."""
        with self.connected() as connection:
            connection.execute(text("SELECT 1"))

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """Open a transaction; what the data base says is an answer to the client."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise StorageError(reason_of(error)) from error

    def record(self, judgement: Judgement) -> int:
        """Keep verdicts, and return the number of the first one, when they are safe."""
        return self._writer.record(judgement)

    def verdicts(
        self,
        model: str,
        *,
        run: int | None = None,
        flagged: bool | None = None,
        after_id: int = 0,
        limit: int = 1000,
    ) -> list[dict[str, Any]]:
        """Return verdicts in the order of their numbers."""
        c = tables.verdicts.c
        asked: list[Any] = [c.model == model, c.id > after_id]
        asked += [] if run is None else [c.run == run]
        # As a literal: only so is the index of flagged ones used.
        asked += [] if flagged is None else [text("verdict = -1" if flagged else "verdict <> -1")]
        rows = select(tables.verdicts).where(and_(*asked)).order_by(c.id).limit(limit)
        with self.connected() as connection:
            return [dict(row) for row in connection.execute(rows).mappings()]

    def log(
        self,
        actor: str,
        action: str,
        model: str | None,
        version: int | None,
        detail: dict[str, Any],
    ) -> None:
        """Add to the audit trail."""
        with self.connected() as connection:
            take_turn(connection)
            logged(connection, actor, action, model=model, version=version, detail=detail)

    def audit(self, *, model: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
        """Return who did what, the newest first."""
        with self.connected() as connection:
            return audit_rows(connection, model=model, limit=limit)

    def recent_histograms(
        self, model: str, run: int, before_lumisection: int, n: int
    ) -> list[tuple[int, bytes]]:
        """Return the packed counts of the last lumisections of a run before one, in their order."""
        c = tables.histograms.c
        asked = [c.model == model, c.run == run, c.lumisection < before_lumisection]
        rows = select(c.lumisection, c.counts).where(*asked).order_by(c.lumisection.desc()).limit(n)
        with self.connected() as connection:
            found = [(int(number), bytes(counts)) for number, counts in connection.execute(rows)]
        return found[::-1]

    def _write(self, connection: Connection, judgements: Sequence[Judgement]) -> list[int]:
        firsts = first_numbers(connection, judgements)
        # Only now, with the turn: what others look for is what changed since their last look.
        now = time.time()
        write_verdicts(connection, judgements, firsts, keeps_good=self._keep > 0)
        write_points(connection, judgements, now)
        write_histograms(connection, judgements)
        write_alarms(connection, judgements, now)
        self._retention.forget(connection, judgements, firsts[-1] + len(judgements[-1]) - 1)
        return firsts
