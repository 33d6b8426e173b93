"""A service for the tests of the page, and what it is to judge."""

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.service.conftest import Histograms, dead, lumisection
from tests.service.processes import Served

TOKEN = "a-token-of-the-shift-crew"  # noqa: S105
LOOPBACK = "127.0.0.1"
# As a worker of `skdqm serve`, without the process that looks after it: it starts twice as fast.
SERVE = """
import sys
import uvicorn
from skdqm.service import Settings, create_app
port, tokens, database, *models = sys.argv[1:]
settings = Settings(models, database=database, token_file=tokens)
uvicorn.run(create_app(settings), port=int(port), log_level="warning", ws="none")
"""


class ServedPage(Served):
    """One model under many names, so that each test has a stream of its own; it comes back."""

    def __init__(self, model: Path, names: list[str], folder: Path) -> None:
        with socket.socket() as free:
            free.bind((LOOPBACK, 0))
            port = free.getsockname()[1]
        self.url, self.log = f"http://{LOOPBACK}:{port}", folder / "log"
        tokens = folder / "tokens"
        tokens.write_text(f"lena {TOKEN}\n")
        database = f"sqlite:///{folder / 'service.sqlite'}"
        models = [f"{name}={model}" for name in names]
        self._command = [sys.executable, "-c", SERVE, str(port), str(tokens), database, *models]
        self.start()

    def start(self) -> None:
        """Start it, where it was before, and wait until it answers."""
        with self.log.open("a") as file:
            self.process = subprocess.Popen(self._command, stdout=file, stderr=file)
        self.wait()

    def kill(self) -> None:
        """End it at once: it says farewell to nobody."""
        self.process.kill()
        self.process.wait()

    def score(self, model: str, lumisections: list[dict[str, Any]]) -> None:
        """Let it judge lumisections."""
        body = {"lumisections": lumisections}
        self.ask(f"/v1/models/{model}/score", body, Authorization=f"Bearer {TOKEN}")


class Stream:
    """Lumisections of a run, good unless they are said to be faulty."""

    def __init__(self, known: Histograms) -> None:
        # Without false alarms, so that a test sees its own alone.
        self._rows = known.good[known.model.predict(known.good) == 1]

    def good(self, first: int, last: int, run: int = 370_000) -> list[dict[str, Any]]:
        """Return good lumisections."""
        return [self._lumisection(number, run) for number in range(first, last + 1)]

    def faulty(self, element: str, first: int, last: int) -> list[dict[str, Any]]:
        """Return lumisections in which a region of an element is dead."""
        changed = []
        for number in range(first, last + 1):
            row = self._row(number)
            charge = np.where(np.arange(20) < 5, 0, row.to_numpy(dtype=float)[:20])
            changes = {"charge": charge, "map": dead(row)}
            changed.append(self._lumisection(number, **{element: changes[element]}))
        return changed

    def empty(self, first: int, last: int) -> list[dict[str, Any]]:
        """Return lumisections without beam."""
        nothing = {"charge": np.zeros(20), "map": np.zeros((6, 4))}
        return [self._lumisection(number, **nothing) for number in range(first, last + 1)]

    def _lumisection(self, number: int, run: int = 370_000, **changed: Any) -> dict[str, Any]:
        return lumisection(self._row(number), number, run, **changed)

    def _row(self, number: int) -> pd.Series:
        return self._rows.iloc[number % len(self._rows)]
