import json
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from sklearn.base import OutlierMixin
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import NotFittedError
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
from sklearn.svm import OneClassSVM

from skdqm.continual import ContinualDetector
from skdqm.detectors import AutoencoderDetector, HistogramDetector
from skdqm.drift import DriftMonitor
from skdqm.exceptions import DataError, TrainingError, UsageError
from skdqm.monitoring import MinimumEntries
from skdqm.streaming import AdaptiveThreshold, StreamingDetector
from tests.instances import instance, names
from tests.streaming.streams import FirstColumn, column, cut, rows, small_pipeline

X, NEW = rows(400), rows(300, seed=1)


@pytest.mark.parametrize("name", names())
def test_every_detector_scores_events_as_its_score_samples_to_the_bit(name: str) -> None:
    detector = instance(name).fit(X)
    expected = -detector.score_samples(NEW)
    stream = StreamingDetector(detector)
    np.testing.assert_array_equal(stream.process_batch(NEW).anomaly_score, expected)
    alone = [stream.process_event(row).anomaly_score for row in NEW[:50]]
    np.testing.assert_array_equal(alone, expected[:50])


@pytest.mark.parametrize(
    "step",
    [
        StandardScaler(),
        StandardScaler(with_mean=False),
        StandardScaler(with_std=False),
        StandardScaler(with_mean=False, with_std=False),
        MinMaxScaler(),
        MinMaxScaler(clip=True),
        MaxAbsScaler(),
        RobustScaler(),
        RobustScaler(with_centering=False),
        PCA(3, random_state=0),
        "passthrough",
    ],
    ids=str,
)
@pytest.mark.parametrize("named", [False, True])
def test_steps_before_the_detector_change_no_score(step: Any, named: bool) -> None:
    data = pd.DataFrame(X, columns=list("abcde")) if named else X
    model = make_pipeline(step, HistogramDetector()).fit(data)
    new = pd.DataFrame(NEW, columns=list("abcde")) if named else NEW
    expected = -model.score_samples(new)
    stream = StreamingDetector(model)
    np.testing.assert_allclose(stream.process_batch(new).anomaly_score, expected, rtol=1e-12)
    if not isinstance(step, PCA):
        alone = [stream.process_event(row).anomaly_score for row in NEW]
        np.testing.assert_array_equal(alone, expected)


@pytest.mark.parametrize("n_members", [1, 3])
def test_scores_are_those_of_the_module_and_the_scaler(n_members: int) -> None:
    model = small_pipeline(n_members=n_members).fit(X)
    scaler, detector = model
    module = detector.net_.module_.eval()
    standard = (scaler.transform(NEW) - detector.location_) / detector.scale_
    with torch.inference_mode():
        inputs = torch.from_numpy(standard.astype(np.float32))
        inputs = inputs if n_members == 1 else inputs.expand(n_members, -1, -1)
        output = module.decoder(module.encoder(inputs)).numpy()
    losses = (output.astype(np.float64) - standard) ** 2 / (detector.feature_loss_ + 0.01)
    expected = losses.mean(axis=-1).reshape(n_members, -1).mean(axis=0)
    found = StreamingDetector(model).process_batch(NEW).anomaly_score
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("model", [IsolationForest(random_state=0), OneClassSVM(nu=0.1)], ids=str)
def test_outlier_detectors_of_other_packages_are_judged_by_their_own_threshold(
    model: OutlierMixin,
) -> None:
    model.fit(X)
    verdicts = StreamingDetector(model).process_batch(NEW)
    np.testing.assert_array_equal(verdicts.verdict, model.predict(NEW))


def test_verdicts_and_p_values_are_those_of_the_detector() -> None:
    model = small_pipeline().fit(X)
    model[-1].calibrate(model[:-1].transform(rows(500, seed=2)), alarm_rate=0.05)
    found = StreamingDetector(model).process_batch(NEW)
    np.testing.assert_array_equal(found.verdict, model.predict(NEW))
    np.testing.assert_array_equal(found.p_value, model[-1].p_values(model[:-1].transform(NEW)))
    assert (found.is_anomaly == (found.p_value <= 0.05)).all()
    alone = StreamingDetector(model)
    assert [alone.process_event(row)[1:5] for row in NEW] == [each[1:5] for each in found]


