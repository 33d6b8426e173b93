"""Alarms are episodes: what belongs together rings once, and what is masked does not ring."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from skdqm.service._storage import Storage
from tests.service.judgements import of_events, of_lumisections


def flag(storage: Storage, *numbers: int, run: int = 1, score: float = 3.0, **how: Any) -> None:
    """Record flagged lumisections."""
    places = [(run, number) for number in numbers]
    every = range(len(places))
    storage.record(of_lumisections(places, [score] * len(places), flagged=every, **how))


def spans(storage: Storage) -> list[tuple[int, int, int]]:
    """Return first and last lumisection of each alarm and how many were flagged, in order."""
    names = ("first_lumisection", "last_lumisection", "n_flagged")
    return sorted(tuple(each[name] for name in names) for each in storage.shift.alarms())


def test_lumisections_close_together_are_one_alarm(storage: Storage) -> None:
    flag(storage, 10)
    flag(storage, 11, 13)
    flag(storage, 16)
    flag(storage, 8)
    assert spans(storage) == [(8, 13, 4), (16, 16, 1)]


@pytest.mark.parametrize("other", [{"run": 2}, {"culprit": "size"}, {"model": "strip"}])
def test_another_run_culprit_or_model_is_another_alarm(
    storage: Storage, other: dict[str, Any]
) -> None:
    flag(storage, 10)
    flag(storage, 11, **other)
    assert len(storage.shift.alarms()) == 2


def test_events_within_a_minute_are_one_alarm(storage: Storage) -> None:
    for at in (100.0, 159.0, 218.0, 300.0):
        storage.record(of_events([3.0, 3.0], flagged=[0, 1], at=at))
    later, earlier = storage.shift.alarms()
    assert (earlier["first_time"], earlier["last_time"], earlier["n_flagged"]) == (100.0, 218.0, 6)
    assert (later["first_time"], later["n_flagged"]) == (300.0, 2)


def test_a_lumisection_judged_again_is_counted_once(storage: Storage) -> None:
    flag(storage, 10, 10)
    flag(storage, 10)
    assert spans(storage) == [(10, 10, 1)]


def test_an_alarm_shows_its_worst_lumisection(storage: Storage) -> None:
    flag(storage, 10, score=3.0)
    flag(storage, 11, score=7.0)
    flag(storage, 12, score=5.0)
    (alarm,) = storage.shift.alarms()
    assert alarm["score"] == 7.0
    where, evidence = storage.shift.evidence(alarm["id"])
    assert (where["run"], where["worst_lumisection"], evidence) == (1, 11, b"evidence 7.0")


def test_two_writers_have_one_alarm(opened: Callable[..., Storage], database: str) -> None:
    writers = [opened(database), opened(database)]

    def write(number: int) -> None:
        flag(writers[number % 2], number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(60)))
    (alarm,) = writers[0].shift.alarms()
    assert (alarm["first_lumisection"], alarm["last_lumisection"]) == (0, 59)


def test_an_acknowledgement_stays_until_it_is_withdrawn(storage: Storage) -> None:
    flag(storage, 10)
    (alarm,) = storage.shift.alarms(is_open=True)
    seen = storage.shift.acknowledge(alarm["id"], actor="anna", comment="known")
    assert (seen["acknowledged"]["by"], seen["acknowledged"]["comment"]) == ("anna", "known")
    flag(storage, 11)
    assert storage.shift.alarms(is_open=True) == []
    assert storage.shift.n_open_alarms("pixel") == 0
    assert storage.shift.alarms(is_open=False)[0]["acknowledged"]["by"] == "anna"
    assert storage.shift.withdraw(alarm["id"], actor="ben")["acknowledged"] is None
    assert storage.shift.n_open_alarms("pixel") == 1
    trail = [(each["actor"], each["action"], each["detail"]["alarm"]) for each in storage.audit()]
    assert trail == [("ben", "withdraw", alarm["id"]), ("anna", "acknowledge", alarm["id"])]


def test_what_is_masked_does_not_ring_until_it_is_unmasked(storage: Storage) -> None:
    flag(storage, 10)
    mask = storage.shift.mask("pixel", "charge", actor="anna", comment="dead module")
    flag(storage, 11)
    flag(storage, 50)
    assert storage.shift.alarms(is_open=True) == []
    assert spans(storage) == [(10, 11, 2), (50, 50, 1)]
    flag(storage, 10, culprit="size")
    assert [each["culprit"] for each in storage.shift.alarms(is_open=True)] == ["size"]
    assert storage.shift.unmask(mask["id"], actor="ben")["removed"]["by"] == "ben"
    assert storage.shift.masks() == []
    # The fault goes on: it must ring, although its alarm did not.
    flag(storage, 51)
    (alarm,) = [each for each in storage.shift.alarms(is_open=True) if each["culprit"] == "charge"]
    assert (alarm["first_lumisection"], alarm["masked"]) == (51, False)


def test_masking_twice_gives_the_mask_there_is(storage: Storage) -> None:
    first = storage.shift.mask("pixel", "charge", actor="anna", comment="dead")
    assert storage.shift.mask("pixel", "charge", actor="ben", comment="") == first
    assert storage.shift.unmask(first["id"], actor="ben") == storage.shift.unmask(
        first["id"], actor="carl"
    )
    again = storage.shift.mask("pixel", "charge", actor="carl", comment="")
    assert again["id"] != first["id"]
    assert [each["action"] for each in storage.audit()] == ["mask", "unmask", "mask"]
    assert len(storage.shift.masks(changed_since=0.0)) == 2
    assert len(storage.shift.masks("pixel")) == 1


def test_two_shifters_who_mask_at_once_make_one_mask(
    opened: Callable[..., Storage], database: str
) -> None:
    writers = [opened(database), opened(database)]
    for number in range(20):

        def mask(writer: Storage, number: int = number) -> int:
            made = writer.shift.mask("pixel", f"element {number}", actor="a", comment="")
            return int(made["id"])

        with ThreadPoolExecutor(2) as pool:
            assert len(set(pool.map(mask, writers))) == 1
    assert len(writers[0].shift.masks()) == 20


def test_alarms_that_went_on_last_come_first(storage: Storage) -> None:
    for number, at in ((1, 100.0), (50, 200.0), (2, 300.0)):
        flag(storage, number, at=at)
    assert [each["first_lumisection"] for each in storage.shift.alarms()] == [1, 50]
    assert len(storage.shift.alarms(limit=1)) == 1
    assert storage.shift.alarms(model="other") == []
    assert storage.shift.alarms(changed_since=4e9) == []
