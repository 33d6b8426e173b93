"""The gate: rows of too few entries get no verdict, and teach nothing."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdqm._lumisections import bin_names, lumisection_index
from skdqm.detectors import HistogramDetector, ReferenceDetector
from skdqm.exceptions import DataError, UsageError
from skdqm.monitoring import ElementsDetector, MinimumEntries, PersistenceDetector
from skdqm.persistence import load, save
from skdqm.preprocessing import LumisectionSum

SHAPE = np.array([50.0, 200.0, 400.0, 200.0, 50.0])
COMPARES = ReferenceDetector(exposure=None, fluctuations="empirical")


def table(entries: Any, *, seed: int = 0, length: int = 60) -> pd.DataFrame:
    """Return lumisections of so many entries each, on average, in runs of one length."""
    exposures = np.asarray(entries, dtype=float)
    counts = np.random.default_rng(seed).poisson(np.outer(exposures / SHAPE.sum(), SHAPE))
    places = np.arange(len(exposures))
    index = lumisection_index(7 + places // length, 1 + places % length)
    return pd.DataFrame(counts.astype(float), index, bin_names("charge", (5,)))


def mixed(n: int, *, seed: int = 0) -> tuple[pd.DataFrame, Any]:
    """Return rows of which every third is almost empty, and which are full."""
    full = np.arange(n) % 3 != 1
    return table(np.where(full, 900, 5), seed=seed), full


X, FULL = mixed(300)


@parametrize_with_checks(
    [
        MinimumEntries(IsolationForest(n_estimators=10), min_entries=0, random_state=0),
        MinimumEntries(make_pipeline(StandardScaler(), COMPARES), min_entries=0),
        MinimumEntries(PersistenceDetector(COMPARES, persistence=1), min_entries=0),
    ]
)
def test_scikit_learn_checks(estimator: Any, check: Any) -> None:
    check(estimator)


@given(
    st.lists(st.lists(st.integers(0, 90), min_size=5, max_size=5), min_size=1),
    st.integers(0, 300),
)
def test_there_is_no_verdict_exactly_below_the_minimum(rows: list[list[int]], least: int) -> None:
    gate = MinimumEntries(min_entries=least).fit(X[FULL].to_numpy())
    assert ((gate.predict(rows) == 0) == (np.sum(rows, axis=1) < least)).all()


def test_rows_of_too_few_entries_are_never_learned() -> None:
    gate, alone = MinimumEntries(min_entries=100).fit(X), ReferenceDetector().fit(X[FULL])
    np.testing.assert_array_equal(gate.score_samples(X), alone.score_samples(X))
    np.testing.assert_array_equal(gate.feature_scores(X), alone.feature_scores(X))
    np.testing.assert_array_equal(gate.reconstruct(X), alone.reconstruct(X))


def test_threshold_calibration_and_p_values_do_not_count_them() -> None:
    gate = MinimumEntries(min_entries=100, contamination=0.1).fit(X)
    assert gate.offset_ == np.quantile(gate.score_samples(X[FULL]), 0.1)
    held_out, full = mixed(600, seed=1)
    gate.calibrate(held_out, alarm_rate=0.05)
    other = MinimumEntries(min_entries=100).fit(X).calibrate(held_out[full], alarm_rate=0.05)
    assert len(gate.calibration_scores_) == full.sum()
    assert gate.offset_ == other.offset_
    np.testing.assert_array_equal(gate.p_values(X), other.p_values(X))


def test_the_calibrated_alarm_rate_holds_on_new_rows_whatever_lies_between_them() -> None:
    gate = MinimumEntries(min_entries=100).fit(X).calibrate(mixed(3000, seed=2)[0], alarm_rate=0.05)
    new, full = mixed(6000, seed=3)
    verdicts = gate.predict(new)
    low, high = gate.alarm_rate_interval_
    margin = 3 * np.sqrt(0.05 * 0.95 / full.sum())
    assert low - margin < (verdicts[full] == -1).mean() < high + margin
    assert (verdicts[~full] == 0).all()


def test_verdicts_say_0_and_keep_the_index() -> None:
    verdicts = MinimumEntries(min_entries=100).fit(X).verdicts(X)
    pd.testing.assert_index_equal(verdicts.index, X.index)
    assert (verdicts["verdict"][~FULL] == 0).all()
    assert np.isfinite(verdicts["anomaly_score"]).all()


def test_entries_stand_in_a_column_of_any_name_or_number() -> None:
    events = np.where(FULL, 10.0, 9.0)
    named = X.assign(n_events=events)
    inner = ReferenceDetector(exposure="n_events")
    by_name = MinimumEntries(inner, min_entries=10, entries="n_events").fit(named)
    np.testing.assert_array_equal(by_name.predict(named) == 0, ~FULL)
    by_number = MinimumEntries(COMPARES, min_entries=10, entries=5).fit(named.to_numpy())
    np.testing.assert_array_equal(by_number.predict(named.to_numpy()) == 0, ~FULL)


@pytest.mark.parametrize("entries", ["events", 5, -1, True])
def test_a_column_of_entries_that_does_not_exist_is_named(entries: Any) -> None:
    with pytest.raises(UsageError, match=f"entries={entries!r}"):
        MinimumEntries(entries=entries).fit(X)


@pytest.mark.parametrize("n_full", [0, 1])
def test_too_few_rows_with_enough_entries_say_how_many_and_what_to_do(n_full: int) -> None:
    few = table([900.0] * n_full + [5.0] * 8)
    with pytest.raises(
        DataError,
        match=f"{n_full} of {n_full + 8} rows have 100 entries or more.*"
        "lower min_entries, or sum lumisections",
    ):
        MinimumEntries(min_entries=100).fit(few)


def test_a_refused_fit_leaves_the_gate_as_it_was() -> None:
    gate = MinimumEntries(min_entries=100).fit(X)
    before = gate.score_samples(X)
    with pytest.raises(DataError, match="0 of 8 rows"):
        gate.fit(table([5.0] * 8))
    np.testing.assert_array_equal(gate.score_samples(X), before)


def test_a_block_without_enough_entries_teaches_nothing() -> None:
    gate = MinimumEntries(min_entries=100).fit(X)
    scores, offset = gate.score_samples(X), gate.offset_
    gate.partial_fit(table([5.0] * 20))
    np.testing.assert_array_equal(gate.score_samples(X), scores)
    assert gate.offset_ == offset


def test_a_block_teaches_what_its_full_rows_do() -> None:
    block, full = mixed(90, seed=4)
    gates = [MinimumEntries(min_entries=100).fit(X) for _ in range(2)]
    gates[0].partial_fit(block)
    gates[1].partial_fit(block[full])
    np.testing.assert_array_equal(gates[0].score_samples(X), gates[1].score_samples(X))
    assert gates[0].offset_ == gates[1].offset_


def test_a_first_block_without_enough_entries_is_refused_and_the_next_one_is_the_first() -> None:
    gate = MinimumEntries(min_entries=100)
    with pytest.raises(DataError, match="0 of 20 rows"):
        gate.partial_fit(table([5.0] * 20))
    gate.partial_fit(X)
    np.testing.assert_array_equal(
        gate.score_samples(X), MinimumEntries(min_entries=100).partial_fit(X).score_samples(X)
    )


def test_min_entries_that_change_later_do_not_change_what_was_fitted() -> None:
    gate = MinimumEntries(min_entries=100).fit(X)
    assert (gate.set_params(min_entries=0).predict(X)[~FULL] == 0).all()


def test_sums_before_the_gate_give_it_the_entries_that_one_lumisection_lacks() -> None:
    thin = table(np.full(300, 50.0))
    gated = make_pipeline(LumisectionSum(3), MinimumEntries(min_entries=100)).fit(thin)
    numbers = thin.index.get_level_values("lumisection")
    assert (gated.predict(thin)[numbers == 1] == 0).all()
    assert (gated.predict(thin)[numbers >= 3] != 0).mean() > 0.99


def test_sums_behind_the_gate_see_which_run_a_row_is_of() -> None:
    gate = MinimumEntries(make_pipeline(LumisectionSum(3), ReferenceDetector()), min_entries=100)
    by_hand = ReferenceDetector().fit(LumisectionSum(3).fit_transform(X[FULL]))
    summed = LumisectionSum(3).fit_transform(X)
    gate.fit(X)
    np.testing.assert_array_equal(gate.score_samples(X), by_hand.score_samples(summed))
    np.testing.assert_array_equal(gate.feature_scores(X), by_hand.feature_scores(summed))


def test_it_abstains_where_its_detector_does() -> None:
    inner = ElementsDetector(MinimumEntries(min_entries=100))
    gate = MinimumEntries(inner, min_entries=0).fit(X)
    assert (gate.predict(X)[~FULL] == 0).all()
    assert (gate.predict(X)[FULL] != 0).all()


def test_it_learns_and_localises_only_if_its_detector_does() -> None:
    forest = MinimumEntries(IsolationForest())
    for name in ("partial_fit", "feature_scores", "reconstruct"):
        assert not hasattr(forest, name)
        assert hasattr(MinimumEntries(), name)
    assert MinimumEntries().signed_feature_scores
    assert not MinimumEntries(HistogramDetector()).signed_feature_scores


def test_a_loaded_gate_gates_as_the_saved_one(tmp_path: Path) -> None:
    named = X.assign(n_events=np.where(FULL, 10.0, 9.0))
    gate = MinimumEntries(min_entries=10, entries="n_events").fit(named)
    save(gate, tmp_path / "gate")
    np.testing.assert_array_equal(load(tmp_path / "gate").predict(named), gate.predict(named))
