"""Versions of models: their content is kept, so that workers and restarts agree."""

import time
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from skdqm.service import _tables as tables
from skdqm.service._audit import LOAD, ROLLBACK, SERVICE, logged
from skdqm.service._engine import Connected
from skdqm.service._errors import RequestError
from skdqm.service._turn import take_turn


class ConflictError(RequestError):
    """Somebody else has changed the model in between.

    Parameters
    ----------
    model : str
        Its name.
    """

    def __init__(self, model: str) -> None:
        super().__init__(
            409, f"the model {model!r} was changed by somebody else; look and try again"
        )


class Versions:
    """The versions of all models.

    Parameters
    ----------
    connected : callable
        Opens a transaction.
    """

    def __init__(self, connected: Connected) -> None:
        self._connected = connected

    def register(self, model: str, content: bytes, threshold: float | None) -> int:
        """Return the version to go on with: that of the file, or what it has become since."""
        digest = sha256(content).hexdigest()
        with self._connected() as connection:
            take_turn(connection)
            active = _active(connection, model)
            if active is not None and active.file_sha256 == digest:
                return int(active.version)
            number = _added(connection, model, content, threshold, actor=SERVICE, action=LOAD)
            _activate(connection, model, number, digest, is_new=active is None)
            logged(
                connection,
                SERVICE,
                LOAD,
                model=model,
                version=number,
                detail={"sha256": digest},
            )
            return number

    def add(
        self,
        model: str,
        content: bytes,
        threshold: float | None,
        *,
        actor: str,
        action: str,
        detail: dict[str, Any],
        expected: int,
    ) -> int:
        """Keep a new version, which judges from now on; refuse it if another one does already."""
        with self._connected() as connection:
            active = _expected(connection, model, expected)
            number = _added(connection, model, content, threshold, actor=actor, action=action)
            _activate(connection, model, number, active.file_sha256, is_new=False)
            logged(connection, actor, action, model=model, version=number, detail=detail)
            return number

    def activate(
        self, model: str, number: int, *, actor: str, detail: dict[str, Any], expected: int
    ) -> None:
        """Let an earlier version judge again."""
        with self._connected() as connection:
            active = _expected(connection, model, expected)
            c = tables.model_versions.c
            known = select(c.version).where(c.model == model, c.version == number)
            if number > _LARGEST or connection.execute(known).first() is None:
                raise RequestError(404, f"the model {model!r} has no version {number}")
            _activate(connection, model, number, active.file_sha256, is_new=False)
            logged(connection, actor, ROLLBACK, model=model, version=number, detail=detail)

    def active(self, models: Sequence[str]) -> dict[str, int]:
        """Return which versions judge."""
        c = tables.active_versions.c
        rows = select(c.model, c.version).where(c.model.in_(models))
        with self._connected() as connection:
            return {model: int(version) for model, version in connection.execute(rows)}

    def content(self, model: str, number: int) -> bytes:
        """Return a model file."""
        c = tables.model_versions.c
        row = select(c.content).where(c.model == model, c.version == number)
        with self._connected() as connection:
            found = None if number > _LARGEST else connection.execute(row).scalar()
        if found is None:
            raise RequestError(404, f"the model {model!r} has no version {number}")
        return bytes(found)

    def of(self, model: str) -> list[dict[str, Any]]:
        """Return how the versions came to be, the oldest first."""
        c = tables.model_versions.c
        columns = (c.version, c.time, c.actor, c.action, c.threshold, c.sha256)
        rows = select(*columns).where(c.model == model).order_by(c.version)
        with self._connected() as connection:
            return [dict(row) for row in connection.execute(rows).mappings()]


_LARGEST = 2**31 - 1


def _expected(connection: Connection, model: str, expected: int) -> Any:
    """Return the active version, if it is the one that somebody looked at."""
    take_turn(connection)
    active = _active(connection, model)
    if active is None or active.version != expected:
        raise ConflictError(model)
    return active


def _active(connection: Connection, model: str) -> Any:
    active = tables.active_versions
    return connection.execute(select(active).where(active.c.model == model)).first()


def _activate(
    connection: Connection, model: str, number: int, digest: str, *, is_new: bool
) -> None:
    active = tables.active_versions
    values = {"version": number, "file_sha256": digest}
    if is_new:
        connection.execute(insert(active).values(model=model, **values))
    else:
        connection.execute(update(active).where(active.c.model == model).values(**values))


def _added(
    connection: Connection,
    model: str,
    content: bytes,
    threshold: float | None,
    *,
    actor: str,
    action: str,
) -> int:
    c = tables.model_versions.c
    last = connection.execute(select(func.max(c.version)).where(c.model == model)).scalar()
    number: int = (last or 0) + 1
    values = {
        "model": model,
        "version": number,
        "time": time.time(),
        "actor": actor,
        "action": action,
        "sha256": sha256(content).hexdigest(),
        "threshold": threshold,
        "content": content,
    }
    connection.execute(insert(tables.model_versions).values(**values))
    return number
