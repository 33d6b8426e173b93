"""Group commits: whoever has the turn writes what waits, in one transaction for all."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Lock

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from skdqm.service._engine import reason_of
from skdqm.service._errors import RequestError
from skdqm.service._judgement import Judgement

logger = logging.getLogger(__name__)

# Rows of one transaction, about.
MOST_ROWS = 50_000
Waiting = tuple[Judgement, "Future[int]"]
Write = Callable[[Connection, Sequence[Judgement]], list[int]]


class StorageError(RequestError):
    """The storage does not answer.

    Parameters
    ----------
    reason : str
        What it says.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(503, f"the storage does not answer: {reason}; try again")


class Writer:
    """Writes judgements, in the threads of those who bring them.

    While one commits, others wait for their turn; the next one writes for all of them. Alone, a
    judgement is written at once, without a thread in between.

    Parameters
    ----------
    engine : Engine
        Connects to the data base.
    write : callable
        Writes some judgements over a connection, and returns the number of the first verdict of
        each.
    """

    def __init__(self, engine: Engine, write: Write) -> None:
        self._engine, self._write = engine, write
        self._waiting: deque[Waiting] = deque()
        self._turn = Lock()

    def record(self, judgement: Judgement) -> int:
        """Return the number of the first verdict, as soon as they are committed."""
        future: Future[int] = Future()
        self._waiting.append((judgement, future))
        with self._turn:
            # Somebody else may have written it by now.
            while not future.done():
                self._write_group(self._group())
        return future.result()

    def _group(self) -> list[Waiting]:
        group, n_rows = [], 0
        while self._waiting and n_rows < MOST_ROWS:
            group.append(self._waiting.popleft())
            n_rows += len(group[-1][0])
        return group

    def _write_group(self, group: list[Waiting]) -> None:
        try:
            with self._engine.begin() as connection:
                numbers = self._write(connection, [judgement for judgement, _ in group])
        except Exception as error:
            self._answer_failure(group, error)
        else:
            for (_, future), number in zip(group, numbers, strict=True):
                future.set_result(number)

    def _answer_failure(self, group: list[Waiting], error: Exception) -> None:
        # Locked, full or away: each of them would wait for the same.
        is_down = isinstance(error, OperationalError | PoolTimeoutError)
        if len(group) > 1 and not is_down:  # one bad judgement must not fail the others
            for each in group:
                self._write_group([each])
            return
        if not isinstance(error, SQLAlchemyError):
            logger.error("a judgement could not be written", exc_info=error)
        for _, future in group:
            future.set_exception(StorageError(reason_of(error)))
