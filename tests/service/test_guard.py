"""Requests that come too slowly, and answers that are damaged."""

import asyncio
from typing import Any

import pytest
from starlette.exceptions import HTTPException

from skdqm.report import Finding
from skdqm.service._errors import RequestError
from skdqm.service._evidence import evidence_of, packed_finding
from skdqm.service._guard import Held, _Answer, _Body, _is_known


async def nobody(message: Any) -> None:
    del message


def test_a_request_that_trickles_in_is_given_up() -> None:
    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0.03)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def read() -> None:
        body = _Body(receive, _Answer("/", nobody), Held(10**6), max_bytes=1000, timeout=0.2)
        for _ in range(100):
            await body()

    with pytest.raises(HTTPException) as caught:
        asyncio.run(read())
    assert caught.value.status_code == 408


def test_requests_that_do_not_fit_into_memory_together_are_refused() -> None:
    held = Held(1500)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": bytes(1000)}

    async def nobody(message: Any) -> None:
        del message

    async def read() -> int:
        first, second = (
            _Body(receive, _Answer("/", nobody), held, max_bytes=1000, timeout=1.0)
            for _ in range(2)
        )
        await first()
        with pytest.raises(HTTPException) as caught:
            await second()
        held.n_bytes -= first.n_bytes + second.n_bytes
        return caught.value.status_code

    assert asyncio.run(read()) == 503
    assert held.n_bytes == 0


def test_a_complete_request_may_wait_for_its_answer() -> None:
    messages = [{"type": "http.request", "body": b"x"}, {"type": "http.disconnect"}]

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0.0 if len(messages) == 2 else 0.3)
        return messages.pop(0)

    async def read() -> dict[str, Any]:
        body = _Body(receive, _Answer("/", nobody), Held(10**6), max_bytes=1000, timeout=0.1)
        await body()
        return dict(await body())

    assert asyncio.run(read())["type"] == "http.disconnect"


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("localhost", True),
        ("localhost:8000", True),
        ("LOCALHOST:1", True),
        ("[::1]:8000", True),
        ("[::1]", True),
        ("127.0.0.1:8000", True),
        ("", False),
        ("localhost.evil.example", False),
        ("evil.example:8000", False),
    ],
)
def test_hosts_are_known_with_and_without_a_port(host: str, known: bool) -> None:
    hosts = ("localhost", "127.0.0.1", "[::1]")
    assert _is_known(host, hosts) is known


def test_damaged_evidence_is_no_error_of_the_service() -> None:
    finding = Finding(1, 2, "charge", [1.0, 2.0], [1.0, 1.0], [0.0, 1.0])
    packed = packed_finding(finding)
    alarm = {"run": 1, "worst_lumisection": 2, "culprit": "charge"}
    assert len(evidence_of(alarm, packed)["pictures"]) == 3
    with pytest.raises(RequestError):
        evidence_of(alarm, packed[:-30])
