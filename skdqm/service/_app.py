"""The application: routes, errors, life."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

import skdqm
from skdqm.service import _routes_health, _routes_models, _routes_score, _routes_shift
from skdqm.service._errors import RequestError
from skdqm.service._guard import Guard
from skdqm.service._service import Service
from skdqm.service._settings import Settings

ASSETS = Path(__file__).parent / "page"
DESCRIPTION = (
    "Verdicts of anomaly detectors on events and lumisections, for data quality monitoring."
)
UNPROCESSABLE = 422


def create_app(settings: Settings) -> FastAPI:
    """Make the application of a service, for any ASGI server.

    Models and storage are opened when the server starts it, and closed when it ends.

    Parameters
    ----------
    settings : Settings
        What is asked for.

    Returns
    -------
    app : fastapi.FastAPI
        The application.

    Raises
    ------
    UsageError
        When names of models or the file of tokens are not as they should be.

    Examples
    --------
    >>> from skdqm.service import Settings, create_app
    >>> app = create_app(Settings(["model.skdqm"]))
    >>> app.title
    'skdqm'
    """
    service = Service(settings)
    app = FastAPI(
        title="skdqm",
        version=skdqm.__version__,
        description=DESCRIPTION,
        lifespan=_life_of(service),
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = service
    app.add_exception_handler(RequestError, _answer)
    app.add_exception_handler(RequestValidationError, _answer_to_fields)
    app.add_exception_handler(ClientDisconnect, _answer_to_nobody)
    app.add_middleware(Guard, settings=settings, metrics=service.metrics)
    # What is asked most often first.
    for routes in (_routes_score, _routes_health, _routes_shift, _routes_models):
        app.include_router(routes.router)
    _add_pages(app)
    if not service.tokens.are_needed:
        _describe_as_open(app)
    return app


def _life_of(service: Service) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        del app
        await run_in_threadpool(service.open)
        try:
            yield
        finally:
            await run_in_threadpool(service.close)

    return life


def _describe_as_open(app: FastAPI) -> None:
    """Leave tokens out of the description of a service that asks for none."""
    described = app.openapi()
    described["components"].pop("securitySchemes", None)
    for operations in described["paths"].values():
        for operation in operations.values():
            operation.pop("security", None)


def _add_pages(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(ASSETS / "index.html")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> FileResponse:
        return FileResponse(ASSETS / "docs.html")

    app.mount("/page", StaticFiles(directory=ASSETS))


async def _answer(request: Request, error: Any) -> JSONResponse:
    del request
    if error.status != UNPROCESSABLE:
        headers = {"www-authenticate": "Bearer"} if error.status == 401 else None
        return JSONResponse({"detail": error.message}, error.status, headers)
    loc = list(error.loc or ("body",))
    return JSONResponse(_fields([{"loc": loc, "msg": error.message, "type": "value_error"}]), 422)


async def _answer_to_fields(request: Request, error: Any) -> JSONResponse:
    """Name the fields, without what was in them: it may be no JSON at all."""
    del request
    kept = ("loc", "msg", "type")
    return JSONResponse(
        _fields([{name: each[name] for name in kept} for each in error.errors()]), UNPROCESSABLE
    )


async def _answer_to_nobody(request: Request, error: Any) -> JSONResponse:
    """Let a client go that has gone in the middle of its request."""
    del request, error
    return JSONResponse({"detail": "the request broke off"}, 400)


def _fields(errors: list[dict[str, Any]]) -> dict[str, Any]:
    return {"detail": [{**each, "loc": [_plain(part) for part in each["loc"]]} for each in errors]}


def _plain(part: Any) -> Any:
    """Return a part of a place as JSON takes it."""
    return part if isinstance(part, int) else str(part).encode("utf-8", "replace").decode()
