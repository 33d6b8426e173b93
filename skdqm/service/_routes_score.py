"""Verdicts: events or lumisections in, scores out."""

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Path, Request, Response
from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool

from skdqm.service._access import Actor, Body, OfModel, ServiceOf
from skdqm.service._decode import ARROW, CSV, JSON, NPY, Rows, decoded, encoded
from skdqm.service._errors import RequestError
from skdqm.service._hosted import HostedModel
from skdqm.service._judgement import Floats, Judgement
from skdqm.service._rows import LARGEST
from skdqm.service._schemas import Name, ScoreOut, SingleScore
from skdqm.service._service import Service

router = APIRouter(tags=["verdicts"])

BINARY = {"schema": {"type": "string", "format": "binary"}}
NUMBERS = {"type": "array", "items": {"type": "number"}}
NAMED = {"type": "object", "additionalProperties": {"type": "number"}}
FEATURES = {"oneOf": [NUMBERS, NAMED]}
WHOLE = {"type": "integer", "minimum": 0, "maximum": LARGEST}
PLACE = {"run": WHOLE, "lumisection": WHOLE}
LUMISECTION = {
    "type": "object",
    "required": ["run", "lumisection", "histograms"],
    "additionalProperties": False,
    "properties": {**PLACE, "histograms": {"type": "object"}},
}


def _object(name: str, content: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": [name],
        "additionalProperties": False,
        "properties": {name: content, **others},
    }


ROWS = {
    "oneOf": [
        _object("features", FEATURES, **PLACE),
        _object("events", {"type": "array", "minItems": 1, "items": FEATURES}, **PLACE),
        _object("lumisections", {"type": "array", "minItems": 1, "items": LUMISECTION}),
    ]
}
TAKEN = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {"schema": ROWS},
            CSV: {"schema": {"type": "string"}},
            ARROW: BINARY,
            NPY: BINARY,
        },
    }
}
TAKEN_BY_ONE = {
    "requestBody": {
        "required": True,
        "content": {JSON: {"schema": _object("features", FEATURES)}},
    }
}
ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"description": "The request is no request."},
    401: {"description": "A token is needed."},
    404: {"description": "There is no such thing."},
    408: {"description": "The request was too slow."},
    413: {"description": "Too many rows or bytes."},
    415: {"description": "A content type that is not taken."},
    422: {"description": "A field is wrong; detail names it."},
    429: {"description": "Too many wrong tokens."},
    503: {"description": "The storage does not answer; try again."},
}
IN_ARROW: dict[int | str, dict[str, Any]] = {200: {"content": {ARROW: BINARY}}}


@router.post(
    "/v1/score", response_model=ScoreOut, responses={**ERRORS, **IN_ARROW}, openapi_extra=TAKEN
)
async def score_by_default(
    request: Request, service: ServiceOf, actor: Actor, body: Body, model: OfModel = None
) -> Response:
    """Judge events or lumisections by the default model, or by one that is named."""
    return await _scored(request, service, service.model(model), body)


@router.post(
    "/v1/models/{name}/score",
    response_model=ScoreOut,
    responses={**ERRORS, **IN_ARROW},
    openapi_extra=TAKEN,
)
async def score(
    request: Request, service: ServiceOf, actor: Actor, body: Body, name: Annotated[Name, Path()]
) -> Response:
    """Judge events or lumisections."""
    return await _scored(request, service, service.model(name), body)


@router.post("/score", response_model=SingleScore, responses=ERRORS, openapi_extra=TAKEN_BY_ONE)
async def score_one(service: ServiceOf, actor: Actor, body: Body) -> Response:
    """Judge one event by the default model: ``{"features": [...]}``."""
    hosted = service.default

    def judge() -> bytes:
        rows = _rows(service, hosted, body)
        if len(rows.numbers) > 1:
            message = f"found {len(rows.numbers)} events, expected one; send many to /v1/score"
            raise RequestError(422, message)
        judgement, _ = _judged(service, hosted, rows)
        flag = bool(judgement.verdicts[0] == -1)
        return to_json({"anomaly_score": _listed(judgement.scores)[0], "is_anomaly": flag})

    return Response(await run_in_threadpool(judge), media_type=JSON)


async def _scored(
    request: Request, service: Service, hosted: HostedModel, body: tuple[bytes, str]
) -> Response:
    in_arrow = _wants_arrow(request, body[1])

    def judge() -> bytes:
        judgement, first = _judged(service, hosted, _rows(service, hosted, body))
        return _in_arrow(judgement) if in_arrow else _in_json(judgement, first)

    content = await run_in_threadpool(judge)
    return Response(content, media_type=ARROW if in_arrow else JSON)


def _rows(service: Service, hosted: HostedModel, body: tuple[bytes, str]) -> Rows:
    return decoded(*body, hosted.current.model.expected, service.limits)


def _judged(service: Service, hosted: HostedModel, rows: Rows) -> tuple[Judgement, int]:
    judgement, first = hosted.judge(rows)
    service.metrics.judged(judgement)
    return judgement, first


def _wants_arrow(request: Request, content_type: str) -> bool:
    """Answer as was asked, in Arrow where the question was binary."""
    accepted = request.headers.get("accept", "*/*")
    if ARROW in accepted or JSON in accepted:
        return ARROW in accepted
    return content_type.partition(";")[0].strip().lower() in {ARROW, NPY}


def _in_json(judgement: Judgement, first: int) -> bytes:
    why = {each.place: each for each in reversed(judgement.findings)}
    columns = zip(
        _listed(judgement.scores),
        judgement.verdicts.tolist(),
        _listed(judgement.p_values),
        _listed(judgement.thresholds),
        strict=True,
    )
    verdicts = [
        {
            "anomaly_score": score,
            "verdict": verdict,
            "is_anomaly": verdict == -1,
            "p_value": p_value,
            "threshold": threshold,
            "culprit": why[place].culprit or None if place in why else None,
            "reason": why[place].reason if place in why else None,
        }
        for place, (score, verdict, p_value, threshold) in enumerate(columns)
    ]
    answer = {"model": judgement.model, "version": judgement.version, "first_id": first}
    return to_json({**answer, "verdicts": verdicts})


def _in_arrow(judgement: Judgement) -> bytes:
    return encoded(
        {
            "anomaly_score": judgement.scores,
            "verdict": judgement.verdicts,
            "is_anomaly": judgement.verdicts == -1,
            "p_value": judgement.p_values,
            "threshold": judgement.thresholds,
        }
    )


def _listed(values: Floats) -> list[float | None]:
    """Return numbers; none where there is no number."""
    found: list[float | None] = values.tolist()
    if np.isfinite(values).all():
        return found
    return [
        value if known else None for value, known in zip(found, np.isfinite(values), strict=True)
    ]
