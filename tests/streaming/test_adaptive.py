from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdqm.detectors import AutoencoderDetector, HistogramDetector
from skdqm.exceptions import TrainingError, UsageError
from skdqm.monitoring import MinimumEntries
from skdqm.persistence import load, save
from skdqm.streaming import (
    AdaptiveConformal,
    AdaptiveThreshold,
    PeaksOverThreshold,
    RollingQuantile,
    StreamingDetector,
)
from tests.streaming.streams import FirstColumn, column, rows

STRATEGIES = ["conformal", "extreme", "quantile"]
every_strategy = pytest.mark.parametrize("strategy", STRATEGIES)


def good(n_rows: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).exponential(size=n_rows)


def fitted(strategy: Any = "extreme", rate: float = 0.01, **parameters: Any) -> AdaptiveThreshold:
    detector = AdaptiveThreshold(FirstColumn(), strategy=strategy, contamination=rate, **parameters)
    return detector.fit(column(good(3000)))


def alarms(detector: AdaptiveThreshold, scores: np.ndarray) -> np.ndarray:
    return detector.observe(column(scores))["verdict"].to_numpy() == -1


@every_strategy
@pytest.mark.parametrize("drift", ["none", "shift", "stretch", "jump"])
def test_the_promised_alarm_rate_holds_under_drift(strategy: str, drift: str) -> None:
    scores, time = good(40_000, seed=1), np.linspace(0, 1, 40_000)
    drifting = {
        "none": scores,
        "shift": scores + 3 * time,
        "stretch": scores * (1 + time),
        "jump": scores + 3 * (time > 0.5),
    }[drift]
    assert 0.7 < alarms(fitted(strategy), drifting).mean() / 0.01 < 1.3


def test_a_fixed_threshold_does_not_hold_it() -> None:
    drifting = column(good(40_000, seed=1) + np.linspace(0, 3, 40_000))
    assert (fitted().predict(drifting) == -1).mean() > 0.05


def test_the_default_stays_awake_among_many_anomalies_and_conformal_does_not() -> None:
    scores = good(40_000, seed=1)
    is_anomaly = np.random.default_rng(2).random(40_000) < 0.03
    scores[is_anomaly] += np.random.default_rng(3).uniform(3, 20, size=is_anomaly.sum())
    assert alarms(fitted("extreme"), scores)[is_anomaly].mean() > 0.7
    assert alarms(fitted("extreme"), scores)[~is_anomaly].mean() < 0.01
    flagged = alarms(fitted("conformal"), scores)
    assert flagged[is_anomaly].mean() < 0.5
    assert flagged.mean() == pytest.approx(0.01, rel=0.2)


def test_flagged_scores_move_the_threshold_only_when_they_are_to() -> None:
    scores = good(20_000, seed=1)
    scores[::20] = 40
    for strategy in ("extreme", "quantile"):
        assert alarms(fitted(strategy, uses_flagged=True), scores).mean() < 0.02
        assert (
            fitted(strategy, uses_flagged=True).observe(column(scores)).iloc[-1]["threshold"] > 12
        )


def test_without_a_drift_window_the_bulk_is_not_followed() -> None:
    detector = fitted("extreme", drift_window=None)
    jump = np.concatenate([good(500, seed=1), good(2000, seed=2) + 10])
    assert alarms(detector, jump)[600:700].mean() > 0.9


@every_strategy
def test_observing_moves_the_threshold_and_nothing_else(strategy: str) -> None:
    detector = fitted(strategy)
    before, offset = detector.score_samples(column(good(50))), detector.offset_
    detector.predict(column(good(500) + 3))
    assert detector.offset_ == offset
    found = detector.observe(column(good(500, seed=1) + 3))
    assert detector.offset_ == -found["threshold"].iloc[-1] or detector.offset_ != offset
    np.testing.assert_array_equal(detector.score_samples(column(good(50))), before)


@every_strategy
def test_verdicts_are_those_of_a_stream(strategy: str) -> None:
    scores = column(good(1000, seed=1) + np.arange(1000) / 500)
    detector, stream = fitted(strategy), StreamingDetector(fitted(strategy))
    found = pd.concat([detector.observe(part) for part in np.split(scores, 4)], ignore_index=True)
    expected = stream.process_batch(scores).frame()
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])


@every_strategy
def test_a_row_is_flagged_when_its_p_value_is_below_the_promise(strategy: str) -> None:
    found = fitted(strategy).observe(column(good(3000, seed=1)))
    assert ((found["verdict"] == -1) == (found["p_value"] < 0.01)).all()
    assert found["p_value"].between(0, 1).all()
    order = np.argsort(found["anomaly_score"][:100])
    assert (np.diff(found["p_value"][:100].to_numpy()[order]) <= 0).all()


@every_strategy
def test_p_values_of_good_rows_are_uniform(strategy: str) -> None:
    p_values = fitted(strategy).observe(column(good(5000, seed=1)))["p_value"]
    assert np.abs(np.quantile(p_values, [0.1, 0.5, 0.9]) - [0.1, 0.5, 0.9]).max() < 0.05


def test_a_calibration_starts_anew_and_stays_in_force() -> None:
    detector = fitted()
    detector.observe(column(good(2000, seed=1) + 5))
    detector.calibrate(column(good(3000, seed=2)), alarm_rate=0.05)
    assert detector.offset_ == pytest.approx(np.log(0.05), abs=0.2)
    flagged = alarms(detector, good(20_000, seed=3) + np.linspace(0, 2, 20_000))
    assert flagged.mean() == pytest.approx(0.05, rel=0.2)
    assert detector.alarm_rate_ == 0.05


