"""Faults that stay: found when weak, told from spikes, never carried from run to run."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdqm._lumisections import bin_names, lumisection_index
from skdqm.detectors import HistogramDetector, ReferenceDetector
from skdqm.exceptions import MissingRunsWarning
from skdqm.monitoring import MinimumEntries, PersistenceDetector
from skdqm.persistence import load, save

Floats = NDArray[np.float64]

MEANS = np.array([400.0, 900.0, 1600.0, 900.0, 400.0])
COMPARES = ReferenceDetector(exposure=None, fluctuations="empirical")
UNSIGNED = make_pipeline(StandardScaler(), OneClassSVM(nu=0.05))


def lumisections(n: int, *, seed: int = 0, length: int = 50) -> pd.DataFrame:
    counts = np.random.default_rng(seed).poisson(MEANS, size=(n, 5)).astype(float)
    places = np.arange(n)
    index = lumisection_index(7 + places // length, 1 + places % length)
    return pd.DataFrame(counts, index, bin_names("charge", (5,)))


X, X_NEW = lumisections(400), lumisections(200, seed=1)
# Two standard deviations of counting.
WEAK = 2 * np.sqrt(MEANS[0])


def with_loss(first: int, duration: int, size: float = WEAK) -> pd.DataFrame:
    """Return new rows that lose so many entries of a bin for a while."""
    rows = X_NEW.copy()
    rows.iloc[first : first + duration, 0] -= size
    return rows


def calibrated(**parameters: Any) -> PersistenceDetector:
    return PersistenceDetector(**parameters).fit(X).calibrate(lumisections(1000, seed=2))


@pytest.mark.filterwarnings("ignore::skdqm.exceptions.MissingRunsWarning")
@parametrize_with_checks(
    [
        PersistenceDetector(COMPARES, persistence=1, combine="minimum"),
        PersistenceDetector(COMPARES, combine="product"),
        PersistenceDetector(HistogramDetector(), persistence=2),
        PersistenceDetector(IsolationForest(n_estimators=10), persistence=3, random_state=0),
    ]
)
def test_scikit_learn_checks(estimator: Any, check: Any) -> None:
    check(estimator)


def test_a_weak_fault_that_stays_is_found_and_a_spike_of_its_size_is_not() -> None:
    detector, alone = calibrated(), ReferenceDetector().fit(X).calibrate(X)
    lasting, spikes = with_loss(60, 30), X_NEW.copy()
    spikes.iloc[::10, 0] -= WEAK
    assert (detector.predict(lasting)[66:90] == -1).mean() > 0.9
    assert (alone.predict(lasting)[66:90] == -1).mean() < 0.5
    assert (detector.predict(spikes) == -1).mean() < 0.03


def test_the_alarm_clears_when_the_fault_has_left_the_maps() -> None:
    detector = calibrated(persistence=4)
    np.testing.assert_array_equal(
        detector.score_samples(with_loss(60, 20))[83:], detector.score_samples(X_NEW)[83:]
    )


def test_the_blamed_bin_is_the_one_that_stays_bad() -> None:
    scores = calibrated().feature_scores(with_loss(60, 30))[66:90]
    assert (scores.argmin(axis=1) == 0).all()


def test_kinds_tell_what_stays_from_what_comes_and_goes() -> None:
    detector = PersistenceDetector(ReferenceDetector(contamination=0.003), combine="minimum")
    detector.fit(X).calibrate(lumisections(1000, seed=2))
    rows = with_loss(60, 20, 9 * np.sqrt(MEANS[0]))
    rows.iloc[20, 0] -= 9 * np.sqrt(MEANS[0])
    kinds = detector.kinds(rows)
    assert kinds[20] == "transient"
    assert (kinds[60:65] == "transient").all()  # not known to stay yet
    assert (kinds[65:80] == "persistent").all()
    quiet = np.r_[0:20, 21:60, 86:200]
    assert (kinds[quiet] == "").mean() > 0.95
    assert set(kinds) == {"", "transient", "persistent"}


def test_the_promised_alarm_rate_holds_on_new_runs() -> None:
    detector = PersistenceDetector().fit(X)
    detector.calibrate(lumisections(3000, seed=3), alarm_rate=0.05)
    rate = (detector.predict(lumisections(3000, seed=4)) == -1).mean()
    # Rows share their past, so that as many count as fewer: twice the interval.
    assert 0.03 < rate < 0.07


def test_without_persistence_the_score_is_the_largest_pull() -> None:
    pulls = ReferenceDetector().fit(X).feature_scores(X_NEW)
    for combine in ("mean", "minimum", "product"):
        detector = PersistenceDetector(persistence=1, combine=combine).fit(X)
        np.testing.assert_allclose(detector.feature_scores(X_NEW), pulls, rtol=1e-12, atol=1e-8)
        np.testing.assert_allclose(detector.score_samples(X_NEW), -np.abs(pulls).max(axis=1))


PULLS = ReferenceDetector().fit(X)


@cache
def fitted(steps: int, combine: str) -> PersistenceDetector:
    return PersistenceDetector(persistence=steps, combine=combine).fit(X)


def as_one_would_write_it(rows: pd.DataFrame, steps: int, combine: str) -> Floats:
    """Combine the maps of every row one by one."""
    pulls = dict(zip(rows.index, PULLS.feature_scores(rows), strict=True))
    found = []
    for run, number in rows.index:
        last = [(run, earlier) for earlier in range(number - steps + 1, number + 1)]
        maps = np.array([pulls.get(place, np.zeros(5)) for place in last])
        agree = (maps > 0).all(axis=0) | (maps < 0).all(axis=0)
        sign = np.where(agree, np.sign(maps[0]), 0)
        values = {
            "mean": maps.sum(axis=0) / np.sqrt(steps),
            "minimum": sign * np.abs(maps).min(axis=0),
            "product": sign * np.abs(maps).prod(axis=0) ** (1 / steps),
        }
        found.append(values[combine])
    return np.array(found)


@pytest.mark.parametrize("combine", ["mean", "minimum", "product"])
@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.integers(1, 15)), min_size=1, max_size=30, unique=True
    ),
    st.integers(2, 7),
    st.randoms(use_true_random=False),
)
def test_maps_of_a_run_are_combined_by_number_over_gaps_and_in_any_order(
    combine: str, places: list[tuple[int, int]], steps: int, random: Any
) -> None:
    rows = lumisections(len(places), seed=5)
    shuffled = random.sample(places, len(places))
    rows.index = pd.MultiIndex.from_tuples(shuffled, names=["run", "lumisection"])
    detector = fitted(steps, combine)
    expected = as_one_would_write_it(rows, steps, combine)
    np.testing.assert_allclose(detector.feature_scores(rows), expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(
        detector.score_samples(rows), -np.abs(expected).max(axis=1), rtol=1e-9, atol=1e-9
    )


@given(st.permutations(range(40)))
def test_rows_in_any_order_have_the_same_scores_to_the_bit(order: list[int]) -> None:
    detector, rows = fitted(6, "mean"), X_NEW.iloc[30:70]  # two runs
    np.testing.assert_array_equal(
        detector.score_samples(rows.iloc[order]), detector.score_samples(rows)[order]
    )


def test_a_fault_of_the_last_run_is_not_held_against_the_next() -> None:
    detector = calibrated()
    scores = detector.score_samples(with_loss(40, 10, 300.0))  # the last ten of the first run
    np.testing.assert_array_equal(scores[50:], detector.score_samples(X_NEW)[50:])


@pytest.mark.parametrize("combine", ["minimum", "product"])
def test_a_cell_must_deviate_to_the_same_side_in_all_of_the_maps(combine: str) -> None:
    detector = PersistenceDetector(persistence=2, combine=combine).fit(X)
    rows = with_loss(10, 4, 200.0)
    rows.iloc[11, 0] += 400.0
    scores = detector.feature_scores(rows)[:, 0]
    np.testing.assert_array_equal(scores[[0, 10, 11, 12]], 0)
    assert scores[13] < -5


def test_arrays_stand_alone_aloud() -> None:
    with pytest.warns(MissingRunsWarning, match="index levels 'run' and 'lumisection'"):
        detector = PersistenceDetector().fit(X.to_numpy())
    pulls = ReferenceDetector().fit(X.to_numpy()).feature_scores(X_NEW.to_numpy())
    scores = detector.score_samples(X_NEW.to_numpy())
    np.testing.assert_allclose(scores, -np.abs(pulls).max(axis=1))


def test_rows_that_lost_their_runs_count_as_without_a_past_aloud() -> None:
    detector = PersistenceDetector().fit(X)
    with pytest.warns(MissingRunsWarning):
        scores = detector.score_samples(X_NEW.reset_index(drop=True))
    np.testing.assert_array_equal(scores[::50], detector.score_samples(X_NEW)[::50])


@pytest.mark.parametrize(
    "inner", [UNSIGNED, OneClassSVM(nu=0.05), IsolationForest(n_estimators=50), HistogramDetector()]
)
def test_scores_without_a_sign_count_as_excess_over_what_is_usual(inner: Any) -> None:
    # Those of a one-class SVM are negative: the most usual row has the largest size.
    detector = PersistenceDetector(inner, random_state=0).fit(X)
    faulty = with_loss(60, 30, 6 * np.sqrt(MEANS[0]))
    scores, good = detector.score_samples(faulty), detector.score_samples(X_NEW)
    assert scores[66:90].mean() < good.min()
    first = X_NEW.index.get_level_values("lumisection") <= 6  # without a past
    assert good[first].mean() > good[~first].mean()


def test_less_than_usual_of_what_has_no_sign_is_no_fault() -> None:
    detector = PersistenceDetector(HistogramDetector(), persistence=3).fit(X)
    maps = detector.feature_scores(X_NEW)
    assert (-maps.min(axis=1) > maps.max(axis=1)).any()
    np.testing.assert_array_equal(detector.score_samples(X_NEW), -maps.max(axis=1))


def test_what_is_usual_follows_what_is_learned() -> None:
    detector = PersistenceDetector(HistogramDetector()).partial_fit(X.iloc[:20])
    for first in range(20, 400, 20):
        detector.partial_fit(X.iloc[first : first + 20])
    usual = np.median(detector.detector_.feature_scores(X.iloc[-20:]), axis=0)
    np.testing.assert_array_equal(detector._usual, usual)
    detector.partial_fit(X.iloc[:1])
    np.testing.assert_array_equal(detector._usual, usual)


def test_a_lumisection_without_a_verdict_is_not_held_against_those_after_it() -> None:
    detector = PersistenceDetector(MinimumEntries(min_entries=100)).fit(X)
    rows = X_NEW.copy()
    rows.iloc[70] = [60.0, 0, 0, 0, 0]  # almost empty, and of an unusual shape
    left_out = rows.drop(rows.index[70])
    assert detector.predict(rows)[70] == 0
    assert (detector.kinds(rows)[70]) == ""
    np.testing.assert_array_equal(
        np.delete(detector.score_samples(rows), 70), detector.score_samples(left_out)
    )


def test_a_loaded_detector_judges_and_learns_as_the_saved_one(tmp_path: Path) -> None:
    for inner in (None, HistogramDetector()):
        detector = PersistenceDetector(inner, persistence=3, combine="minimum").fit(X)
        save(detector, tmp_path / "model")
        twin = load(tmp_path / "model")
        np.testing.assert_array_equal(twin.score_samples(X_NEW), detector.score_samples(X_NEW))
        np.testing.assert_array_equal(twin.kinds(X_NEW), detector.kinds(X_NEW))
        np.testing.assert_array_equal(
            twin.partial_fit(X_NEW).feature_scores(X), detector.partial_fit(X_NEW).feature_scores(X)
        )


def test_parameters_that_change_later_do_not_change_what_was_fitted() -> None:
    detector = PersistenceDetector().fit(X)
    before = detector.score_samples(X_NEW)
    detector.set_params(persistence=2, combine="minimum")
    np.testing.assert_array_equal(detector.score_samples(X_NEW), before)
