"""Versions of models: workers and restarts agree on which one judges."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from skdqm.service._errors import RequestError
from skdqm.service._storage import Storage
from skdqm.service._versions import ConflictError


def update(storage: Storage, content: bytes, expected: int) -> int:
    return storage.versions.add(
        "jets", content, 2.0, actor="anna", action="update", detail={"n_rows": 5}, expected=expected
    )


def test_an_update_survives_a_restart_and_a_new_file_takes_over(storage: Storage) -> None:
    assert storage.versions.register("jets", b"file", 1.0) == 1
    assert update(storage, b"updated", expected=1) == 2
    assert storage.versions.register("jets", b"file", 1.0) == 2
    assert storage.versions.register("jets", b"new file", 3.0) == 3
    assert storage.versions.active(["jets", "nobody"]) == {"jets": 3}
    assert [storage.versions.content("jets", each) for each in (1, 2, 3)] == [
        b"file",
        b"updated",
        b"new file",
    ]
    rows = storage.versions.of("jets")
    assert [(row["version"], row["action"], row["threshold"]) for row in rows] == [
        (1, "load", 1.0),
        (2, "update", 2.0),
        (3, "load", 3.0),
    ]
    assert [row["action"] for row in storage.audit(model="jets")] == ["load", "update", "load"]


def test_whoever_comes_second_is_told(storage: Storage) -> None:
    storage.versions.register("jets", b"file", None)
    update(storage, b"one", expected=1)
    with pytest.raises(ConflictError) as caught:
        update(storage, b"other", expected=1)
    assert caught.value.status == 409
    with pytest.raises(ConflictError):
        storage.versions.activate("jets", 1, actor="a", detail={}, expected=1)
    assert len(storage.versions.of("jets")) == 2
    assert len(storage.audit()) == 2


def test_of_many_who_update_at_once_one_succeeds(
    opened: Callable[..., Storage], database: str
) -> None:
    writers = [opened(database), opened(database)]
    writers[0].versions.register("jets", b"file", None)

    def attempt(number: int) -> int:
        try:
            return update(writers[number % 2], b"%d" % number, expected=1)
        except ConflictError:
            return 0

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(attempt, range(8))) == [0] * 7 + [2]


def test_workers_that_start_at_once_register_one_version(
    opened: Callable[..., Storage], database: str
) -> None:
    writers = [opened(database), opened(database)]
    with ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(lambda n: writers[n % 2].versions.register("jets", b"file", 1.0), range(8))
        )
    assert found == [1] * 8
    assert len(writers[0].audit()) == 1


def test_rolling_back_lets_an_earlier_version_judge(storage: Storage) -> None:
    storage.versions.register("jets", b"file", None)
    update(storage, b"one", expected=1)
    storage.versions.activate("jets", 1, actor="ben", detail={"comment": "worse"}, expected=2)
    assert storage.versions.active(["jets"]) == {"jets": 1}
    # The next one does not take the number of the one that was left.
    assert update(storage, b"two", expected=1) == 3
    assert storage.shift.marks("jets")[2]["text"] == "back to version 1 by ben: worse"


@pytest.mark.parametrize("number", [9, 2**31, 2**63 - 1])
def test_there_is_no_way_back_to_what_never_was(storage: Storage, number: int) -> None:
    storage.versions.register("jets", b"file", None)
    with pytest.raises(RequestError) as caught:
        storage.versions.activate("jets", number, actor="a", detail={}, expected=1)
    assert caught.value.status == 404
    with pytest.raises(RequestError) as caught:
        storage.versions.content("jets", number)
    assert caught.value.status == 404
