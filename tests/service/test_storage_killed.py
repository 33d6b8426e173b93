"""What was acknowledged before a kill -9 is there afterwards, and nothing is left half-made."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from skdqm.service._storage import Storage
from tests.service.judgements import of_events
from tests.service.killed_program import KILLED_AT, N_PROCESSES
from tests.service.postgres import fresh_database

REPOSITORY = Path(__file__).parents[2]


class Killed(NamedTuple):
    url: str
    receipts: list[tuple[int, int]]
    statuses: dict[str, list[int]]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def killed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Killed:
    """Run the program on a data base."""
    folder = tmp_path_factory.mktemp("killed")
    is_file = request.param == "sqlite"
    url = f"sqlite:///{folder / 'service.sqlite'}" if is_file else fresh_database()
    command = [sys.executable, "-m", "tests.service.killed_program", url, str(folder)]
    subprocess.run(command, check=True, timeout=120, cwd=REPOSITORY)
    lines = (folder / "receipts").read_text().splitlines()
    receipts = [tuple(int(word) for word in line.split()) for line in lines]
    return Killed(url, receipts, json.loads((folder / "statuses.json").read_text()))  # type: ignore[arg-type]


def test_tables_are_made_wholly_or_not_at_all(killed: Killed) -> None:
    assert killed.statuses["killed"] == [-signal.SIGKILL] * len(KILLED_AT)
    assert killed.statuses["upgraded"] == [0] * N_PROCESSES


def test_no_acknowledged_verdict_is_lost(killed: Killed) -> None:
    assert killed.statuses["recorded"] == [-signal.SIGKILL] * 2
    storage = Storage(killed.url)
    storage.open()
    known: set[int] = set()
    while page := storage.verdicts("jets", after_id=max(known, default=0), limit=10_000):
        known |= {row["id"] for row in page}
    acknowledged = [first + k for first, n in killed.receipts for k in range(n)]
    assert len(acknowledged) == len(set(acknowledged)) > 100
    assert known.issuperset(acknowledged)
    (alarm,) = storage.shift.alarms()
    (n_points,) = {sum(point["n"] for point in storage.shift.points("jets"))}
    assert n_points == len(known)
    assert alarm["n_flagged"] == len(storage.verdicts("jets", flagged=True, limit=10_000))
    storage.record(of_events())
    storage.close()