def test_a_threshold_of_ties_flags_what_the_detector_flags() -> None:
    model = FirstColumn().fit(column(np.arange(100) % 3))
    found = StreamingDetector(model).process_batch(column([1, 2, 3]))
    np.testing.assert_array_equal(found.is_anomaly, [False, False, True])


def test_what_is_no_fitted_outlier_detector_is_refused() -> None:
    with pytest.raises(NotFittedError):
        StreamingDetector(AutoencoderDetector())
    with pytest.raises(UsageError, match="StandardScaler is no outlier detector"):
        StreamingDetector(StandardScaler().fit(X))
    StreamingDetector(LocalOutlierFactor(novelty=True).fit(X))


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (NEW[0, :4], r"shape \(4,\).*expected shape \(5,\)"),
        ([1.0, 2.0, np.nan, 4.0, 5.0], "feature 2 is nan"),
        ([1.0, np.inf, 3.0, 4.0, 5.0], "feature 1 is inf"),
        (["a", 2, 3, 4, 5], "must be 5 numbers"),
        (NEW[:2], r"shape \(2, 5\)"),
        (3.0, r"shape \(\)"),
        (None, "expected shape"),
        ({"a": 1.0}, "fitted without"),
        ([[1, 2], 3, 4, 5, 6], "must be 5 numbers"),
        ([10**400, 2, 3, 4, 5], "must be 5 numbers"),
    ],
)
def test_a_malformed_event_is_said_and_counted_and_nothing_else_happens(
    event: Any, message: str
) -> None:
    stream = StreamingDetector(HistogramDetector().fit(X))
    with pytest.raises(DataError, match=message):
        stream.process_event(event)
    statistics = stream.get_statistics()
    assert (statistics.n_malformed, statistics.n_events) == (1, 0)
    assert stream.process_event(NEW[0]).number == 0


@pytest.mark.parametrize(
    ("events", "message"),
    [
        (np.where(np.arange(1500).reshape(300, 5) == 32, np.nan, NEW), "feature 2 of event 6"),
        (NEW[:, :4], r"shape \(300, 4\)"),
        ([[1, 2, 3, 4, 5], [1, 2]], "equal lengths"),
        (NEW[0], r"shape \(5,\)"),
    ],
)
def test_a_batch_with_a_malformed_event_is_not_judged_at_all(events: Any, message: str) -> None:
    stream = StreamingDetector(HistogramDetector().fit(X))
    with pytest.raises(DataError, match=message):
        stream.process_batch(events)
    statistics = stream.get_statistics()
    assert (statistics.n_events, statistics.n_malformed) == (0, 0)


def test_features_are_found_by_name_in_any_order() -> None:
    frame = pd.DataFrame(X, columns=list("abcde"))
    stream = StreamingDetector(HistogramDetector().fit(frame))
    event = dict(zip("edcba", NEW[0, ::-1].tolist(), strict=True))
    expected = stream.process_event(NEW[0]).anomaly_score
    assert stream.process_event({**event, "run": 7}).anomaly_score == expected
    shuffled = pd.DataFrame(NEW, columns=list("abcde"))[list("cabed")].assign(run=7)
    assert stream.process_batch(shuffled).anomaly_score[0] == expected
    with pytest.raises(DataError, match="the features 'c' are missing"):
        stream.process_event(dict.fromkeys("abde", 1.0))
    with pytest.raises(DataError, match="the features 'a', 'c' are missing"):
        stream.process_batch(shuffled[["b", "e", "d"]])


