"""What reviewers broke: labels, tags, verdicts and holds that meet in ways nobody had in mind."""

import numpy as np
import pytest

from skdqm.continual import ContinualDetector, GuardedGate, OpenGate
from skdqm.drift import DriftMonitor
from skdqm.exceptions import UsageError
from tests.continual import streams
from tests.continual.streams import FIRST, Rows, events, faulty, healthy, states


def quick(**parameters: object) -> ContinualDetector:
    return streams.quick(**parameters).fit(FIRST)


def also_faulty(n_rows: int, seed: int) -> Rows:
    """Return rows in which two other channels have moved."""
    rows = healthy(n_rows, seed)
    rows[:, [0, 2]] += [5.0, -5.0]
    return rows


def stream(*parts: Rows) -> Rows:
    return np.concatenate(parts)


def kept(detector: ContinualDetector, number: int = 0) -> set[int]:
    """Return the places of what an expert, or all for conditions, have learned and keep."""
    experts = [e for e in detector._course.pool.experts if not e.is_fault]
    asked = [e for e in experts if number in {0, e.number}]
    rows = [r.positions for e in asked for r in (e.memory, e.calibration, e.birth)]
    return set(np.concatenate(rows).tolist())


def numbers(detector: ContinualDetector, key: str) -> list[int]:
    return [expert["number"] for expert in detector.experts_ if expert[key]]


# ---- what is learned, and by whom


def test_rows_on_probation_are_not_learned_by_the_expert_for_a_later_condition() -> None:
    detector = quick()
    detector.observe(stream(healthy(500, 1), healthy(1500, 2, "B")))
    assert len(kept(detector, 2)) > 1000
    assert not kept(detector, 2) & set(range(480))
    detector.observe(healthy(600, 3))
    n_before_they_are_told_apart = 160
    assert len(kept(detector, 1) & set(range(500, 2000))) < n_before_they_are_told_apart / 2


def test_after_a_released_fault_the_condition_before_raises_no_question() -> None:
    detector = quick()
    detector.observe(stream(healthy(500, 1), faulty(700, 2), healthy(900, 3)))
    assert states(detector) == ["released"]
    assert detector.status_ == "normal"


@pytest.mark.parametrize("offset", [0, 17, 500])
def test_a_fault_that_has_ended_just_before_patience_is_not_released(offset: int) -> None:
    detector = quick()
    detector.observe(stream(healthy(offset, 1), faulty(350, 2), healthy(900, 3)))
    assert states(detector) == ["discarded"]
    assert not kept(detector) & set(range(offset, offset + 350))


def test_a_hold_that_is_recognised_ends_though_patience_is_shorter_than_recovery() -> None:
    gate = GuardedGate(probation=100, patience=64, recovery=96)
    detector = quick(gate=gate, auto_release=False)
    detector.observe(stream(healthy(500, 1), faulty(200, 2), healthy(600, 3)))
    assert states(detector) == ["discarded"]


def test_the_drift_monitor_may_have_large_blocks() -> None:
    detector = quick(drift=DriftMonitor(block_size=1000))
    assert detector.observe(healthy(1000, 1))["status"].iloc[-1] == "normal"


# ---- confirm and rollback


def test_faults_that_were_released_one_after_the_other_are_all_undone_in_any_order() -> None:
    for order in ((1, 2), (2, 1)):
        detector = quick().partial_fit(stream(healthy(500, 1), faulty(700, 2), also_faulty(700, 3)))
        assert states(detector) == ["released", "released"]
        for ticket in order:
            detector.confirm(ticket, benign=False)
        assert sorted(numbers(detector, "is_fault")) == [2, 3]
        assert numbers(detector, "active") == [1]
        for rows in (faulty(200, 9), also_faulty(200, 9)):
            assert (detector.predict(rows) == -1).mean() > 0.95


def test_a_fault_that_is_rejected_leaves_what_was_confirmed_later() -> None:
    detector = quick().partial_fit(stream(healthy(500, 1), faulty(700, 2), healthy(1500, 3, "B")))
    assert states(detector)[:2] == ["released", "released"]
    detector.confirm(2, benign=True)
    detector.confirm(1, benign=False)
    assert numbers(detector, "is_fault") == [2]
    assert (detector.predict(healthy(300, 4, "B")) == -1).mean() < 0.06


