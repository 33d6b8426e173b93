"""What the shift crew sees and does, as rows of tables."""

from typing import Any

from sqlalchemy import Connection, and_, func, insert, select, update

from skdqm.service import _tables as tables
from skdqm.service._audit import logged, mark_rows
from skdqm.service._engine import Connected
from skdqm.service._errors import RequestError
from skdqm.service._turn import take_turn

ACKNOWLEDGE, WITHDRAW, MASK, UNMASK = "acknowledge", "withdraw", "mask", "unmask"
OF_ALARM = (
    "id",
    "model",
    "run",
    "first_lumisection",
    "last_lumisection",
    "first_time",
    "last_time",
    "n_flagged",
    "score",
    "threshold",
    "p_value",
    "culprit",
    "reason",
    "masked",
)
OF_POINT = (
    "key",
    "run",
    "lumisection",
    "time",
    "n",
    "n_flagged",
    "n_undecided",
    "score",
    "threshold",
)


class Shift:
    """Trend, alarms, masks and marks.

    Parameters
    ----------
    connected : callable
        Opens a transaction.
    """

    def __init__(self, connected: Connected) -> None:
        self._connected = connected

    def points(
        self, model: str, *, limit: int = 600, changed_since: float | None = None
    ) -> list[dict[str, Any]]:
        """Return the latest points of the trend, the oldest first."""
        c = tables.points.c
        asked = [c.model == model]
        asked += [] if changed_since is None else [c.changed >= changed_since]
        columns = [c[name] for name in OF_POINT]
        rows = select(*columns).where(*asked).order_by(c.changed.desc()).limit(limit)
        with self._connected() as connection:
            found = [dict(row) for row in connection.execute(rows).mappings()]
        return sorted(found, key=_order)

    def alarms(
        self,
        *,
        model: str | None = None,
        is_open: bool | None = None,
        limit: int = 100,
        changed_since: float | None = None,
    ) -> list[dict[str, Any]]:
        """Return alarms, those that went on last first."""
        c = tables.alarms.c
        asked: list[Any] = [] if model is None else [c.model == model]
        asked += [] if changed_since is None else [c.changed >= changed_since]
        asked += [] if is_open is None else [tables.IS_OPEN if is_open else ~tables.IS_OPEN]
        order = (c.last_time.desc(), c.id.desc())
        rows = select(*_alarm_columns()).where(*asked).order_by(*order).limit(limit)
        with self._connected() as connection:
            return [_alarm(row) for row in connection.execute(rows).mappings()]

    def n_open_alarms(self, model: str) -> int:
        """Return how many alarms are neither acknowledged nor masked."""
        count = select(func.count()).select_from(tables.alarms)
        asked = count.where(tables.alarms.c.model == model, tables.IS_OPEN)
        with self._connected() as connection:
            return int(connection.execute(asked).scalar_one())

    def alarm(self, number: int) -> dict[str, Any]:
        """Return an alarm."""
        with self._connected() as connection:
            return _alarm(_alarm_row(connection, number))

    def evidence(self, number: int) -> tuple[dict[str, Any], bytes]:
        """Return the run and the lumisection where an alarm is worst, and what shows it."""
        c = tables.alarms.c
        columns = (c.run, c.worst_lumisection, c.culprit, c.evidence)
        with self._connected() as connection:
            row = connection.execute(select(*columns).where(c.id == number)).mappings().first()
        if row is None:
            raise _no("alarm", number)
        return {name: row[name] for name in row if name != "evidence"}, bytes(row["evidence"])

    def acknowledge(self, number: int, *, actor: str, comment: str) -> dict[str, Any]:
        """Say that an alarm was seen."""
        values = {"acknowledged_by": actor, "acknowledged_comment": comment}
        return self._alarm_changed(number, values, actor, ACKNOWLEDGE, {"comment": comment})

    def withdraw(self, number: int, *, actor: str) -> dict[str, Any]:
        """Take an acknowledgement back."""
        names = ("acknowledged_by", "acknowledged_comment")
        return self._alarm_changed(number, dict.fromkeys(names), actor, WITHDRAW, {})

    def masks(
        self, model: str | None = None, changed_since: float | None = None
    ) -> list[dict[str, Any]]:
        """Return masks: those that hold, or what has changed of all."""
        c = tables.masks.c
        asked = [c.removed_at.is_(None)] if changed_since is None else [c.changed >= changed_since]
        asked += [] if model is None else [c.model == model]
        rows = select(tables.masks).where(*asked).order_by(c.id)
        with self._connected() as connection:
            return [_mask(row) for row in connection.execute(rows).mappings()]

    def mask(self, model: str, culprit: str, *, actor: str, comment: str) -> dict[str, Any]:
        """Let an element ring no more: alarms that are open now, and later ones."""
        c = tables.masks.c
        with self._connected() as connection:
            now = take_turn(connection)
            active = and_(c.model == model, c.culprit == culprit, c.removed_at.is_(None))
            known = connection.execute(select(tables.masks).where(active)).mappings().first()
            if known is not None:
                return _mask(known)
            values = {"model": model, "culprit": culprit, "comment": comment}
            made = insert(tables.masks).values(**values, by=actor, at=now, changed=now)
            number = connection.execute(made.returning(c.id)).scalar_one()
            alarm = tables.alarms.c
            rings = and_(alarm.model == model, alarm.culprit == culprit, tables.IS_OPEN)
            masked = update(tables.alarms).where(rings).values(masked=True, changed=now)
            connection.execute(masked)
            detail = {"culprit": culprit, "comment": comment}
            logged(connection, actor, MASK, model=model, version=None, detail=detail)
            return _mask(_mask_row(connection, number))

    def unmask(self, number: int, *, actor: str) -> dict[str, Any]:
        """Let later alarms of an element ring again."""
        c = tables.masks.c
        with self._connected() as connection:
            now = take_turn(connection)
            before = _mask_row(connection, number)
            if before["removed_at"] is None:
                values = {"removed_by": actor, "removed_at": now, "changed": now}
                connection.execute(update(tables.masks).where(c.id == number).values(**values))
                detail = {"culprit": before["culprit"]}
                logged(
                    connection, actor, UNMASK, model=before["model"], version=None, detail=detail
                )
            return _mask(_mask_row(connection, number))

    def marks(
        self, model: str, *, limit: int = 100, changed_since: float | None = None
    ) -> list[dict[str, Any]]:
        """Return what the trend marks, the oldest first."""
        with self._connected() as connection:
            return mark_rows(connection, model, limit=limit, changed_since=changed_since)

    def _alarm_changed(
        self, number: int, values: dict[str, Any], actor: str, action: str, detail: dict[str, Any]
    ) -> dict[str, Any]:
        c = tables.alarms.c
        with self._connected() as connection:
            now = take_turn(connection)
            at = now if action == ACKNOWLEDGE else None
            changed = update(tables.alarms).where(c.id == number)
            connection.execute(changed.values(**values, acknowledged_at=at, changed=now))
            row = _alarm_row(connection, number)
            detail = {"alarm": number, "culprit": row["culprit"], **detail}
            logged(
                connection,
                actor,
                action,
                model=row["model"],
                version=row["version"],
                detail=detail,
            )
            return _alarm(row)