def test_an_event_too_extreme_to_score_is_malformed() -> None:
    model = FirstColumn().fit(X)
    model.score_samples = lambda X: np.full(len(X), np.nan)
    stream = StreamingDetector(model)
    with pytest.raises(DataError, match="event 0 is too extreme"):
        stream.process_event(NEW[0])
    with pytest.raises(DataError, match="event 0 is too extreme"):
        stream.process_batch(NEW)
    assert stream.get_statistics().n_malformed == 1


def test_events_with_too_little_data_have_no_verdict() -> None:
    counts = np.random.default_rng(0).poisson(100, size=(300, 5)).astype(float)
    stream = StreamingDetector(MinimumEntries(min_entries=50).fit(counts))
    poor = np.ones(5)
    assert stream.process_event(poor).verdict == 0
    found = stream.process_batch(np.vstack([counts[:3], poor]))
    assert found.verdict[-1] == 0
    assert np.isnan(found.p_value[-1])
    assert stream.get_statistics().n_undecided == 2


def test_no_events_are_no_verdicts() -> None:
    stream = StreamingDetector(HistogramDetector().fit(X))
    found = stream.process_batch(np.empty((0, 5)))
    assert len(found) == 0
    assert len(found.frame()) == 0
    statistics = stream.get_statistics()
    assert statistics.n_events == 0
    assert np.isnan(statistics.anomaly_rate)
    assert np.isnan(statistics.latency_p99)


def adaptive(strategy: str) -> AdaptiveThreshold:
    detector = AdaptiveThreshold(FirstColumn(), strategy=strategy, block_size=20, drift_window=50)
    return detector.fit(column(np.random.default_rng(0).normal(size=300)))


@given(sizes=st.lists(st.integers(0, 70), max_size=10), singly=st.booleans())
@pytest.mark.parametrize("strategy", ["conformal", "extreme", "quantile"])
def test_how_a_stream_is_cut_changes_no_verdict(
    strategy: str, sizes: list[int], singly: bool
) -> None:
    drifting = column(np.random.default_rng(1).normal(size=300) + np.arange(300) / 100)
    together = StreamingDetector(adaptive(strategy)).process_batch(drifting).frame()
    stream = StreamingDetector(adaptive(strategy))
    parts = []
    for part in cut(drifting, sizes):
        if singly and len(part) < 40:
            parts += [stream.process_event(row)[1:5] for row in part]
        else:
            parts += [tuple(each[1:5]) for each in stream.process_batch(part)]
    assert parts == [tuple(row) for row in together.itertuples(index=False)]


@pytest.mark.parametrize("strategy", ["conformal", "extreme", "quantile"])
def test_a_state_goes_on_as_if_nothing_had_happened(strategy: str) -> None:
    monitor = DriftMonitor(block_size=8).fit(np.random.default_rng(3).normal(size=200))
    drifting = column(np.random.default_rng(1).normal(size=600) + np.arange(600) / 100)
    whole = StreamingDetector(adaptive(strategy), drift=monitor)
    whole.process_batch(drifting[:205])
    state = whole.get_state()
    json.dumps(state, default=np.ndarray.tolist)  # plain data and arrays
    later = StreamingDetector(adaptive(strategy), drift=monitor)
    later.set_state(state)
    expected = whole.process_batch(drifting[205:]).frame()
    pd.testing.assert_frame_equal(later.process_batch(drifting[205:]).frame(), expected)
    mine, theirs = later.get_statistics(), whole.get_statistics()
    assert mine.threshold_history == theirs.threshold_history
    assert mine.drift_positions == theirs.drift_positions
    assert mine.n_anomalies == theirs.n_anomalies
    assert [each.verdict[:2] for each in later.get_recent_anomalies(1000)] == [
        each.verdict[:2] for each in whole.get_recent_anomalies(1000)
    ]