@every_strategy
def test_a_loaded_detector_goes_on_observing_as_the_saved_one(
    strategy: str, tmp_path: Path
) -> None:
    inside = HistogramDetector()
    detector = AdaptiveThreshold(inside, strategy=strategy, block_size=50).fit(rows(500))
    detector.observe(rows(333, seed=1))
    save(detector, tmp_path / "model")
    twin = load(tmp_path / "model")
    pd.testing.assert_frame_equal(
        twin.observe(rows(300, seed=2)), detector.observe(rows(300, seed=2))
    )
    assert twin.offset_ == detector.offset_


def test_strategies_of_ones_own_settings_are_kept_in_a_model_file(tmp_path: Path) -> None:
    for strategy in (AdaptiveConformal(0.1), PeaksOverThreshold(0.1), RollingQuantile(500)):
        save(AdaptiveThreshold(HistogramDetector(), strategy=strategy), tmp_path / "model")
        assert repr(load(tmp_path / "model").strategy) == repr(strategy)


def test_a_trained_detector_gets_a_threshold_that_follows_and_stays_as_it_is() -> None:
    frame = pd.DataFrame(rows(2000), columns=list("abcde"))
    model = make_pipeline(StandardScaler(), HistogramDetector()).fit(frame)
    good_rows = pd.DataFrame(rows(1000, seed=1), columns=list("abcde"))
    model[-1].calibrate(model[:-1].transform(good_rows), alarm_rate=0.02)
    detector = AdaptiveThreshold.around(model, strategy="conformal")
    assert detector.detector_ is model
    assert detector.offset_ == model[-1].offset_
    assert detector.alarm_rate_ == 0.02
    new = pd.DataFrame(rows(100, seed=2), columns=list("abcde"))
    np.testing.assert_array_equal(detector.observe(new)["anomaly_score"], -model.score_samples(new))
    with pytest.raises(UsageError, match="this HistogramDetector is not calibrated"):
        AdaptiveThreshold.around(HistogramDetector().fit(frame))
    with pytest.raises(ValueError, match="'strategy' parameter"):
        AdaptiveThreshold.around(model, strategy="best")


def test_a_strategy_is_judged_by_fit() -> None:
    with pytest.raises(ValueError, match="'tail' parameter of PeaksOverThreshold"):
        AdaptiveThreshold(FirstColumn(), strategy=PeaksOverThreshold(tail=2)).fit(rows(100))
    with pytest.raises(ValueError, match="'strategy' parameter of AdaptiveThreshold"):
        AdaptiveThreshold(FirstColumn(), strategy="best").fit(rows(100))


def test_learning_takes_the_threshold_along_with_the_scores() -> None:
    inside = AutoencoderDetector(hidden_layer_sizes=(16,), max_epochs=3, random_state=0)
    detector = AdaptiveThreshold(inside, contamination=0.05).fit(rows(2000))
    detector.observe(rows(3000, seed=1))
    for seed in range(5):
        detector.partial_fit(rows(500, seed=10 + seed))
    flagged = detector.observe(rows(5000, seed=2))["verdict"] == -1
    assert flagged[:128].mean() < 0.15
    assert flagged.mean() == pytest.approx(0.05, rel=0.3)


def test_learning_that_fails_leaves_the_detector_as_it_was() -> None:
    detector = AdaptiveThreshold(FirstColumn()).fit(rows(500))
    detector.observe(rows(300, seed=1))
    twin = AdaptiveThreshold(FirstColumn()).fit(rows(500))
    twin.observe(rows(300, seed=1))
    with pytest.raises(TrainingError):
        detector.partial_fit(rows(200) * 1e6)
    pd.testing.assert_frame_equal(
        detector.observe(rows(200, seed=2)), twin.observe(rows(200, seed=2))
    )


def test_rows_with_too_little_data_have_no_verdict_and_move_nothing() -> None:
    counts = np.random.default_rng(0).poisson(100, size=(1000, 5)).astype(float)
    detector = AdaptiveThreshold(MinimumEntries(min_entries=50), block_size=10).fit(counts)
    poor = np.ones((40, 5))
    found = detector.observe(poor)
    assert (found["verdict"] == 0).all()
    assert found["p_value"].isna().all()
    assert (found["threshold"] == found["threshold"].iloc[0]).all()
    assert (detector.observe(counts[:50])["verdict"] != 0).all()


def test_frames_keep_their_index_and_steps_before_are_allowed() -> None:
    frame = pd.DataFrame(rows(400), columns=list("abcde"), index=np.arange(400) * 10)
    detector = AdaptiveThreshold(make_pipeline(StandardScaler(), HistogramDetector())).fit(frame)
    assert detector.observe(frame[:7]).index.tolist() == [0, 10, 20, 30, 40, 50, 60]
    assert StreamingDetector(detector).process_event(rows(1)[0]).number == 0


@pytest.mark.parametrize("strategy", ["extreme", "quantile"])
def test_equal_scores_are_no_alarms_and_no_errors(strategy: str) -> None:
    detector = AdaptiveThreshold(FirstColumn(), strategy=strategy, block_size=10)
    detector.fit(column(np.ones(200)))
    assert not alarms(detector, np.ones(300)).any()
    assert alarms(detector, np.full(5, 2.0)).all()