def test_a_verdict_on_a_fault_whose_expert_was_let_go_is_remembered() -> None:
    detector = quick().partial_fit(stream(healthy(500, 1), faulty(700, 2), healthy(900, 3)))
    assert numbers(detector, "number") == [1]
    detector.confirm(1, benign=False)
    detector.observe(stream(healthy(200, 5), faulty(900, 6)))
    assert states(detector) == ["fault", "open"]
    assert detector.status_ == "anomaly"


def test_a_condition_that_was_let_go_is_back_when_it_is_confirmed() -> None:
    detector = quick().partial_fit(stream(healthy(500, 1), faulty(700, 2), healthy(900, 3)))
    detector.confirm(1, benign=True)
    assert numbers(detector, "number") == [1, 2]
    assert (detector.predict(faulty(200, 4)) == -1).mean() < 0.06


def test_the_oldest_of_many_tickets_can_be_decided() -> None:
    gate = GuardedGate(probation=50, patience=150, recovery=64)
    detector = quick(gate=gate, update_every=50)
    shifts = np.random.default_rng(0).normal(size=(16, 6)) * 8
    for n, shift in enumerate(shifts):
        detector.observe(healthy(450, 100 + n) + shift)
    assert states(detector).count("released") > 10
    detector.confirm(1, benign=False)
    assert states(detector)[0] == "fault"


def test_versions_can_be_gone_back_to_the_present_one_among_them() -> None:
    detector = quick().partial_fit(healthy(1000, 1))
    for version in detector.versions_:
        scores = detector.score_samples(FIRST)
        twin = quick().partial_fit(healthy(1000, 1)).rollback(version)
        if version == detector.versions_[-1]:
            np.testing.assert_array_equal(twin.score_samples(FIRST), scores)


def test_a_rollback_keeps_what_known_faults_look_like() -> None:
    detector = quick().partial_fit(stream(healthy(700, 1), faulty(200, 2)))
    version = detector.versions_[0]
    detector.confirm(1, benign=False)
    detector.rollback(version)
    assert len(numbers(detector, "is_fault")) == 1


def test_after_a_rollback_a_tag_means_what_its_expert_knows() -> None:
    detector = quick()
    detector.observe(healthy(500, 1), condition="A")
    version = detector.versions_[-1]
    detector.observe(healthy(800, 2, "B"), condition="B")
    detector.rollback(version)
    detector.observe(healthy(600, 3, "B"), condition="B")
    assert [expert["condition"] for expert in detector.experts_] == ["A", "B"]


# ---- feedback


def test_rows_called_bad_while_they_are_held_are_not_released() -> None:
    detector = quick().partial_fit(stream(healthy(500, 1), healthy(200, 2, "B")))
    detector.feedback(range(500, 700), -1)
    detector.observe(healthy(800, 3, "B"))
    assert states(detector) == ["released"]
    assert not kept(detector) & set(range(500, 700))


@pytest.mark.parametrize("verdict", [-1, 1])
def test_verdicts_on_rows_that_wait_for_their_block_are_believed(verdict: int) -> None:
    detector = quick().partial_fit(healthy(510, 1))
    waiting = set(range(510 - detector.n_rows_waiting_, 510))
    assert waiting
    detector.feedback(sorted(waiting), verdict).observe(healthy(800, 2))
    assert len(kept(detector) & waiting) == (0 if verdict == -1 else len(waiting))


def test_rows_called_good_take_no_faulty_rows_out_of_a_hold() -> None:
    detector = quick().partial_fit(stream(healthy(512, 1), faulty(192, 2), healthy(64, 3)))
    detector.feedback(range(704, 768), 1).observe(healthy(32, 4))
    on_probation = detector._course.probation.positions
    assert not np.isin(on_probation, np.arange(512, 704)).any()


def test_a_row_that_was_called_bad_by_mistake_can_be_called_good() -> None:
    detector = quick().partial_fit(healthy(800, 1))
    lesson = sorted(row for row in kept(detector) if row >= 0)
    detector.feedback(lesson, -1)
    assert not kept(detector) & set(lesson)
    detector.feedback(lesson, 1).observe(healthy(200, 2))
    assert len(kept(detector) & set(lesson)) > 0.8 * len(lesson)


