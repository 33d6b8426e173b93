"""What is recorded is there, in order, as it was; what is looked for is found."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skdqm.service._errors import RequestError
from skdqm.service._storage import Storage
from tests.service.judgements import of_events, of_lumisections

LARGEST = 2**63 - 1
NUMBERS = count()


def test_verdicts_come_back_as_they_were(storage: Storage) -> None:
    judged = of_events([0.5, 3.0, np.nan], flagged=[1], undecided=[2], places=[(7, 1)] * 3, at=5.0)
    first = storage.record(judged)
    rows = storage.verdicts("jets")
    assert [row["id"] for row in rows] == [first, first + 1, first + 2]
    assert [row["anomaly_score"] for row in rows] == [0.5, 3.0, None]
    assert [row["verdict"] for row in rows] == [1, -1, 0]
    same = {"model": "jets", "version": 1, "time": 5.0, "run": 7, "lumisection": 1}
    assert all(row.items() >= {**same, "p_value": None, "threshold": 2.5}.items() for row in rows)


def test_verdicts_are_found_by_model_run_and_flag(storage: Storage) -> None:
    storage.record(of_events([1.0, 3.0], flagged=[1], places=[(1, 1), (2, 1)]))
    storage.record(of_events([4.0], flagged=[0], model="other"))
    found = storage.verdicts

    def scores(**asked: object) -> list[float]:
        return [row["anomaly_score"] for row in found("jets", **asked)]  # type: ignore[arg-type]

    assert scores() == [1.0, 3.0]
    assert scores(run=2) == [3.0]
    assert scores(flagged=True) == [3.0]
    assert scores(flagged=False) == [1.0]
    assert scores(run=2, flagged=False) == []
    assert found("nobody") == []


def test_pages_of_verdicts_hold_each_one_once(storage: Storage) -> None:
    for n in (3, 1, 5):
        storage.record(of_events([1.0] * n))
        storage.record(of_events([1.0] * n, model="other"))
    seen, last = [], 0
    while page := storage.verdicts("jets", after_id=last, limit=2):
        seen += [row["id"] for row in page]
        last = seen[-1]
    assert seen == sorted(set(seen))
    assert len(seen) == 9


def test_many_threads_get_numbers_of_their_own(storage: Storage) -> None:
    sizes = [1, 7, 2, 30] * 20
    with ThreadPoolExecutor(16) as pool:
        firsts = list(pool.map(lambda n: storage.record(of_events([float(n)] * n)), sizes))
    rows = {row["id"]: row["anomaly_score"] for row in storage.verdicts("jets", limit=10_000)}
    assert len(rows) == sum(sizes)
    for first, n in zip(firsts, sizes, strict=True):
        assert [rows[first + place] for place in range(n)] == [float(n)] * n


def test_a_trend_adds_up_events_of_a_lumisection(storage: Storage) -> None:
    storage.record(of_events([1.0, 9.0, 3.0], flagged=[2], places=[(1, 2), (1, 1), (1, 2)], at=5.0))
    storage.record(of_events([2.0, np.nan], undecided=[1], places=[(1, 2), (1, 2)], at=6.0))
    first, second = storage.shift.points("jets")
    assert (first["key"], first["n"], first["score"]) == ("1/1", 1, 9.0)
    assert second == {
        "key": "1/2",
        "run": 1,
        "lumisection": 2,
        "time": 6.0,
        "n": 4,
        "n_flagged": 1,
        "n_undecided": 1,
        "score": 3.0,
        "threshold": 2.5,
    }


def test_a_trend_without_lumisections_has_slots_of_five_seconds(storage: Storage) -> None:
    for at in (100.0, 104.9, 105.0):
        storage.record(of_events([at], at=at))
    points = storage.shift.points("jets")
    assert [(each["key"], each["n"], each["score"]) for each in points] == [
        ("t/20", 2, 104.9),
        ("t/21", 1, 105.0),
    ]


def test_a_point_without_any_score_has_none(storage: Storage) -> None:
    storage.record(of_events([np.nan], undecided=[0], at=1.0))
    assert storage.shift.points("jets")[0]["score"] is None
    storage.record(of_events([1.5], at=1.0))
    assert storage.shift.points("jets")[0]["score"] == 1.5
    storage.record(of_events([np.nan], undecided=[0], at=1.0))
    assert storage.shift.points("jets")[0]["score"] == 1.5


def test_a_lumisection_judged_again_counts_once_as_the_last_time(storage: Storage) -> None:
    storage.record(of_lumisections([(1, 1)], [9.0], flagged=[0]))
    storage.record(of_lumisections([(1, 1), (1, 1)], [8.0, 2.0]))
    (point,) = storage.shift.points("pixel")
    assert (point["n"], point["n_flagged"], point["score"]) == (1, 0, 2.0)
    assert len(storage.verdicts("pixel")) == 3


def test_a_trend_shows_the_latest_points_in_the_order_of_lumisections(storage: Storage) -> None:
    for number in (1, 3, 2, 5, 4):
        storage.record(of_lumisections([(1, number)]))
    keys = [point["key"] for point in storage.shift.points("pixel", limit=3)]
    assert keys == ["1/2", "1/4", "1/5"]
    changed = storage.shift.points("pixel", changed_since=4e9)
    assert changed == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(data=st.data())
def test_the_trend_counts_every_event_once(storage: Storage, data: st.DataObject) -> None:
    places = data.draw(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1))
    model = f"model {next(NUMBERS)}"
    flagged = data.draw(st.sets(st.integers(0, len(places) - 1)))
    scores = [float(each) for each in range(len(places))]
    storage.record(of_events(scores, places=places, flagged=sorted(flagged), model=model))
    points = {(each["run"], each["lumisection"]): each for each in storage.shift.points(model)}
    assert {place: each["n"] for place, each in points.items()} == Counter(places)
    assert sum(each["n_flagged"] for each in points.values()) == len(flagged)
    assert points[places[-1]]["score"] == scores[-1]


def test_histograms_come_back_in_the_order_of_lumisections(storage: Storage) -> None:
    storage.record(of_lumisections([(1, 3), (1, 1), (2, 1)]))
    storage.record(of_lumisections([(1, 2), (1, 3)]))
    assert storage.recent_histograms("pixel", 1, 4, 2) == [(2, b"1/2"), (3, b"1/3")]
    assert storage.recent_histograms("pixel", 1, 3, 9) == [(1, b"1/1"), (2, b"1/2")]
    assert storage.recent_histograms("other", 1, 3, 9) == []


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "'; DROP TABLE verdicts; --", "😀" * 1000, ""])
def test_no_text_breaks_the_storage(storage: Storage, text: str) -> None:
    storage.record(of_events([3.0], flagged=[0], culprit=text))
    (alarm,) = storage.shift.alarms()
    assert alarm["reason"].endswith("is too large")
    assert alarm["culprit"].encode() or not text
    assert "\0" not in alarm["culprit"]
    storage.record(of_events([3.0], flagged=[0], culprit=text))
    assert storage.shift.alarm(alarm["id"])["n_flagged"] == 2


def test_the_largest_run_does_not_break_the_storage(storage: Storage) -> None:
    place = (LARGEST, LARGEST)
    storage.record(of_lumisections([place], [3.0], flagged=[0]))
    storage.record(of_lumisections([place], [3.0], flagged=[0]))
    (alarm,) = storage.shift.alarms()
    assert (alarm["run"], alarm["last_lumisection"], alarm["n_flagged"]) == (*place, 1)
    assert storage.shift.points("pixel")[0]["key"] == f"{LARGEST}/{LARGEST}"
    assert storage.verdicts("pixel", run=LARGEST, after_id=LARGEST) == []


def test_an_infinite_score_becomes_a_number_that_json_has(storage: Storage) -> None:
    storage.record(of_events([np.inf], flagged=[0]))
    largest = np.finfo(np.float64).max
    assert storage.verdicts("jets")[0]["anomaly_score"] == largest
    assert storage.shift.alarms()[0]["score"] == largest
    assert storage.shift.points("jets")[0]["score"] == largest


def test_ten_thousand_lumisections_in_one_request_take_no_minutes(storage: Storage) -> None:
    places = [(1, number) for number in range(10_000)]
    storage.record(of_events([1.0] * len(places), places=places))
    assert len(storage.shift.points("jets", limit=10_000)) == len(places)


def test_a_second_process_sees_what_the_first_one_recorded(
    opened: Callable[..., Storage], database: str
) -> None:
    one, other = opened(database), opened(database)
    assert one.record(of_events()) == 1
    assert other.record(of_events()) == 2
    assert [row["id"] for row in one.verdicts("jets")] == [1, 2]


def test_the_trail_tells_who_did_what_the_newest_first(storage: Storage) -> None:
    storage.record(of_lumisections([(5, 6)]))
    storage.log("service", "drift", "pixel", 1, {"n": 1, "threshold": float("inf")})
    storage.log("anna", "mask", "pixel", None, {})
    storage.log("anna", "load", "other", 1, {})
    newest, oldest = storage.audit(model="pixel")
    assert (newest["actor"], newest["action"]) == ("anna", "mask")
    assert oldest["detail"] == {"n": 1, "threshold": None}
    assert len(storage.audit(limit=1)) == 1
    (mark,) = storage.shift.marks("pixel")
    assert (mark["action"], mark["key"]) == ("drift", "5/6")
    assert mark["text"] == "the scores have changed"


def test_what_is_not_there_is_404(storage: Storage) -> None:
    shift = storage.shift
    asked = [
        lambda: shift.alarm(9),
        lambda: shift.evidence(9),
        lambda: shift.acknowledge(9, actor="a", comment=""),
        lambda: shift.withdraw(9, actor="a"),
        lambda: shift.unmask(LARGEST, actor="a"),
        lambda: storage.versions.content("jets", 1),
    ]
    for ask in asked:
        with pytest.raises(RequestError) as caught:
            ask()
        assert caught.value.status == 404
    assert storage.audit() == []
