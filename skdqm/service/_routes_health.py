"""Whether the service lives, and what Prometheus reads."""

from typing import Any

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from skdqm.service._access import Actor, ServiceOf
from skdqm.service._metrics import MEDIA_TYPE
from skdqm.service._routes_score import ERRORS
from skdqm.service._schemas import Health

router = APIRouter(tags=["health"])


@router.get("/health", response_model=Health)
async def health() -> Any:
    """Tell that the service answers."""
    return {"status": "ok"}


@router.get("/health/live", response_model=Health)
async def live() -> Any:
    """Tell that the process lives."""
    return {"status": "alive"}


@router.get("/health/ready", response_model=Health, responses={503: ERRORS[503]})
def ready(service: ServiceOf) -> Any:
    """Tell whether models and storage answer."""
    service.storage.ping()
    for hosted in service.models.values():
        _ = hosted.current
    return {"status": "ready"}


@router.get(
    "/metrics", response_class=Response, responses={**ERRORS, 200: {"content": {MEDIA_TYPE: {}}}}
)
async def metrics(service: ServiceOf, actor: Actor) -> Response:
    """Tell counts and gauges to Prometheus."""
    return Response(await run_in_threadpool(service.metrics.text), media_type=MEDIA_TYPE)