def test_versions_that_have_learned_rows_called_bad_do_not_come_back() -> None:
    detector = quick(gate=OpenGate(), strategy="replay")
    detector.observe(stream(healthy(500, 1), faulty(60, 2), healthy(240, 3)))
    poisoned = detector.versions_[-1]
    detector.feedback(range(500, 560), -1)
    with pytest.raises(UsageError, match="not kept"):
        detector.rollback(poisoned)
    for version in detector.versions_:
        detector.rollback(version)
        assert not kept(detector) & set(range(500, 560))


def test_an_expert_of_nothing_but_bad_rows_recognises_a_fault() -> None:
    detector = quick().partial_fit(stream(healthy(500, 1), faulty(700, 2)))
    detector.feedback(range(480, 1200), -1)
    assert numbers(detector, "is_fault") == [2]
    assert (detector.predict(faulty(200, 3)) == -1).mean() > 0.95


def test_calling_all_rows_bad_is_refused_and_changes_nothing() -> None:
    detector = quick()
    with pytest.raises(UsageError, match="expected some good ones"):
        detector.feedback(range(-1000, 0), -1)
    assert len(kept(detector)) == 1000
    assert not detector.events_


# ---- tags


def test_rows_without_a_tag_do_not_end_a_hold_or_probation() -> None:
    detector = quick()
    detector.observe(stream(healthy(500, 1), faulty(200, 2)), condition="A")
    assert states(detector) == ["open"]
    detector.observe(faulty(40, 3))
    assert states(detector) == ["open"]
    tags = np.resize(np.array(["A", None], dtype=object), 800)
    detector = quick()
    detector.observe(healthy(800, 1), condition=tags)
    assert len(events(detector, "learned")) > 2


def test_an_expert_for_another_tag_does_not_take_over_however_calls_are_cut() -> None:
    found = []
    for n_calls in (1, 6):
        detector = quick()
        detector.observe(healthy(500, 1), condition="A")
        detector.observe(healthy(800, 2, "B"), condition="B")
        detector.observe(healthy(200, 3), condition="A")
        calls = np.array_split(healthy(600, 4, "B"), n_calls)
        found.append([set(detector.observe(c, condition="A")["expert"]) for c in calls])
    assert set().union(*found[0], *found[1]) == {1}


def test_good_rows_of_one_tag_are_not_learned_by_the_expert_of_the_next() -> None:
    detector = quick()
    detector.observe(healthy(300, 1), condition="A")
    detector.observe(healthy(600, 2, "B"), condition="B")
    detector.observe(healthy(64, 3), np.ones(64), condition="A")
    detector.observe(healthy(600, 4, "B"), condition="B")
    assert not kept(detector, 2) & set(range(900, 964))
    assert kept(detector, 1) & set(range(900, 964))


def test_a_new_tag_that_is_collected_is_a_new_condition_and_no_anomaly() -> None:
    detector = quick()
    detector.observe(healthy(512, 1), condition="A")
    found = detector.observe(healthy(192, 2, "B"), condition="B")
    assert set(found["status"]) == {"new condition"}


def test_a_tagged_condition_that_was_called_a_fault_ends_when_rows_fit_again() -> None:
    detector = quick()
    detector.observe(healthy(300, 1), condition="A")
    detector.observe(faulty(150, 2), condition="B")
    detector.confirm(1, benign=False)
    detector.observe(healthy(600, 3), condition="B")
    assert detector.status_ == "normal"


# ---- status and threshold


def test_a_block_of_rows_labelled_bad_is_an_anomaly() -> None:
    found = quick().observe(faulty(320, 1), np.full(320, -1))
    assert set(found["status"]) == {"anomaly"}


def test_rows_that_are_all_equal_raise_no_alarm_and_are_no_drift() -> None:
    detector = streams.quick().fit(np.ones((500, 3)))
    found = detector.observe(np.ones((1000, 3)))
    assert set(found["verdict"]) == {1}
    assert set(found["status"]) == {"normal"}


def test_scores_that_are_often_equal_are_no_drift() -> None:
    random = np.random.default_rng(0)
    detector = ContinualDetector(random_state=0).fit(random.poisson(0.3, (1000, 6)))
    found = detector.observe(random.poisson(0.3, (3000, 6)))
    assert (found["status"] == "normal").mean() > 0.8
