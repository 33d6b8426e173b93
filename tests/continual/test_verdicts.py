"""What people say of a stream: tickets, tags of conditions, versions to go back to."""

import numpy as np
import pytest

from skdqm.continual import GuardedGate
from tests.continual.streams import FIRST, faulty, healthy, quick, states


def test_without_release_a_hold_asks_until_a_shifter_says_benign() -> None:
    detector = quick(auto_release=False).fit(FIRST)
    verdicts = detector.observe(np.concatenate([healthy(500, 1), healthy(2000, 2, "B")]))
    assert states(detector) == ["open"]
    assert detector.status_ == verdicts["status"].iloc[-1] == "new condition"
    detector.confirm(1, benign=True)
    assert states(detector) == ["benign"]
    assert (detector.observe(healthy(300, 3, "B"))["verdict"] == -1).mean() < 0.06


def test_a_fault_that_was_released_is_undone_and_recognised_when_it_comes_back() -> None:
    detector = quick().fit(FIRST)
    detector.observe(np.concatenate([healthy(500, 1), faulty(700, 2)]))
    assert states(detector) == ["released"]
    assert (detector.predict(faulty(100, 3)) == -1).mean() < 0.5
    detector.confirm(1, benign=False)
    assert (detector.predict(faulty(100, 3)) == -1).mean() > 0.95
    again = detector.observe(np.concatenate([healthy(300, 4), faulty(1500, 5)]))
    assert set(states(detector)[1:]) == {"open"}
    assert again["status"].iloc[-1] == "anomaly"
    assert any("looks like the fault" in event["reason"] for event in detector.events_)


def test_an_open_ticket_called_a_fault_is_never_released() -> None:
    detector = quick().fit(FIRST)
    detector.observe(np.concatenate([healthy(500, 1), faulty(200, 2)]))
    detector.confirm(1, benign=False)
    detector.observe(faulty(1500, 3))
    assert states(detector) == ["fault"]
    assert detector.status_ == "anomaly"
    detector.observe(healthy(300, 4))
    assert detector.status_ == "normal"
    assert states(detector) == ["fault"]


def test_after_a_fault_that_a_shifter_named_a_new_condition_is_asked_about_anew() -> None:
    detector = quick().fit(FIRST)
    detector.observe(np.concatenate([healthy(500, 1), faulty(200, 2)]))
    detector.confirm(1, benign=False)
    detector.observe(np.concatenate([faulty(500, 3), healthy(1200, 4, "B")]))
    assert states(detector) == ["fault", "released"]
    assert (detector.observe(healthy(300, 5, "B"))["verdict"] == -1).mean() < 0.06


def test_rollback_gives_the_scores_of_the_version_back() -> None:
    detector = quick().fit(FIRST)
    detector.observe(healthy(1000, 1))
    version, before = detector.versions_[-1], detector.score_samples(FIRST)
    detector.observe(healthy(500, 2))
    assert not np.array_equal(detector.score_samples(FIRST), before)
    detector.rollback(version)
    np.testing.assert_array_equal(detector.score_samples(FIRST), before)
    assert detector.versions_[-1] > version + 1


def test_a_tag_makes_an_expert_and_calls_it_back_without_waiting() -> None:
    detector = quick(gate=GuardedGate(probation=100, patience=2000)).fit(FIRST)
    detector.observe(healthy(300, 1), condition="cosmics")
    detector.observe(healthy(600, 2, "B"), condition="collisions")
    assert [expert["condition"] for expert in detector.experts_] == ["cosmics", "collisions"]
    verdicts = detector.observe(healthy(200, 3), condition="cosmics")
    assert set(verdicts["expert"]) == {1}
    verdicts = detector.observe(healthy(200, 4, "B"), condition="collisions")
    assert set(verdicts["expert"]) == {2}
    assert (verdicts["verdict"] == -1).mean() < 0.06


@pytest.mark.parametrize("strategy", ["static", "naive", "replay", "refit", "pool"])
def test_tags_and_verdicts_on_them_go_with_every_strategy(strategy: str) -> None:
    detector = quick(strategy=strategy, gate=None).fit(FIRST)
    detector.observe(healthy(200, 1), condition="cosmics")
    detector.observe(healthy(500, 2, "B"), condition="collisions")
    detector.observe(healthy(300, 3), condition="cosmics")
    verdicts = detector.observe(healthy(300, 4, "B"), condition="collisions")
    assert np.isfinite(verdicts["anomaly_score"]).all()
    assert "open" not in states(detector)[:1]
    detector.confirm(1, benign=True)
