"""Who may use the service, and what it says to others."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skdqm.exceptions import UsageError
from skdqm.service._security import MOST_FAILURES, Failures, Tokens
from tests.service.conftest import Events

TOKEN = "kX3-very-long-and-secret"  # noqa: S105 (of these tests alone)
OPEN = ("/health", "/health/live", "/health/ready", "/", "/docs", "/page/page.js")


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "tokens"
    path.write_text(f"# the shift crew\nshift {TOKEN}\n\nexpert {TOKEN}-2\n")
    return path


@pytest.fixture
def guarded(serving: Callable[..., Any], events: Events, token_file: Path) -> Any:
    with serving(events.path, token_file=token_file) as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_everything_but_health_and_pages_asks_for_a_token(guarded: Any) -> None:
    paths = guarded.get("/openapi.json").json()["paths"]
    for path, operations in paths.items():
        for method in operations:
            answer = guarded.request(method, path.format(name="tracker", id=1, version=1), json={})
            assert (answer.status_code == 401) == (path not in OPEN), path


def test_a_token_opens_and_names_who_acts(guarded: Any, events: Events) -> None:
    guarded.headers.update(bearer(f"{TOKEN}-2"))
    guarded.post("/v1/score", json={"events": events.bad[:30].to_numpy().tolist()})
    alarm = guarded.get("/v1/alarms").json()[0]
    seen = guarded.post(f"/v1/alarms/{alarm['id']}/acknowledge", json={}).json()
    assert seen["acknowledged"]["by"] == "expert"


def test_guessing_has_to_wait(guarded: Any) -> None:
    statuses = [
        guarded.get("/v1/models", headers=bearer(f"guess-{i}")).status_code
        for i in range(MOST_FAILURES + 1)
    ]
    assert statuses == [401] * MOST_FAILURES + [429]
    assert guarded.get("/v1/models", headers=bearer(TOKEN)).status_code == 429
    assert guarded.get("/health").status_code == 200


def test_failures_are_forgotten_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("skdqm.service._security.time.monotonic", lambda: now[0])
    failures = Failures()
    for _ in range(MOST_FAILURES - 1):
        failures.add("1.2.3.4")
    now[0] = 61.0
    failures.add("1.2.3.4")
    failures.check("1.2.3.4")


def test_tokens_are_not_logged(guarded: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        guarded.get("/v1/models", headers=bearer("a-wrong-but-secret-token"))
        guarded.get("/v1/models", headers=bearer(TOKEN))
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    "text", ["", "# nobody\n", "shift\n", "shift short\n", f"shift {TOKEN} more\n"]
)
def test_files_of_tokens_are_checked_without_showing_them(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tokens"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        Tokens.of(path)
    assert TOKEN not in str(caught.value)
    with pytest.raises(UsageError, match="cannot read"):
        Tokens.of(tmp_path / "none")


def test_tokens_with_odd_characters_are_only_wrong() -> None:
    tokens = Tokens([("shift", TOKEN)])
    assert [tokens.owner(each) for each in (TOKEN, "", "\ud800", "ä" * 1000)] == [
        "shift",
        None,
        None,
        None,
    ]


def test_answers_carry_headers_against_misuse(client: Any) -> None:
    for path in ("/", "/v1/models", "/page/page.js", "/docs", "/nowhere"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "access-control-allow-origin" not in headers
    assert client.get("/v1/models").headers["cache-control"] == "no-store"


def test_pages_of_other_sites_do_not_reach_the_service(client: Any) -> None:
    answer = client.get("/v1/models", headers={"host": "evil.example"})
    assert answer.status_code == 421
    asked = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    answer = client.options("/v1/score", headers=asked)
    assert "access-control-allow-origin" not in answer.headers


def test_any_host_may_be_allowed(serving: Callable[..., Any], events: Events) -> None:
    with serving(events.path, hosts=("*",)) as client:
        assert client.get("/health", headers={"host": "p5.cern.ch:8000"}).status_code == 200


def test_large_requests_are_refused_by_what_they_say_and_by_what_they_are(
    serving: Callable[..., Any], events: Events
) -> None:
    with serving(events.path, max_bytes=1000) as client:
        kind = {"content-type": "application/json"}
        assert client.post("/v1/score", content=b" " * 1001, headers=kind).status_code == 413
        parts = (b" " * 100 for _ in range(11))
        assert client.post("/v1/score", content=parts, headers=kind).status_code == 413
        parts = (b" " * 100 for _ in range(11))
        path = "/v1/alarms/1/acknowledge"
        assert client.post(path, content=parts, headers=kind).status_code == 413


def test_compressed_requests_are_refused(client: Any) -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    assert client.post("/v1/score", content=b"x", headers=headers).status_code == 415


def test_no_path_of_a_request_is_opened(client: Any) -> None:
    for path in (
        "/page/../_app.py",
        "/page/%2e%2e/_app.py",
        "/page/..%2f_settings.py",
        "/page//etc/passwd",
        "/v1/models/..%2f..%2fetc%2fpasswd",
    ):
        answer = client.get(path)
        assert answer.status_code in {404, 422}
        assert "import" not in answer.text


def test_text_that_no_data_base_takes_is_refused(client: Any) -> None:
    body = b'{"model": "tracker", "culprit": "a\\u0000b"}'
    for text in (body, body.replace(b"\\u0000", b"\\ud800")):
        answer = client.post(
            "/v1/masks", content=text, headers={"content-type": "application/json"}
        )
        assert answer.status_code == 422
