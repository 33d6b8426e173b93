"""What the shift crew sees and does: alarms, masks, the audit trail, the live stream."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from skdqm.service._access import Actor, OfModel, ServiceOf
from skdqm.service._evidence import evidence_of
from skdqm.service._routes_models import details_of
from skdqm.service._routes_score import ERRORS
from skdqm.service._rows import LARGEST
from skdqm.service._schemas import (
    Alarm,
    AuditEntry,
    CommentBody,
    Evidence,
    Identifier,
    Mask,
    MaskBody,
    StoredVerdict,
)
from skdqm.service._service import Service

router = APIRouter(tags=["shift"])

SECONDS = 0.5
# How far back changes are looked for once more: clocks of several workers, and commits under way.
OVERLAP = 5.0
Number = Annotated[Identifier, Path()]
Limit = Annotated[int, Query(ge=1, le=10_000)]
Run = Annotated[int | None, Query(ge=0, le=LARGEST)]


async def streamed(service: ServiceOf, model: OfModel = None) -> AsyncIterator[str]:
    """Return the model of a stream, which is counted while it is open."""
    name = service.model(model).name
    with service.streams.one_more():
        yield name


Streamed = Annotated[str, Depends(streamed)]


@router.get("/v1/alarms", response_model=list[Alarm], responses=ERRORS)
def alarms(
    service: ServiceOf,
    actor: Actor,
    model: OfModel = None,
    is_open: Annotated[bool | None, Query(alias="open")] = None,
    limit: Limit = 100,
) -> Any:
    """List alarms, the newest first; open ones are neither acknowledged nor masked."""
    return service.storage.shift.alarms(model=model, is_open=is_open, limit=limit)


@router.get("/v1/alarms/{id}", response_model=Alarm, responses=ERRORS)
def alarm(service: ServiceOf, actor: Actor, id: Number) -> Any:  # noqa: A002
    """Tell about an alarm."""
    return service.storage.shift.alarm(id)


@router.get("/v1/alarms/{id}/evidence", response_model=Evidence, responses=ERRORS)
def evidence(service: ServiceOf, actor: Actor, id: Number) -> Any:  # noqa: A002
    """Draw the worst histogram of an alarm beside its expectation, or list features."""
    return evidence_of(*service.storage.shift.evidence(id))


@router.post("/v1/alarms/{id}/acknowledge", response_model=Alarm, responses=ERRORS)
def acknowledge(service: ServiceOf, actor: Actor, id: Number, asked: CommentBody) -> Any:  # noqa: A002
    """Say that an alarm was seen."""
    return service.storage.shift.acknowledge(id, actor=actor, comment=asked.comment)


@router.delete("/v1/alarms/{id}/acknowledge", response_model=Alarm, responses=ERRORS)
def withdraw(service: ServiceOf, actor: Actor, id: Number) -> Any:  # noqa: A002
    """Take an acknowledgement back."""
    return service.storage.shift.withdraw(id, actor=actor)


@router.get("/v1/masks", response_model=list[Mask], responses=ERRORS)
def masks(service: ServiceOf, actor: Actor, model: OfModel = None) -> Any:
    """List what does not ring."""
    return service.storage.shift.masks(model)


@router.post("/v1/masks", response_model=Mask, responses=ERRORS)
def mask(service: ServiceOf, actor: Actor, asked: MaskBody) -> Any:
    """Let an element or feature ring no more; its alarms are kept."""
    name = service.model(asked.model).name
    return service.storage.shift.mask(name, asked.culprit, actor=actor, comment=asked.comment)


@router.delete("/v1/masks/{id}", response_model=Mask, responses=ERRORS)
def unmask(service: ServiceOf, actor: Actor, id: Number) -> Any:  # noqa: A002
    """Let it ring again."""
    return service.storage.shift.unmask(id, actor=actor)


@router.get("/v1/audit", response_model=list[AuditEntry], responses=ERRORS)
def audit(service: ServiceOf, actor: Actor, model: OfModel = None, limit: Limit = 100) -> Any:
    """List who did what, the newest first."""
    return service.storage.audit(model=model, limit=limit)


@router.get("/v1/verdicts", response_model=list[StoredVerdict], responses=ERRORS)
def verdicts(
    service: ServiceOf,
    actor: Actor,
    *,
    model: OfModel = None,
    run: Run = None,
    flagged: bool | None = None,
    after_id: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
    limit: Limit = 1000,
) -> Any:
    """List verdicts in their order, from the one behind `after_id` on."""
    name = service.model(model).name
    return service.storage.verdicts(name, run=run, flagged=flagged, after_id=after_id, limit=limit)


@router.get("/v1/stream", response_class=EventSourceResponse, responses=ERRORS)
async def stream(
    service: ServiceOf, actor: Actor, name: Streamed
) -> AsyncIterator[ServerSentEvent]:
    """Tell how things are, and from then on what is new: server-sent events."""
    since = time.time()
    snapshot = await run_in_threadpool(_snapshot, service, name)
    yield ServerSentEvent(event="snapshot", data=snapshot)
    sent = Sent(snapshot)
    while not service.is_ending:
        await asyncio.sleep(SECONDS)
        changes, since = await run_in_threadpool(_changes, service, name, since), time.time()
        for event, rows in changes:
            new = sent.new(event, rows)
            if new:
                yield ServerSentEvent(event=event, data=new)


class Sent:
    """Remembers what a page has been told, as long as it may be found again.

    Parameters
    ----------
    snapshot : dict
        What it has been told first.
    """

    def __init__(self, snapshot: dict[str, Any]) -> None:
        self._last: dict[str, list[dict[str, Any]]] = {
            event: snapshot[event] for event in ("points", "alarms", "marks", "masks")
        }

    def new(self, event: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the rows that were not among those of the last time."""
        before = self._last[event]
        self._last[event] = rows
        return [row for row in rows if row not in before]


def _snapshot(service: Service, name: str) -> dict[str, Any]:
    shift = service.storage.shift
    return {
        "model": details_of(service, service.model(name)),
        "points": shift.points(name),
        "alarms": shift.alarms(model=name),
        "marks": shift.marks(name),
        "masks": shift.masks(name),
    }


def _changes(service: Service, name: str, since: float) -> list[tuple[str, list[dict[str, Any]]]]:
    shift, since = service.storage.shift, since - OVERLAP
    return [
        ("points", shift.points(name, changed_since=since)),
        ("alarms", shift.alarms(model=name, changed_since=since)),
        ("marks", shift.marks(name, changed_since=since)),
        ("masks", shift.masks(name, changed_since=since)),
    ]
