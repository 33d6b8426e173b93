"""A data base that is locked, full or away is an answer, and the service goes on afterwards."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from sqlalchemy import create_engine, event, text

from skdqm.service import _engine
from skdqm.service._storage import Storage
from skdqm.service._writer import StorageError
from tests.service.judgements import of_events
from tests.service.postgres import fresh_database

N_THREADS = 20
LOCKS = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "LOCK TABLE counters"}


def answer(storage: Storage, scores: list[float], **how: Any) -> int | str:
    """Return the number of a verdict, or why it was not recorded."""
    try:
        return storage.record(of_events(scores, **how))
    except StorageError as error:
        return f"{error.status} {error.message}"


def test_a_bad_judgement_does_not_fail_its_neighbours(storage: Storage) -> None:
    # Flagged, but without a score: nothing that a data base would take.
    sent: list[tuple[list[float], list[int]]] = [([1.0], []), ([np.nan], [0]), ([2.0, 3.0], [])]
    with ThreadPoolExecutor(3) as pool:
        with storage._writer._turn:
            answers = [pool.submit(answer, storage, each, flagged=where) for each, where in sent]
            while len(storage._writer._waiting) < len(sent):
                time.sleep(0.001)
        found = [each.result() for each in answers]
    assert str(found[1]).startswith("503")
    rows = {row["id"]: row["anomaly_score"] for row in storage.verdicts("jets")}
    assert rows[found[0]] == 1.0
    assert (rows[found[2]], rows[found[2] + 1]) == (2.0, 3.0)
    assert len(rows) == 3


def test_a_locked_data_base_is_503_at_once_for_all_who_wait(
    opened: Callable[..., Storage], database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_engine, "SECONDS_TO_WAIT", 0.4)
    storage = opened(database)
    first = storage.record(of_events())
    other = create_engine(database)
    with other.connect() as connection:
        connection.execute(text(LOCKS[other.dialect.name]))
        begun = time.monotonic()
        with ThreadPoolExecutor(N_THREADS) as pool:
            found = list(pool.map(lambda _: answer(storage, [1.0]), range(N_THREADS)))
        # One after the other they would have waited for 8 s.
        assert time.monotonic() - begun < 5
        assert all("503" in str(each) and "lock" in str(each) for each in found)
        connection.rollback()
    other.dispose()
    assert storage.record(of_events()) == first + 1
    assert len(storage.verdicts("jets")) == 2


def test_a_full_disk_is_503_and_what_was_acknowledged_is_there(
    opened: Callable[..., Storage], tmp_path: Any
) -> None:
    storage = opened(f"sqlite:///{tmp_path / 'service.sqlite'}")

    def limit(connection: Any, record: Any) -> None:
        del record
        connection.execute("PRAGMA max_page_count = 60")

    storage._engine.dispose()
    event.listen(storage._engine, "connect", limit)
    found = [answer(storage, [1.0] * 500) for _ in range(20)]
    acknowledged = [each for each in found if isinstance(each, int)]
    assert "503" in str(found[-1])
    assert "full" in str(found[-1])
    assert len(storage.verdicts("jets", limit=10_000)) == 500 * len(acknowledged) > 0
    storage.ping()
    event.remove(storage._engine, "connect", limit)
    storage._engine.dispose()
    assert storage.record(of_events()) > max(acknowledged)


def test_lost_connections_are_made_again(opened: Callable[..., Storage]) -> None:
    url = fresh_database()
    storage = opened(url)
    storage.record(of_events())
    other = create_engine(url)
    with other.connect() as connection:
        others = "FROM pg_stat_activity WHERE datname = current_database()"
        ended = f"SELECT pg_terminate_backend(pid) {others} AND pid <> pg_backend_pid()"
        assert connection.execute(text(ended)).all()
    other.dispose()
    assert storage.record(of_events()) == 2


def test_a_server_that_is_away_is_503(made: Callable[..., Storage]) -> None:
    pytest.importorskip("psycopg")
    away = made("postgresql+psycopg://anna:secret@127.0.0.1:1/service")
    for ask in (away.ping, lambda: away.record(of_events()), lambda: away.verdicts("jets")):
        with pytest.raises(StorageError) as caught:
            ask()
        assert caught.value.status == 503
        assert "secret" not in caught.value.message


WAITING: dict[str, tuple[Callable[[Storage], Any], Callable[[Storage, float], Any]]] = {
    "points": (
        lambda storage: storage.record(of_events([3.0], flagged=[0])),
        lambda storage, since: storage.shift.points("jets", changed_since=since),
    ),
    "alarms": (
        lambda storage: storage.shift.acknowledge(1, actor="anna", comment=""),
        lambda storage, since: storage.shift.alarms(changed_since=since),
    ),
    "masks": (
        lambda storage: storage.shift.mask("jets", "m", actor="anna", comment=""),
        lambda storage, since: storage.shift.masks(changed_since=since),
    ),
    "marks": (
        lambda storage: storage.log("service", "drift", "jets", 1, {}),
        lambda storage, since: storage.shift.marks("jets", changed_since=since),
    ),
}


@pytest.mark.parametrize(("do", "changes"), WAITING.values(), ids=WAITING)
def test_a_commit_that_had_to_wait_is_not_missed_by_who_looks_for_changes(
    do: Callable[[Storage], Any],
    changes: Callable[[Storage, float], list[Any]],
    opened: Callable[..., Storage],
    database: str,
) -> None:
    storage = opened(database)
    storage.record(of_events([3.0], flagged=[0]))
    other = create_engine(database)
    with other.connect() as connection, ThreadPoolExecutor(1) as pool:
        connection.execute(text(LOCKS[other.dialect.name]))
        waiting = pool.submit(do, storage)
        time.sleep(0.3)
        looked = time.time()
        connection.rollback()
        waiting.result()
    other.dispose()
    assert len(changes(storage, looked)) == 1
