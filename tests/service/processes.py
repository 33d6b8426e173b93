"""A service in processes of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

SECONDS_TO_START = 90


class Served:
    """A service on a free port of this machine."""

    def __init__(self, words: list[str], log: Path) -> None:
        self.log = log
        with log.open("w") as file:
            command = [sys.executable, "-m", "skdqm", "serve", "--port", "0", *words]
            # In a group of its own, so that signals of the tests reach nobody else.
            self.process = subprocess.Popen(command, stderr=file, start_new_session=True)
        self.url = self._url()
        self.wait()

    def ask(self, path: str, body: Any = None, method: str | None = None, **headers: str) -> Any:
        """Return what the service answers."""
        content = None if body is None else json.dumps(body).encode()
        kinds = {"Content-Type": "application/json", **headers}
        request = Request(self.url + path, content, kinds, method=method)  # noqa: S310 (our own)
        with urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.load(answer)

    def wait(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline:
            try:
                self.ask("/health/ready")
            except (HTTPError, URLError, OSError):
                time.sleep(0.1)
            else:
                return
        raise AssertionError(f"the service does not answer: {self.log.read_text()}")

    def workers(self) -> list[int]:
        """Return the processes that answer."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        found = [int(pid) for pid in children.read_text().split()]
        return [pid for pid in found if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=30)
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)

    def _url(self) -> str:
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline and self.process.poll() is None:
            said = self.log.read_text()
            if "http://" in said:
                return "http://" + said.split("http://")[1].split("/")[0]
            time.sleep(0.1)
        raise AssertionError(f"the service does not start: {self.log.read_text()}")


@contextmanager
def served(folder: Path, *words: object) -> Iterator[Served]:
    """Serve, and stop at the end."""
    database = ["--database", str(folder / "service.sqlite")]
    service = Served([*map(str, words), *database], folder / "log")
    try:
        yield service
    finally:
        service.stop()
