"""``skdqm serve`` in processes of its own: starts, is killed, comes back, ends."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError, URLError

import pytest

from skdqm.persistence import save
from skdqm.service._serve import _shown
from skdqm.streaming import AdaptiveThreshold
from tests.cli.conftest import run_command
from tests.service.conftest import Events, Histograms
from tests.service.processes import Served, served

needs_proc = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="looks for processes in /proc"
)


@pytest.mark.parametrize(
    ("database", "shown"),
    [
        ("sqlite:////data/service.sqlite", "/data/service.sqlite"),
        ("postgresql+psycopg://crew:secret@host/db", "postgresql+psycopg://crew:***@host/db"),
        ("postgresql+psycopg://crew@host/db?password=secret", "postgresql+psycopg://crew@host/db"),
    ],
)
def test_what_is_said_of_the_storage_holds_no_password(database: str, shown: str) -> None:
    assert _shown(database) == shown


def test_a_service_answers_and_ends_with_0(tmp_path: Path, events: Events) -> None:
    with served(tmp_path, events.path) as service:
        answer = service.ask("/score", {"features": events.good.iloc[0].tolist()})
        assert answer["anomaly_score"] == -events.model.score_samples(events.good[:1])[0]
        assert service.stop() == 0
    said = (tmp_path / "log").read_text()
    assert "serving tracker on http://127.0.0.1:" in said
    assert ".sqlite; Control-C ends" in said
    assert "Traceback" not in said


def test_a_request_that_breaks_off_is_no_error_of_the_service(
    tmp_path: Path, events: Events
) -> None:
    with served(tmp_path, events.path) as service:
        host, _, port = service.url.removeprefix("http://").partition(":")
        head = "POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        with socket.create_connection((host, int(port))) as broken:
            broken.sendall(f"{head}Content-Length: 1000\r\n\r\n{{".encode())
        answer = service.ask("/score", {"features": events.good.iloc[0].tolist()})
        assert answer["is_anomaly"] is False
    assert "Traceback" not in (tmp_path / "log").read_text()


class Client(threading.Thread):
    """Sends events, and remembers what was acknowledged."""

    def __init__(self, service: Served, row: list[float]) -> None:
        super().__init__(daemon=True)
        self.service, self.row = service, row
        self.acknowledged: list[int] = []
        self.going_on = True

    def run(self) -> None:
        while self.going_on:
            try:
                answer = self.service.ask("/v1/score", {"features": self.row})
            except (HTTPError, URLError, OSError):
                continue
            self.acknowledged.append(answer["first_id"])


@needs_proc
def test_a_killed_worker_is_replaced_and_nothing_acknowledged_is_lost(
    tmp_path: Path, events: Events
) -> None:
    with served(tmp_path, events.path, "--workers", "2") as service:
        clients = [Client(service, events.good.iloc[0].tolist()) for _ in range(4)]
        for client in clients:
            client.start()
        wait_for(lambda: sum(len(client.acknowledged) for client in clients) > 50)
        first = service.workers()
        os.kill(first[0], signal.SIGKILL)
        wait_for(lambda: len(set(service.workers()) - set(first)) == 1)
        before = sum(len(client.acknowledged) for client in clients)
        wait_for(lambda: sum(len(client.acknowledged) for client in clients) > before + 50)
        for client in clients:
            client.going_on = False
        for client in clients:
            client.join(timeout=30)
        known = [number for client in clients for number in client.acknowledged]
        kept = set[int]()
        while rows := service.ask(f"/v1/verdicts?limit=10000&after_id={max(kept, default=0)}"):
            kept |= {row["id"] for row in rows}
        assert len(known) == len(set(known))
        assert set(known) <= kept


def test_workers_follow_what_one_of_them_has_learned(tmp_path: Path, events: Events) -> None:
    words = (events.path, "--workers", "2", "--allow-update")
    with served(tmp_path, *words) as service:
        answer = service.ask("/v1/models/tracker/threshold", {"alarm_rate": 0.1})
        # Which worker answers is chance: each may be the last to learn it.
        wait_for(lambda: {version(service) for _ in range(50)} == {2})
        known = [service.ask("/v1/models/tracker") for _ in range(20)]
        assert {each["threshold"] for each in known if each["version"] == 2} == {
            answer["threshold"]
        }


def version(service: Served) -> int:
    """Return which version judges an event."""
    judged: int = service.ask("/v1/score", {"features": [1.0] * 6})["version"]
    return judged


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_other_machines_need_a_token(events: Events) -> None:
    found = run_command("serve", events.path, "--host", "0.0.0.0")  # noqa: S104 (it is refused)
    assert found.code == 2
    assert "--token-file" in found.err


def test_a_port_that_is_taken_is_named(events: Events, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        database = tmp_path / "service.sqlite"
        found = run_command("serve", events.path, "--port", port, "--database", database)
    assert found.code == 2
    assert str(port) in found.err


def test_a_threshold_that_follows_has_one_worker(events: Events, tmp_path: Path) -> None:
    path = tmp_path / "adaptive.skdqm"
    save(AdaptiveThreshold.around(events.model), path)
    database = tmp_path / "service.sqlite"
    found = run_command("serve", path, "--workers", "2", "--database", database)
    assert found.code == 2
    assert "--workers 1" in found.err


FORGED = {
    "pickle": b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix",
    "zip": b"PK\x03\x04" + bytes(100),
    "empty": b"",
    "text": b"a,b\n1,2\n",
}


@pytest.mark.parametrize("kind", [*FORGED, "checksum", "path", "database"])
def test_forged_files_are_refused_by_name(events: Events, tmp_path: Path, kind: str) -> None:
    model, database = tmp_path / f"{kind}.skdqm", tmp_path / "service.sqlite"
    content = events.path.read_bytes()
    if kind in FORGED:
        model.write_bytes(FORGED[kind])
    elif kind == "checksum":
        model.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif kind == "path":
        model = tmp_path / ".." / ".." / "etc" / "passwd.skdqm"
    else:
        model.write_bytes(content)
        database.write_bytes(b"this is no data base, but something of somebody's " * 40)
    found = run_command("serve", model, "--database", database)
    assert found.code == (2 if kind == "database" else 3)
    assert (database.name if kind == "database" else model.name) in found.err
    assert found.err.count("\n") == 1


def test_models_of_histograms_are_served_beside_those_of_events(
    tmp_path: Path, events: Events, histograms: Histograms
) -> None:
    with served(tmp_path, events.path, f"inner={histograms.path}") as service:
        kinds = {each["name"]: each["kind"] for each in service.ask("/v1/models")}
    assert kinds == {"tracker": "events", "inner": "lumisections"}
