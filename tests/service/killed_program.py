"""A program whose processes are killed while they make tables, and while they record verdicts.

They are forks, so that they need not import everything each time.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

from sqlalchemy import event

from skdqm.service._storage import Storage
from tests.service.judgements import of_events

KILLED_AT = ("counters", "verdicts", "histograms")
N_PROCESSES, N_THREADS, SECONDS = 4, 4, 0.7


def upgrade_and_die(url: str, table: str) -> None:
    """Die at the moment when a table is about to be made."""
    storage = Storage(url)

    def die(*given: Any) -> None:
        if f"CREATE TABLE {table}" in given[2]:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(storage._engine, "before_cursor_execute", die)
    storage.upgrade()


def upgrade(url: str) -> None:
    storage = Storage(url)
    storage.upgrade()
    storage.open()


def record_for_ever(url: str, receipts: Path) -> None:
    """Write down each verdict that was acknowledged."""
    storage = Storage(url)
    storage.open()
    file = os.open(receipts, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def record() -> None:
        while True:
            n = 1 + time.monotonic_ns() % 20
            first = storage.record(of_events([3.0] * n, flagged=[0]))
            os.write(file, f"{first} {n}\n".encode())

    threads = [Thread(target=record) for _ in range(N_THREADS)]
    for thread in threads:
        thread.start()
    threads[0].join()


def begin(work: Callable[[], None]) -> int:
    """Start a process, and return its number."""
    process = os.fork()
    if process == 0:
        try:
            work()
        except BaseException as error:
            print(error, file=sys.stderr)  # noqa: T201
            os._exit(1)
        os._exit(0)
    return process


def status(process: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def main(url: str, folder: Path) -> None:
    killed = [status(begin(lambda at=at: upgrade_and_die(url, at))) for at in KILLED_AT]  # type: ignore[misc]
    at_once = [begin(lambda: upgrade(url)) for _ in range(N_PROCESSES)]
    upgraded = [status(process) for process in at_once]
    writers = [begin(lambda: record_for_ever(url, folder / "receipts")) for _ in range(2)]
    time.sleep(SECONDS)
    for process in writers:
        os.kill(process, signal.SIGKILL)
    recorded = [status(process) for process in writers]
    found = {"killed": killed, "upgraded": upgraded, "recorded": recorded}
    (folder / "statuses.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
