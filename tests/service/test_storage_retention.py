"""Old verdicts on good rows go, flagged ones stay, and what comes never outruns what goes."""

from collections.abc import Callable

import pytest

from skdqm.service import _retention
from skdqm.service._storage import Storage
from tests.service.judgements import of_events, of_lumisections


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let little be much."""
    for name, value in {
        "NEW_VERDICTS": 10,
        "OLD_VERDICTS": 20,
        "MOST_POINTS": 8,
        "MOST_HISTOGRAMS": 6,
    }.items():
        monkeypatch.setattr(_retention, name, value)


def test_the_latest_verdicts_and_all_flagged_ones_are_kept(
    opened: Callable[..., Storage], database: str
) -> None:
    storage = opened(database, keep=50)
    for number in range(200):
        storage.record(of_events([float(number)], flagged=[0] if number % 40 == 0 else []))
    scores = [row["anomaly_score"] for row in storage.verdicts("jets")]
    flagged, latest = [0.0, 40.0, 80.0, 120.0], list(range(150, 200))
    assert scores[:4] == flagged
    assert scores[-50:] == latest
    assert len(scores) <= 4 + 50 + 10


def test_requests_larger_than_what_goes_at_once_do_not_pile_up(
    opened: Callable[..., Storage], database: str
) -> None:
    storage = opened(database, keep=100)
    for _ in range(12):
        storage.record(of_events([1.0] * 200))
    assert len(storage.verdicts("jets", limit=10_000)) <= 100 + 200


def test_a_smaller_number_is_reached_after_a_restart(
    opened: Callable[..., Storage], database: str
) -> None:
    before = opened(database, keep=1000)
    before.record(of_events([1.0] * 300))
    after = opened(database, keep=10)
    for _ in range(60):
        after.record(of_events([2.0] * 10))
    assert len(after.verdicts("jets", limit=10_000)) <= 10 + 20


def test_several_workers_forget_together(opened: Callable[..., Storage], database: str) -> None:
    workers = [opened(database, keep=30), opened(database, keep=30)]
    for number in range(200):
        workers[number % 2].record(of_events([float(number)]))
    scores = [row["anomaly_score"] for row in workers[0].verdicts("jets")]
    assert scores[-30:] == list(range(170, 200))
    assert len(scores) <= 30 + 2 * 10


def test_without_any_kept_verdict_the_flagged_ones_are(
    opened: Callable[..., Storage], database: str
) -> None:
    storage = opened(database, keep=0)
    for number in range(30):
        storage.record(of_events([1.0, 3.0], flagged=[1], places=[(1, number)] * 2))
    assert {row["verdict"] for row in storage.verdicts("jets")} == {-1}
    assert len(storage.verdicts("jets")) == 30


def test_the_latest_points_and_histograms_of_each_model_are_kept(
    opened: Callable[..., Storage], database: str
) -> None:
    storage = opened(database)
    storage.record(of_lumisections([(1, 1)], model="quiet"))
    for number in range(100):
        storage.record(of_lumisections([(1, number)]))
    points = [point["lumisection"] for point in storage.shift.points("pixel")]
    assert points[-8:] == list(range(92, 100))
    assert len(points) <= 8 + 10
    kept = [number for number, _ in storage.recent_histograms("pixel", 1, 1000, 1000)]
    assert kept[-6:] == list(range(94, 100))
    assert len(kept) <= 6 + 10
    assert len(storage.recent_histograms("quiet", 1, 9, 9)) == 1


def test_lumisections_of_one_large_request_are_not_forgotten_with_it(
    opened: Callable[..., Storage], database: str
) -> None:
    storage = opened(database)
    storage.record(of_lumisections([(1, number) for number in range(40)]))
    assert len(storage.recent_histograms("pixel", 1, 1000, 1000)) == 40
