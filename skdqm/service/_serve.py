"""An application behind a port: workers that come back when they are killed."""

import gc
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any

from fastapi import FastAPI
from sqlalchemy import make_url
from uvicorn import Config
from uvicorn.supervisors import Multiprocess

from skdqm.exceptions import UsageError
from skdqm.service._app import create_app
from skdqm.service._engine import shown
from skdqm.service._metrics import FOLDER
from skdqm.service._service import Service
from skdqm.service._settings import Settings

# Seconds: a connection that asks nothing is closed; at the end, requests may still be answered; a
# worker that does not answer its supervisor is taken for dead.
KEEP_ALIVE, GRACE, PATIENCE = 30, 3, 30
# Connections of a worker; beyond, it answers 503.
MOST_CONNECTIONS = 1000
# Connections that may wait to be taken.
BACKLOG = 2048


def serve(
    settings: Settings, host: str, port: int, n_workers: int, say: Callable[[str], object]
) -> None:
    """Serve until a signal ends it.

    Models and storage are looked at first, in this process, so that what is wrong with them is said
    at once. Then a supervisor starts the workers, and others for those that die.

    Parameters
    ----------
    settings : Settings
        What is asked for.
    host : str
        The address to listen on.
    port : int
        The port; 0 for a free one.
    n_workers : int
        Processes that answer.
    say : callable
        Takes messages.

    Raises
    ------
    SkdqmError
        When a model or the storage cannot be used.
    UsageError
        When the port cannot be had, or the models need one worker.
    """
    _check(settings, n_workers)
    config = Config(
        partial(ending_app, settings),
        factory=True,
        workers=n_workers,
        lifespan="on",
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
        timeout_worker_healthcheck=PATIENCE,
    )
    with _listening(host, port) as listening, TemporaryDirectory(prefix="skdqm-metrics-") as folder:
        os.environ[FOLDER] = folder
        place = f"[{host}]" if ":" in host else host
        names = ", ".join(settings.named_models)
        say(
            f"serving {names} on http://{place}:{listening.getsockname()[1]}/; "
            f"verdicts are kept in {_shown(settings.database)}; Control-C ends"
        )
        Multiprocess(config, sockets=[listening]).run()


def _shown(database: str) -> str:
    """Say where a data base is: the file of SQLite, or the address."""
    url = make_url(database)
    if url.get_backend_name() == "sqlite" and url.database:
        return url.database
    return shown(url)


def ending_app(settings: Settings) -> FastAPI:
    """Make an application whose streams end when the process is asked to."""
    app = create_app(settings)
    live, service = app.router.lifespan_context, app.state.service

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[object]:
        async with live(app) as state:
            _before_the_server(service.end_streams)
            # What is loaded by now stays: the collector need not look through it again and again,
            # which would keep requests waiting for a tenth of a second.
            gc.collect()
            gc.freeze()
            yield state

    app.router.lifespan_context = life  # type: ignore[assignment]
    return app


def _before_the_server(end: Callable[[], object]) -> None:
    """Hear the signals that end a server, which waits for all answers to end, before it does."""
    for number in (signal.SIGINT, signal.SIGTERM):
        server: Any = signal.getsignal(number)

        def heard(number: int, frame: object, server: Any = server) -> None:
            end()
            server(number, frame)

        if callable(server):
            signal.signal(number, heard)


def _check(settings: Settings, n_workers: int) -> None:
    service = Service(settings)
    service.open()
    try:
        service.check_workers(n_workers)
    finally:
        service.close()


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        found = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"cannot listen on {host}, port {port}: {error}; choose another --host or --port"
        ) from error
    found.set_inheritable(True)
    return found