def _order(point: dict[str, Any]) -> tuple[Any, ...]:
    """Put lumisections in their order, and slots of seconds in that of time."""
    if point["run"] is None:
        return (-1, 0, point["time"])
    return (point["run"], point["lumisection"], 0)


def _alarm_columns() -> list[Any]:
    names = (*OF_ALARM, "version", "acknowledged_by", "acknowledged_at", "acknowledged_comment")
    return [tables.alarms.c[name] for name in names]


def _alarm_row(connection: Connection, number: int) -> Any:
    rows = select(*_alarm_columns()).where(tables.alarms.c.id == number)
    row = connection.execute(rows).mappings().first()
    if row is None:
        raise _no("alarm", number)
    return row


def _alarm(row: Any) -> dict[str, Any]:
    at = row["acknowledged_at"]
    who = {"by": row["acknowledged_by"], "at": at, "comment": row["acknowledged_comment"]}
    return {**{name: row[name] for name in OF_ALARM}, "acknowledged": None if at is None else who}


def _mask_row(connection: Connection, number: int) -> Any:
    rows = select(tables.masks).where(tables.masks.c.id == number)
    row = connection.execute(rows).mappings().first()
    if row is None:
        raise _no("mask", number)
    return row


def _mask(row: Any) -> dict[str, Any]:
    kept = ("id", "model", "culprit", "comment", "by", "at")
    at = row["removed_at"]
    removed = None if at is None else {"by": row["removed_by"], "at": at}
    return {**{name: row[name] for name in kept}, "removed": removed}


def _no(what: str, number: int) -> RequestError:
    return RequestError(404, f"there is no {what} {number}")
