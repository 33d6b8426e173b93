"""Models: what they take, what they have become, and how they change."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from starlette.concurrency import run_in_threadpool

from skdqm.service._access import Actor, Body, Changer, OfModel, ServiceOf
from skdqm.service._decode import decoded
from skdqm.service._hosted import HostedModel, Version
from skdqm.service._routes_score import BINARY, ERRORS, TAKEN
from skdqm.service._schemas import (
    Changed,
    Identifier,
    ModelDetails,
    ModelFacts,
    Name,
    RollbackBody,
    ThresholdBody,
)
from skdqm.service._service import Service

router = APIRouter(tags=["models"])
NamePath = Annotated[Name, Path()]
VersionPath = Annotated[Identifier, Path()]
MODEL_FILE = "application/octet-stream"
CHANGES = {
    **ERRORS,
    403: {"description": "Models are not changed here."},
    409: {"description": "The model cannot do that, or has changed in between."},
}


@router.get("/v1/models", response_model=list[ModelFacts], responses=ERRORS)
def models(service: ServiceOf, actor: Actor) -> Any:
    """List the models: the first one is the default."""
    return [facts_of(service, hosted) for hosted in service.models.values()]


@router.get("/v1/models/{name}", response_model=ModelDetails, responses=ERRORS)
def model(service: ServiceOf, actor: Actor, name: NamePath) -> Any:
    """Tell all about a model."""
    return details_of(service, service.model(name))


@router.get(
    "/v1/models/{name}/versions/{version}",
    response_class=Response,
    responses={**ERRORS, 200: {"content": {MODEL_FILE: BINARY}}},
)
def model_file(service: ServiceOf, actor: Actor, name: NamePath, version: VersionPath) -> Response:
    """Return the model file of a version, for the command line and for the archive."""
    content = service.storage.versions.content(service.model(name).name, version)
    names = {"content-disposition": f'attachment; filename="{name}-{version}.skdqm"'}
    return Response(content, media_type=MODEL_FILE, headers=names)


@router.post("/v1/update", response_model=Changed, responses=CHANGES, openapi_extra=TAKEN)
async def update_default(
    service: ServiceOf, actor: Changer, body: Body, model: OfModel = None
) -> Any:
    """Let the default model, or one that is named, learn good rows."""
    return await _updated(service, service.model(model), body, actor)


@router.post(
    "/v1/models/{name}/update", response_model=Changed, responses=CHANGES, openapi_extra=TAKEN
)
async def update(service: ServiceOf, actor: Changer, body: Body, name: NamePath) -> Any:
    """Let a model learn good rows; a calibrated one keeps its alarm rate."""
    return await _updated(service, service.model(name), body, actor)


@router.post("/v1/models/{name}/threshold", response_model=Changed, responses=CHANGES)
def threshold(service: ServiceOf, actor: Changer, name: NamePath, asked: ThresholdBody) -> Any:
    """Promise another alarm rate, or without a promise flag scores above another number."""
    hosted = service.model(name)
    return _changed(hosted, hosted.set_threshold(asked.asked(), actor, asked.comment))


@router.post("/v1/models/{name}/rollback", response_model=Changed, responses=CHANGES)
def roll_back(service: ServiceOf, actor: Changer, name: NamePath, asked: RollbackBody) -> Any:
    """Let an earlier version judge again."""
    hosted = service.model(name)
    return _changed(hosted, hosted.roll_back(asked.version, actor, asked.comment))


def facts_of(service: Service, hosted: HostedModel) -> dict[str, Any]:
    """Return what a model takes and promises."""
    current = hosted.current
    facts = {**current.model.facts(), "version": current.number}
    return {**facts, "is_default": hosted is service.default}


def details_of(service: Service, hosted: HostedModel) -> dict[str, Any]:
    """Return the same, and the versions."""
    return {**facts_of(service, hosted), "versions": service.storage.versions.of(hosted.name)}


async def _updated(
    service: Service, hosted: HostedModel, body: tuple[bytes, str], actor: str
) -> dict[str, Any]:
    def update() -> dict[str, Any]:
        rows = decoded(*body, hosted.current.model.expected, service.limits)
        return _changed(hosted, hosted.update(rows, actor))

    return await run_in_threadpool(update)


def _changed(hosted: HostedModel, version: Version) -> dict[str, Any]:
    threshold = version.model.threshold
    return {"model": hosted.name, "version": version.number, "threshold": threshold}
