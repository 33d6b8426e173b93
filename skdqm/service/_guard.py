"""What every request goes through: limits, headers, and a clock."""

import asyncio
import time
from collections.abc import Sequence

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from skdqm.service._metrics import Metrics
from skdqm.service._settings import Settings

ANY = "*"
# Bytes of a body that is no table of rows: comments and the like, which are read before tokens are.
MOST_BYTES_OF_TEXT = 64 * 1024
WITH_ROWS = ("/score", "/update")
# Of the largest requests, as many may be held in memory at a time.
REQUESTS_HELD = 8
PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# The viewer of the documentation writes styles into its elements.
DOCS = PAGE.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
NOTHING = "default-src 'none'; frame-ancestors 'none'"
HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
}


class Guard:
    """Refuses what is too large, too slow or addressed to somebody else, and counts the rest.

    Parameters
    ----------
    app : callable
        The application behind it.
    settings : Settings
        Names limits and hosts.
    metrics : Metrics
        Counts requests.
    """

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self.app, self.settings, self.metrics = app, settings, metrics
        self._held = Held(REQUESTS_HELD * settings.max_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        answer = _Answer(scope["path"], send)
        max_bytes = self._max_bytes(scope["path"])
        refused = self._refused(dict(scope["headers"]), max_bytes)
        if refused is None:
            body = _Body(receive, answer, self._held, max_bytes, self.settings.timeout)
            try:
                await self.app(scope, body, answer)
            finally:
                self._held.n_bytes -= body.n_bytes
        else:
            status, detail = refused
            await JSONResponse({"detail": detail}, status)(scope, receive, answer)
        self._count(scope, answer.status, time.perf_counter() - started)

    def _max_bytes(self, path: str) -> int:
        most = self.settings.max_bytes
        return most if path.endswith(WITH_ROWS) else min(most, MOST_BYTES_OF_TEXT)

    def _refused(self, headers: dict[bytes, bytes], max_bytes: int) -> tuple[int, str] | None:
        host = headers.get(b"host", b"").decode("latin-1")
        if not _is_known(host, self.settings.hosts):
            return 421, "the service is not known by this name; start it with --host or --name"
        encoding = headers.get(b"content-encoding", b"identity")
        if encoding.lower() != b"identity":
            return 415, "compressed bodies are not taken; send them as they are"
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length[:20]) > max_bytes:
            return 413, _too_large(max_bytes)
        return None

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "other")
        self.metrics.requests.labels(route, scope["method"], status).inc()
        self.metrics.seconds.labels(route).observe(seconds)


class Held:
    """The bytes of all requests under way, so that they fit into memory together.

    Parameters
    ----------
    most : int
        As many as may be held.
    """

    def __init__(self, most: int) -> None:
        self._most, self.n_bytes = most, 0

    @property
    def is_full(self) -> bool:
        """Whether there are more."""
        return self.n_bytes > self._most


class _Answer:
    """Adds headers to an answer, and remembers its status."""

    def __init__(self, path: str, send: Send) -> None:
        self._send, self.status, self.is_begun = send, 500, False
        self._headers = list({**HEADERS, **_of_path(path)}.items())

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.is_begun = message["status"], True
            message["headers"] = [*message.get("headers", ()), *self._headers]
        await self._send(message)


class _Body:
    """The body of a request: no longer than allowed, and not slower."""

    def __init__(
        self, receive: Receive, answer: _Answer, held: Held, max_bytes: int, timeout: float
    ) -> None:
        self._receive, self._answer, self._held = receive, answer, held
        self._max_bytes, self._timeout = max_bytes, timeout
        self.n_bytes, self._is_complete = 0, False
        self._started = time.monotonic()

    async def __call__(self) -> Message:
        if self._is_complete:  # now it waits for the client to go away
            return await self._receive()
        left = self._timeout - (time.monotonic() - self._started)
        try:
            message = await asyncio.wait_for(self._receive(), max(left, 0.0))
        except TimeoutError:
            return self._refused(408, "the request did not come in in time")
        n_bytes = len(message.get("body", b""))
        self.n_bytes += n_bytes
        self._held.n_bytes += n_bytes
        self._is_complete = not message.get("more_body", False)
        if self.n_bytes > self._max_bytes:
            return self._refused(413, _too_large(self._max_bytes))
        if n_bytes and self._held.is_full:
            return self._refused(503, "too many large requests at once; try again")
        return message

    def _refused(self, status: int, detail: str) -> Message:
        """Refuse the request, or let go of a client that is being answered already."""
        if self._answer.is_begun:
            return {"type": "http.disconnect"}
        raise HTTPException(status, detail)


def _of_path(path: str) -> dict[bytes, bytes]:
    if path == "/docs":
        return {b"content-security-policy": DOCS.encode()}
    if path == "/" or path.startswith("/page/"):
        return {b"content-security-policy": PAGE.encode(), b"cache-control": b"no-cache"}
    return {b"content-security-policy": NOTHING.encode(), b"cache-control": b"no-store"}


def _is_known(host: str, hosts: Sequence[str]) -> bool:
    if ANY in hosts:
        return True
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    return name.lower() in {each.lower() for each in hosts}


def _too_large(max_bytes: int) -> str:
    return f"the request is larger than {max_bytes:,} bytes; send it in parts"