def test_a_lasting_change_of_the_scores_is_marked_and_a_quiet_stream_is_not() -> None:
    random = np.random.default_rng(0)
    model = FirstColumn().fit(column(random.normal(size=2000)))
    stream = StreamingDetector(model, drift=DriftMonitor().fit(random.normal(size=2000)))
    stream.process_batch(column(random.normal(size=3000)))
    assert stream.get_statistics().drift_positions == []
    for event in column(random.normal(size=500) + 1):
        stream.process_event(event)
    assert 3000 < stream.get_statistics().drift_positions[0] < 3400


def test_a_monitor_of_something_else_is_refused() -> None:
    with pytest.raises(UsageError, match="fitted to anomaly scores"):
        StreamingDetector(FirstColumn().fit(X), drift=DriftMonitor())
    with pytest.raises(UsageError, match="fitted to anomaly scores"):
        StreamingDetector(FirstColumn().fit(X), drift=DriftMonitor().fit(X))


def test_statistics_count_and_time_what_was_judged() -> None:
    stream = StreamingDetector(FirstColumn().fit(X), buffer_size=5)
    flagged = NEW[:, 0] > stream.get_statistics().threshold
    for row in NEW[:100]:
        stream.process_event(row)
    stream.process_batch(NEW[100:])
    statistics = stream.get_statistics()
    assert (statistics.n_events, statistics.n_anomalies) == (300, int(flagged.sum()))
    assert statistics.anomaly_rate == pytest.approx(flagged.mean())
    assert 0 < statistics.latency_p50 <= statistics.latency_p95 <= statistics.latency_p99
    assert 0 < statistics.throughput <= statistics.capacity
    assert statistics.threshold_history == [(0, statistics.threshold)]


def test_the_latest_scores_are_kept_in_their_order() -> None:
    stream, scores = StreamingDetector(FirstColumn().fit(X)), np.arange(25_000.0)
    assert len(stream.get_recent_scores()) == 0
    stream.process_batch(column(scores[:4000]).repeat(5, axis=1))
    np.testing.assert_array_equal(stream.get_recent_scores(), scores[:4000])
    for score in scores[4000:4010]:
        stream.process_event(np.full(5, score))
    stream.process_batch(column(scores[4010:12_345]).repeat(5, axis=1))
    np.testing.assert_array_equal(stream.get_recent_scores(), scores[2345:12_345])
    later = StreamingDetector(FirstColumn().fit(X))
    later.set_state(stream.get_state())
    np.testing.assert_array_equal(later.get_recent_scores(), scores[2345:12_345])
    stream.process_batch(column(scores[12_345:]).repeat(5, axis=1))
    np.testing.assert_array_equal(stream.get_recent_scores(), scores[15_000:])


def test_the_latest_flagged_events_are_kept_and_no_more() -> None:
    stream = StreamingDetector(FirstColumn().fit(X), buffer_size=3)
    high = NEW.copy()
    high[:, 0] = 100 + np.arange(300)
    stream.process_batch(high[:290])
    for row in high[290:]:
        stream.process_event(row)
    kept = stream.get_recent_anomalies(10)
    assert [each.verdict.number for each in kept] == [297, 298, 299]
    np.testing.assert_array_equal(kept[-1].features, high[-1])
    assert [each.verdict.number for each in stream.get_recent_anomalies(1)] == [299]
    assert stream.get_recent_anomalies(0) == []


def test_a_kept_event_does_not_change_with_the_array_of_the_caller() -> None:
    stream = StreamingDetector(FirstColumn().fit(X))
    event = np.full(5, 100.0)
    stream.process_event(event)
    event[:] = 0
    np.testing.assert_array_equal(stream.get_recent_anomalies()[0].features, np.full(5, 100.0))


def test_threads_lose_and_double_nothing() -> None:
    stream = StreamingDetector(adaptive("conformal"))
    events = column(np.random.default_rng(1).normal(size=4000))

    def work(part: Any) -> list[int]:
        return [stream.process_event(event).number for event in part]

    with ThreadPoolExecutor(4) as threads:
        numbers = np.concatenate(list(threads.map(work, np.split(events, 4))))
    np.testing.assert_array_equal(np.sort(numbers), np.arange(4000))
    assert stream.get_statistics().n_events == 4000


