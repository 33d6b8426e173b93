"""The audit trail: who did what, when, and where the stream was then."""

import json
import time
from math import isfinite
from typing import Any

from sqlalchemy import Connection, insert, select

from skdqm.service import _tables as tables

# Who acts where no person does.
SERVICE = "service"
# What is done to a model; the trend marks it.
DRIFT, LOAD, ROLLBACK, THRESHOLD, UPDATE = "drift", "load", "rollback", "threshold", "update"
MARKED = (DRIFT, LOAD, ROLLBACK, THRESHOLD, UPDATE)


def logged(
    connection: Connection,
    actor: str,
    action: str,
    *,
    model: str | None,
    version: int | None,
    detail: dict[str, Any],
) -> None:
    """Add an entry, with the latest point of the model."""
    values = {
        "time": time.time(),
        "actor": actor,
        "action": action,
        "model": model,
        "version": version,
        "key": None if model is None else _latest_key(connection, model),
        "detail": json.dumps({name: _as_json(value) for name, value in detail.items()}),
    }
    connection.execute(insert(tables.audit).values(**values))


def audit_rows(
    connection: Connection, *, model: str | None = None, limit: int = 100
) -> list[dict[str, Any]]:
    """Return entries, the newest first."""
    c = tables.audit.c
    rows = select(c.id, c.time, c.actor, c.action, c.model, c.version, c.detail)
    rows = rows if model is None else rows.where(c.model == model)
    found = connection.execute(rows.order_by(c.id.desc()).limit(limit)).mappings()
    return [{**row, "detail": json.loads(row["detail"])} for row in found]


def mark_rows(
    connection: Connection, model: str, *, limit: int, changed_since: float | None
) -> list[dict[str, Any]]:
    """Return what the trend marks, the oldest first."""
    c = tables.audit.c
    asked = [c.model == model, c.action.in_(MARKED)]
    asked += [] if changed_since is None else [c.time >= changed_since]
    rows = select(tables.audit).where(*asked).order_by(c.id.desc()).limit(limit)
    return [_mark(row) for row in connection.execute(rows).mappings()][::-1]


def _mark(row: Any) -> dict[str, Any]:
    kept = ("id", "time", "action", "model", "key")
    return {**{name: row[name] for name in kept}, "text": _in_words(row)}


def _in_words(row: Any) -> str:
    detail = json.loads(row["detail"])
    by = "" if row["action"] == DRIFT else f" by {row['actor']}"
    words = {
        DRIFT: "the scores have changed",
        LOAD: f"version {row['version']} loaded from its file",
        ROLLBACK: f"back to version {row['version']}",
        THRESHOLD: _threshold_in_words(detail),
        UPDATE: _update_in_words(row["version"], detail),
    }[row["action"]]
    comment = f": {detail['comment']}" if detail.get("comment") else ""
    return f"{words}{by}{comment}"


def _update_in_words(version: int, detail: dict[str, Any]) -> str:
    flagged = f", {detail['n_flagged']:,} of them flagged before" if detail.get("n_flagged") else ""
    return f"version {version} has learned {detail.get('n_rows', 0):,} rows{flagged}"


def _threshold_in_words(detail: dict[str, Any]) -> str:
    before, after = detail.get("threshold_before"), detail.get("threshold")
    if before is None or after is None:
        return "threshold changed"
    return f"threshold from {before:.4g} to {after:.4g}"


def _as_json(value: Any) -> Any:
    """Return a value, or None in place of a number that JSON has not."""
    return None if isinstance(value, float) and not isfinite(value) else value


def _latest_key(connection: Connection, model: str) -> str | None:
    c = tables.points.c
    latest = select(c.key).where(c.model == model).order_by(c.changed.desc()).limit(1)
    found: str | None = connection.execute(latest).scalar()
    return found
