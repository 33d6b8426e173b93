"""What a stream may do to a detector that learns from it, and what it must not."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdqm._lumisections import lumisection_index
from skdqm.continual import ContinualDetector, FixedThreshold, GuardedGate, OpenGate, PoolStrategy
from skdqm.detectors import AutoencoderDetector, HistogramDetector, ReferenceDetector
from skdqm.drift import DriftMonitor
from skdqm.exceptions import DataError, TrainingError, UsageError
from skdqm.monitoring import MinimumEntries
from skdqm.persistence import load, save
from tests.continual.streams import FIRST, N_CHANNELS, events, faulty, healthy, quick, states


def test_healthy_rows_are_learned_and_raise_as_few_alarms_as_promised() -> None:
    detector = quick(contamination=0.02).fit(FIRST)
    verdicts = detector.observe(healthy(8000, 1))
    assert 0.012 < (verdicts["verdict"] == -1).mean() < 0.032
    assert len(events(detector, "learned")) > 50
    assert (verdicts["status"] == "normal").mean() > 0.9
    assert detector.experts_[0]["n_learned"] > 5000


def test_a_fault_is_held_discarded_and_never_learned() -> None:
    detector = quick().fit(FIRST)
    stream = np.concatenate([healthy(1000, 1), faulty(300, 2), healthy(1000, 3)])
    verdicts = detector.observe(stream)
    assert states(detector) == ["discarded"]
    ticket = detector.tickets_[0]
    assert abs(ticket["first_row"] - 1000) <= 32
    assert 1300 <= ticket["last_row"] < 1500
    assert set(verdicts["status"][1064:1290]) == {"anomaly"}
    assert (verdicts["verdict"][1000:1300] == -1).mean() > 0.95
    memory = detector._course.pool.expert.memory.positions
    assert not np.isin(memory, np.arange(1000, 1300)).any()
    assert (detector.observe(faulty(64, 4))["verdict"] == -1).mean() > 0.95


def test_a_new_condition_is_released_after_patience_and_then_is_usual() -> None:
    detector = quick().fit(FIRST)
    verdicts = detector.observe(np.concatenate([healthy(500, 1), healthy(1500, 2, "B")]))
    assert states(detector) == ["released"]
    assert [event["event"] for event in detector.events_].count("new condition") == 1
    assert (verdicts["verdict"][1000:] == -1).mean() < 0.06
    assert "new condition" in set(verdicts["status"][900:1100])
    assert verdicts["status"].iloc[-1] == "normal"
    assert roc_auc_score([0] * 300 + [1] * 300, _anomaly(detector, "B")) > 0.99


def _anomaly(detector: Any, condition: str) -> Any:
    rows = np.concatenate([healthy(300, 8, condition), faulty(300, 9, condition)])
    return -detector.score_samples(rows)


def test_a_condition_that_comes_back_is_known_and_no_alarm() -> None:
    detector = quick().fit(FIRST)
    detector.observe(np.concatenate([healthy(500, 1), healthy(1500, 2, "B")]))
    back = detector.observe(healthy(600, 3))
    assert (back["verdict"] == -1).mean() < 0.06
    assert events(detector, "switch")
    assert len(detector.experts_) == 2
    assert detector.experts_[0]["active"]
    assert roc_auc_score([0] * 300 + [1] * 300, _anomaly(detector, "B")) > 0.99


def test_a_change_of_most_channels_is_released_sooner_than_one_of_few() -> None:
    gate = GuardedGate(probation=100, patience=1200, widespread_patience=300)
    found = {}
    for name, rows in (("few", faulty(900, 2)), ("most", healthy(900, 2, "B"))):
        detector = quick(gate=gate).fit(FIRST)
        detector.observe(np.concatenate([healthy(500, 1), rows]))
        found[name] = states(detector)
    assert found == {"few": ["open"], "most": ["released"]}


def test_labels_override_gate_and_guard() -> None:
    detector = quick().fit(FIRST)
    stream = np.concatenate([healthy(300, 1, "B"), healthy(300, 2)])
    detector.observe(stream, np.repeat([1, -1], 300))
    assert states(detector) == []
    memory = detector._course.pool.expert.memory.positions
    assert np.isin(np.arange(300), memory).mean() > 0.6
    assert not np.isin(np.arange(300, 600), memory).any()


def test_labels_of_another_kind_say_nothing() -> None:
    detector = quick(auto_release=False).fit(FIRST)
    detector.observe(faulty(300, 1), np.full(300, 2))
    assert states(detector) == ["open"]


@settings(max_examples=10, deadline=None)
@given(cuts=st.lists(st.integers(1, 1899), max_size=6, unique=True))
def test_how_a_stream_is_cut_makes_no_difference(cuts: list[int]) -> None:
    parts = [healthy(700, 1), faulty(150, 2), healthy(400, 3), healthy(650, 4, "B")]
    stream = np.concatenate(parts)
    whole = quick().fit(FIRST)
    expected = whole.observe(stream)
    cut = quick().fit(FIRST)
    found = [cut.observe(part) for part in np.split(stream, sorted(cuts))]
    pd.testing.assert_frame_equal(
        pd.concat(found, ignore_index=True).drop(columns="status"), expected.drop(columns="status")
    )
    assert cut.events_ == whole.events_
    assert cut.tickets_ == whole.tickets_


def test_copies_and_loaded_models_decide_the_same(tmp_path: Path) -> None:
    detector = quick(drift=DriftMonitor("adwin")).fit(FIRST)
    detector.observe(np.concatenate([healthy(777, 1), faulty(130, 2)]))
    save(detector, tmp_path / "model")
    rest = np.concatenate([faulty(100, 3), healthy(500, 4), healthy(900, 5, "B")])
    twins = [load(tmp_path / "model"), pickle.loads(pickle.dumps(detector)), detector]
    found = [twin.observe(rest) for twin in twins]
    for verdicts, twin in zip(found, twins, strict=True):
        pd.testing.assert_frame_equal(verdicts, found[-1])
        assert twin.events_ == detector.events_
    assert twins[0].confirm(detector.tickets_[-1]["number"], benign=True).experts_


def test_a_recorded_stream_is_replayed_to_the_bit() -> None:
    stream = np.concatenate([healthy(700, 1), healthy(900, 2, "B")])
    first, second = (quick().fit(FIRST) for _ in range(2))
    pd.testing.assert_frame_equal(first.observe(stream), second.observe(stream))
    assert first.events_ == second.events_


def test_asking_for_scores_changes_nothing() -> None:
    asked, left = (quick().fit(FIRST).partial_fit(healthy(700, 1)) for _ in range(2))
    asked.predict(faulty(500, 2))
    asked.score_samples(healthy(500, 3, "B"))
    asked.verdicts(FIRST)
    assert asked.events_ == left.events_
    rest = np.concatenate([healthy(500, 4), faulty(100, 5)])
    pd.testing.assert_frame_equal(asked.observe(rest), left.observe(rest))


class Failing(HistogramDetector):
    """Fails in its third lesson."""

    def _partial_fit(self, X: Any) -> None:
        self._lessons = getattr(self, "_lessons", 0) + 1
        if self._lessons == 3:
            raise TrainingError("out of luck")
        super()._partial_fit(X)


def test_learning_that_fails_leaves_the_detector_as_it_was() -> None:
    detector = quick(detector=Failing()).fit(FIRST)
    detector.observe(healthy(150, 1))
    before, scores = detector.events_, detector.score_samples(FIRST)
    with pytest.raises(TrainingError, match="out of luck"):
        detector.observe(healthy(2000, 2))
    assert detector.events_ == before
    assert detector.n_rows_seen_ == 150
    np.testing.assert_array_equal(detector.score_samples(FIRST), scores)


def test_what_is_kept_does_not_grow() -> None:
    detector = quick(gate=GuardedGate(100, patience=200)).fit(FIRST)
    sizes = []
    for seed in range(8):
        detector.observe(np.concatenate([healthy(1500, seed), healthy(500, seed, "B")]))
        course = detector._course
        kept = [course.probation, course.cleared, course.quarantine]
        kept += [rows for e in course.pool.experts for rows in (e.memory, e.calibration)]
        sizes.append(sum(map(len, kept)))
    assert max(sizes) < 8 * 3000 + 1500
    assert len(detector.versions_) <= 21
    assert len(detector.experts_) <= 8


@pytest.mark.parametrize("strategy", ["static", "naive", "replay", "refit", "pool"])
def test_every_strategy_goes_through_a_stream_with_every_kind_of_detector(strategy: str) -> None:
    stream = np.concatenate([healthy(400, 1), healthy(400, 2, "B")])
    inner = [
        AutoencoderDetector(hidden_layer_sizes=(8,), max_epochs=2),
        make_pipeline(StandardScaler(), HistogramDetector()),
    ]
    for detector in inner:
        found = quick(detector=detector, strategy=strategy).fit(FIRST).observe(stream)
        assert np.isfinite(found["anomaly_score"]).all()


def test_static_learns_nothing_and_a_fixed_threshold_stays() -> None:
    detector = quick(strategy="static", threshold=FixedThreshold()).fit(FIRST)
    before, offset = detector.score_samples(FIRST), detector.offset_
    detector.observe(np.concatenate([healthy(500, 1), healthy(900, 2, "B")]))
    np.testing.assert_array_equal(detector.score_samples(FIRST), before)
    assert detector.offset_ == offset


def test_rows_with_too_little_data_are_no_verdict_and_no_lesson() -> None:
    rng = np.random.default_rng(0)
    counts = rng.poisson(50, size=(1200, N_CHANNELS)).astype(float)
    sparse = rng.poisson(0.1, size=(96, N_CHANNELS)).astype(float)
    inner = MinimumEntries(ReferenceDetector(), min_entries=60)
    detector = quick(detector=inner).fit(counts[:600])
    verdicts = detector.observe(np.concatenate([counts[600:800], sparse, counts[800:]]))
    assert set(verdicts["verdict"][200:296]) == {0}
    assert "not enough data" in set(verdicts["status"][200:296])
    memory = detector._course.pool.expert.memory.values  # noqa: PD011
    assert memory.sum(axis=1).min() >= 60


def _lumisections(values: Any, run: int) -> pd.DataFrame:
    index = lumisection_index(np.full(len(values), run), np.arange(1, len(values) + 1))
    names = [f"channel_{number}" for number in range(N_CHANNELS)]
    return pd.DataFrame(values, index=index, columns=names)


def test_events_and_feedback_speak_of_runs_and_lumisections() -> None:
    detector = quick(auto_release=False).fit(_lumisections(FIRST, 1))
    detector.observe(_lumisections(healthy(400, 1), 2))
    held = _lumisections(healthy(200, 2, "B"), 3)
    verdicts = detector.observe(held)
    assert verdicts.index.equals(held.index)
    assert events(detector, "held")[0]["lumisections"][1][0] == 3
    detector.feedback(detector_index(detector, held), 1)
    assert states(detector) == ["benign"]


def detector_index(detector: Any, held: pd.DataFrame) -> Any:
    """Return the rows of the hold, of which the first ones may belong to the run before."""
    rows = detector._course.hold.rows
    return held.index.union(pd.MultiIndex.from_tuples([tuple(map(int, k)) for k in rows.keys]))


def test_a_reference_that_follows_learns_labelled_runs_one_by_one() -> None:
    rng = np.random.default_rng(0)
    shape = np.linspace(20, 200, 12)
    good = rng.poisson(shape, size=(300, 12)).astype(float)
    moved = rng.poisson(shape[::-1], size=(60, 12)).astype(float)
    detector = ContinualDetector(
        ReferenceDetector(half_life=2),
        strategy=PoolStrategy(replay=0),
        gate=OpenGate(),
        drift=DriftMonitor(block_size=1),
        update_every=1,
        random_state=0,
    ).fit(good[:100])
    verdicts = detector.observe(np.concatenate([good[100:], moved]), np.ones(260))
    assert (verdicts["verdict"][200:202] == -1).any()
    assert (verdicts["verdict"][215:] == 1).mean() > 0.9


def test_calibrate_sets_the_rate_that_updates_keep() -> None:
    detector = quick().fit(FIRST).calibrate(healthy(1000, 1), alarm_rate=0.1)
    detector.observe(healthy(2000, 2))
    verdicts = detector.observe(healthy(4000, 3))
    assert detector.alarm_rate_ == 0.1
    assert 0.06 < (verdicts["verdict"] == -1).mean() < 0.15


def test_the_first_block_may_be_a_partial_fit() -> None:
    detector = clone(quick())
    verdicts = detector.observe(FIRST)
    assert len(verdicts) == 1000
    assert detector.n_rows_seen_ == 0
    assert len(detector.observe(healthy(100, 1))) == 100


def test_what_does_not_fit_is_said_and_changes_nothing() -> None:
    detector = quick().fit(FIRST)
    detector.observe(healthy(100, 1))
    before, n_rows = detector.events_, detector.n_rows_seen_
    rows = healthy(10, 2)
    mistakes: list[tuple[Any, str]] = [
        (lambda: detector.observe(rows, [1, 1]), "expected one verdict per row, 10"),
        (lambda: detector.observe(rows, condition=["a"]), "expected one tag"),
        (lambda: detector.confirm(7, benign=True), "there is no ticket 7; none waits"),
        (lambda: detector.rollback(99), "version 99 is not kept; none is, yet"),
        (lambda: detector.feedback([1], 0), "expected \\+1 \\(good\\) or -1"),
        (lambda: detector.feedback(["x"], 1), "expected places in the stream"),
    ]
    for mistake, message in mistakes:
        with pytest.raises(UsageError, match=message):
            mistake()
    with pytest.raises(ValueError, match="NaN"):
        detector.observe(np.full((1, N_CHANNELS), np.nan))
    assert detector.events_ == before
    assert detector.n_rows_seen_ == n_rows


def test_runs_must_be_numbers() -> None:
    rows = _lumisections(FIRST, 1)
    wrong = rows.set_axis(pd.MultiIndex.from_product([["a"], range(1000)], names=rows.index.names))
    detector = quick().fit(rows)
    with pytest.raises(DataError, match="expected their numbers"):
        detector.observe(wrong)


def test_wrong_parts_are_refused_by_fit() -> None:
    for wrong in ({"gate": GuardedGate(patience=0)}, {"strategy": PoolStrategy(max_experts=0)}):
        with pytest.raises(ValueError, match="must be"):
            quick(**wrong).fit(FIRST)


def test_a_stream_whose_neighbours_are_alike_raises_few_tickets() -> None:
    noise = np.random.default_rng(0).normal(size=(10_000, N_CHANNELS))
    stream = lfilter([1.0], [1.0, -0.9], noise, axis=0)
    detector = ContinualDetector(random_state=0).fit(stream[:2000])
    detector.observe(stream[2000:])
    assert len(detector.tickets_) <= 5