def test_a_lesson_takes_the_place_of_the_detector_and_leaves_it_as_it_was() -> None:
    model = small_pipeline().fit(X)
    before = model.score_samples(NEW)
    stream = StreamingDetector(model)
    stream.learn(rows(200, seed=3)).result()
    assert stream.get_statistics().n_models == 2
    np.testing.assert_array_equal(model.score_samples(NEW), before)
    after = stream.process_batch(NEW).anomaly_score
    np.testing.assert_array_equal(after, -stream.detector.score_samples(NEW))
    assert (after != -before).any()
    stream.close()


def test_a_model_of_named_features_learns_with_their_names() -> None:
    model = small_pipeline().fit(pd.DataFrame(X, columns=list("abcde")))
    scaler = model[0]
    model[-1].calibrate(scaler.transform(pd.DataFrame(NEW, columns=list("abcde"))), alarm_rate=0.05)
    with StreamingDetector(model, learn_every=150) as stream:
        stream.process_batch(NEW)
        stream.learn(NEW).result()
    assert stream.get_statistics().n_models == 3


def test_a_lesson_keeps_the_alarm_rate_that_was_promised() -> None:
    model = small_pipeline().fit(rows(2000))
    model[-1].calibrate(model[:-1].transform(rows(1000, seed=2)), alarm_rate=0.02)
    stream = StreamingDetector(model)
    for seed in range(4):
        stream.learn(rows(2000, seed=10 + seed)).result()
    assert stream.detector[-1].alarm_rate_ == 0.02
    assert 0.005 < stream.process_batch(rows(4000, seed=5)).is_anomaly.mean() < 0.04
    stream.close()


def test_another_detector_takes_over_between_two_events_and_counts_go_on() -> None:
    stream = StreamingDetector(HistogramDetector().fit(X))
    stream.process_batch(NEW)
    other = small_pipeline().fit(X)
    stream.swap(other)
    verdict = stream.process_event(NEW[0])
    assert verdict.number == 300
    assert verdict.anomaly_score == -other.score_samples(NEW[:1])[0]
    with pytest.raises(UsageError, match="takes 4 features, the one before 5 features"):
        stream.swap(HistogramDetector().fit(X[:, :4]))


def test_a_lesson_of_a_detector_that_was_replaced_is_not_taken() -> None:
    class Slow(FirstColumn):
        def partial_fit(self, X: ArrayLike, y: object = None) -> "Slow":
            begun.set()
            assert replaced.wait(30)
            return self

    begun, replaced = Event(), Event()
    stream = StreamingDetector(Slow().fit(X))
    lesson = stream.learn(NEW)
    assert begun.wait(30)
    other = HistogramDetector().fit(X)
    stream.swap(other)
    replaced.set()
    with pytest.raises(TrainingError, match="another detector has taken the place"):
        lesson.result()
    assert stream.detector is other
    stream.learn(NEW).result()  # by the new one
    assert type(stream.detector) is HistogramDetector
    stream.close()
    with pytest.raises(UsageError, match="the stream is closed"):
        stream.learn(NEW)


@pytest.mark.parametrize("state", [{}, {"limit": {}}, {"limit": None, "recorder": 3}])
def test_what_is_no_state_is_refused(state: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="this is no state of a stream"):
        StreamingDetector(adaptive("extreme")).set_state(state)
    fixed = StreamingDetector(FirstColumn().fit(X)).get_state()
    with pytest.raises(DataError, match="this is no state of a stream"):
        StreamingDetector(adaptive("extreme")).set_state(fixed)


def test_a_detector_that_cannot_learn_takes_no_place_where_events_are_learned() -> None:
    with StreamingDetector(FirstColumn().fit(X), learn_every=100) as stream:
        with pytest.raises(UsageError, match="IsolationForest has no partial_fit"):
            stream.swap(IsolationForest(n_estimators=5, random_state=0).fit(X))
        assert type(stream.detector) is FirstColumn
        stream.learn(NEW).result()


def test_a_stream_may_be_closed_while_other_threads_judge() -> None:
    for _ in range(20):
        stream = StreamingDetector(FirstColumn().fit(X), learn_every=10)
        with ThreadPoolExecutor(2) as threads:
            judging = [threads.submit(stream.process_batch, part) for part in np.split(NEW, 20)]
            stream.close()
        assert sum(len(each.result()) for each in judging) == len(NEW)


def test_too_few_rows_to_keep_a_promise_are_refused() -> None:
    detector = AutoencoderDetector(max_epochs=2, random_state=0).fit(X)
    detector.calibrate(rows(1000, seed=2), alarm_rate=0.01)
    stream = StreamingDetector(detector)
    with pytest.raises(UsageError, match="found 400 rows to learn from, expected 496 or more"):
        stream.learn(X)
    stream.learn(rows(496)).result()
    stream.learn(rows(10)).result()
    stream.close()


def test_a_lesson_that_fails_leaves_the_detector_as_it_was() -> None:
    stream = StreamingDetector(FirstColumn().fit(X))
    with pytest.raises(TrainingError, match="diverged"):
        stream.learn(X * 1e9).result()
    assert stream.get_statistics().n_models == 1
    stream.close()


def judge_and_close(stream: StreamingDetector, events: np.ndarray) -> None:
    stream.process_batch(events)
    stream.close()


def test_a_lesson_of_judged_events_that_fails_does_not_stop_the_stream() -> None:
    stream = StreamingDetector(FirstColumn().fit(X), learn_every=100)
    huge = NEW.copy()
    huge[:, 1] = 1e9
    with pytest.warns(UserWarning, match="learning in the background failed.*diverged"):
        judge_and_close(stream, huge)
    assert stream.process_event(NEW[0]).number == 300
    statistics = stream.get_statistics()
    assert (statistics.n_models, statistics.lesson_error) == (1, "it diverged")


def test_a_detector_that_cannot_learn_says_so() -> None:
    stream = StreamingDetector(IsolationForest(random_state=0).fit(X))
    with pytest.raises(UsageError, match="IsolationForest has no partial_fit"):
        stream.learn(X)
    with pytest.raises(UsageError, match="IsolationForest has no partial_fit"):
        StreamingDetector(IsolationForest(random_state=0).fit(X), learn_every=100)


def test_judged_events_are_learned_and_flagged_ones_are_not() -> None:
    stream = StreamingDetector(FirstColumn().fit(X), learn_every=200)
    threshold = stream.get_statistics().threshold
    events = NEW.copy()
    events[:50, 0] = 100
    stream.process_batch(events[:150])
    for row in events[150:250]:
        stream.process_event(row)
    stream.close()
    assert stream.detector.n_learned_ == 200 - (events[:200, 0] > threshold).sum()
    assert stream.get_statistics().n_models == 2


def test_a_continual_detector_gets_all_events_in_their_order() -> None:
    model = ContinualDetector(random_state=0, update_every=64).fit(rows(400))
    with StreamingDetector(model, learn_every=256) as stream:
        stream.process_batch(rows(600, seed=4))
    assert stream.detector.n_rows_seen_ == 600
    assert model.n_rows_seen_ == 0


def test_an_adaptive_threshold_goes_on_when_the_detector_inside_has_learned() -> None:
    inside = AutoencoderDetector(max_epochs=3, random_state=0)
    model = AdaptiveThreshold(inside, contamination=0.02).fit(rows(2000))
    stream = StreamingDetector(model)
    stream.process_batch(rows(3000, seed=4))
    stream.learn(rows(1000, seed=5)).result()
    found = stream.process_batch(rows(5000, seed=6))
    assert 0.012 < found.is_anomaly.mean() < 0.03
    stream.close()
