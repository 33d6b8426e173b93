"""The contract that BaseDetector keeps, on a detector simple enough to check by hand."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import beta, kstest
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdqm.base import BaseDetector
from skdqm.exceptions import (
    CalibrationWarning,
    NotCalibratedError,
    SkdqmError,
    TrainingError,
    UsageError,
)


class DistanceDetector(BaseDetector):
    """Distance to the mean of the training rows."""

    def _fit(self, X: NDArray[Any]) -> None:
        self.mean_ = X.mean(axis=0)

    def _anomaly_score(self, X: NDArray[Any]) -> NDArray[np.float64]:
        return np.abs(X - self.mean_).max(axis=1).astype(np.float64)


class LearningDetector(DistanceDetector):
    """The same, able to go on learning and to localise."""

    def _partial_fit(self, X: NDArray[Any]) -> None:
        self.mean_ = X.mean(axis=0)

    def _feature_scores(self, X: NDArray[Any]) -> NDArray[np.float64]:
        return np.abs(X - self.mean_).astype(np.float64)


class BrokenDetector(LearningDetector):
    """Gives scores that are not numbers."""

    def _anomaly_score(self, X: NDArray[Any]) -> NDArray[np.float64]:
        return np.full(len(X), np.nan)


@pytest.fixture
def rows() -> NDArray[np.float64]:
    return np.random.default_rng(0).normal(size=(500, 3))


@parametrize_with_checks([DistanceDetector(), LearningDetector()])
def test_the_simplest_subclasses_pass_the_checks_of_scikit_learn(
    estimator: Any, check: Any
) -> None:
    check(estimator)


def test_low_scores_are_abnormal_and_predict_follows_the_threshold(rows: NDArray[Any]) -> None:
    detector = DistanceDetector(contamination=0.1).fit(rows)
    far, near = np.full((1, 3), 50.0), np.zeros((1, 3))
    assert detector.score_samples(far) < detector.score_samples(near)
    assert detector.predict(far) == -1
    assert detector.predict(near) == 1
    np.testing.assert_array_equal(
        detector.decision_function(rows), detector.score_samples(rows) - detector.offset_
    )
    assert (detector.predict(rows) == -1).mean() == pytest.approx(0.1)


def test_what_a_detector_cannot_do_is_not_there(rows: NDArray[Any]) -> None:
    plain, learning = DistanceDetector(), LearningDetector()
    assert not hasattr(plain, "partial_fit")
    assert not hasattr(plain, "feature_scores")
    assert hasattr(learning, "partial_fit")
    assert learning.fit(rows).feature_scores(rows).shape == rows.shape


@pytest.mark.parametrize(
    "call", ["score_samples", "predict", "decision_function", "p_values", "calibrate"]
)
def test_an_unfitted_detector_refuses_to_answer(call: str, rows: NDArray[Any]) -> None:
    with pytest.raises(NotFittedError):
        getattr(DistanceDetector(), call)(rows)


def test_scores_that_are_not_finite_fail_the_fit_and_leave_it_unfitted(rows: NDArray[Any]) -> None:
    detector = BrokenDetector()
    with pytest.raises(TrainingError, match="not finite"):
        detector.fit(rows)
    with pytest.raises(NotFittedError):
        detector.predict(rows)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_single_event_that_is_not_finite_is_refused(bad: float, rows: NDArray[Any]) -> None:
    detector = DistanceDetector().fit(rows)
    with pytest.raises(ValueError, match="contains"):
        detector.score_samples(np.array([[0.0, bad, 0.0]]))


def test_a_single_event_of_the_wrong_width_is_refused(rows: NDArray[Any]) -> None:
    with pytest.raises(ValueError, match="expecting 3 features"):
        DistanceDetector().fit(rows).score_samples(np.zeros((1, 4)))


def test_partial_fit_first_starts_and_then_follows(rows: NDArray[Any]) -> None:
    detector = LearningDetector(contamination=0.1).partial_fit(rows)
    assert (detector.predict(rows) == -1).mean() == pytest.approx(0.1, abs=0.01)
    for _ in range(10):
        detector.partial_fit(rows + 5)
    assert (detector.predict(rows + 5) == -1).mean() == pytest.approx(0.1, abs=0.02)
    assert len(detector._recent_scores) <= 2048


class FrozenDetector(LearningDetector):
    """Learns nothing from an update."""

    def _partial_fit(self, X: NDArray[Any]) -> None:
        pass


def test_a_small_update_after_a_large_fit_keeps_the_share_that_is_flagged() -> None:
    many = np.random.default_rng(0).normal(size=(20_000, 3))
    detector = FrozenDetector(contamination=0.01).fit(many)
    for start in range(0, 2000, 200):
        detector.partial_fit(many[start : start + 200])
        assert (detector.predict(many) == -1).mean() == pytest.approx(0.01, abs=0.006)


class FailingUpdate(LearningDetector):
    """Changes, and then gives scores that are not numbers."""

    def _partial_fit(self, X: NDArray[Any]) -> None:
        self.mean_ = np.full(X.shape[1], np.nan)


def test_an_update_that_fails_leaves_scores_and_calibration_as_they_were(
    rows: NDArray[Any],
) -> None:
    detector = FailingUpdate().fit(rows).calibrate(rows, alarm_rate=0.05)
    before = detector.p_values(rows)
    with pytest.raises(TrainingError):
        detector.partial_fit(rows)
    np.testing.assert_array_equal(detector.p_values(rows), before)


def test_a_refit_that_fails_leaves_the_fitted_detector_as_it_was(rows: NDArray[Any]) -> None:
    detector = DistanceDetector().fit(rows)
    before = detector.score_samples(rows)
    with pytest.raises(ValueError, match="NaN"):
        detector.fit(np.full((5, 2), np.nan))
    np.testing.assert_array_equal(detector.score_samples(rows), before)


def test_partial_fit_drops_the_calibration_and_says_so(rows: NDArray[Any]) -> None:
    detector = LearningDetector().fit(rows).calibrate(rows, alarm_rate=0.05)
    with pytest.warns(CalibrationWarning, match="calibrate again") as caught:
        detector.partial_fit(rows)
    assert caught[0].filename == __file__
    with pytest.raises(NotCalibratedError, match="call calibrate"):
        detector.p_values(rows)


def test_a_new_fit_forgets_the_calibration(rows: NDArray[Any]) -> None:
    detector = LearningDetector().fit(rows).calibrate(rows, alarm_rate=0.05).fit(rows)
    assert not hasattr(detector, "alarm_rate_")


@given(n_rows=st.integers(20, 300), alarm_rate=st.floats(0.05, 0.9), seed=st.integers(0, 2**31 - 1))
def test_calibration_flags_exactly_the_rows_with_small_p_values(
    n_rows: int, alarm_rate: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    detector = DistanceDetector().fit(rng.normal(size=(50, 2)))
    detector.calibrate(rng.normal(size=(n_rows, 2)), alarm_rate=alarm_rate)
    fresh = rng.normal(size=(200, 2))
    flagged = detector.predict(fresh) == -1
    np.testing.assert_array_equal(flagged, detector.p_values(fresh) <= alarm_rate + 1e-9)


def test_realised_alarm_rates_follow_the_beta_law_of_split_conformal() -> None:
    rng = np.random.default_rng(3)
    detector = DistanceDetector().fit(rng.normal(size=(100, 1)))
    fresh = rng.normal(size=(100_000, 1))
    realised = [
        (detector.calibrate(rng.normal(size=(1000, 1)), alarm_rate=0.01).predict(fresh) < 0).mean()
        for _ in range(200)
    ]
    assert kstest(realised, beta(10, 991).cdf).pvalue > 0.01
    low, high = detector.alarm_rate_interval_
    inside = np.mean([low <= rate <= high for rate in realised])
    assert 0.9 <= inside <= 0.99


@pytest.mark.parametrize("alarm_rate", [0, 1, -0.1, "much", None])
def test_an_impossible_alarm_rate_is_refused(alarm_rate: Any, rows: NDArray[Any]) -> None:
    with pytest.raises(UsageError, match=r"in \(0, 1\)"):
        DistanceDetector().fit(rows).calibrate(rows, alarm_rate=alarm_rate)


def test_an_alarm_rate_close_to_one_takes_the_largest_score(rows: NDArray[Any]) -> None:
    detector = DistanceDetector().fit(rows).calibrate(rows[:10], alarm_rate=1 - 1e-12)
    assert detector.offset_ == detector.calibration_scores_[-1]


def test_ties_only_lower_the_alarm_rate(rows: NDArray[Any]) -> None:
    detector = DistanceDetector().fit(rows).calibrate(np.zeros((1000, 3)), alarm_rate=0.05)
    assert (detector.predict(np.zeros((10, 3))) == 1).all()


def test_too_few_calibration_rows_are_refused_with_the_number_needed(rows: NDArray[Any]) -> None:
    detector = DistanceDetector().fit(rows)
    with pytest.raises(UsageError, match="at least 999 good rows, found 500"):
        detector.calibrate(rows, alarm_rate=0.001)
    detector.calibrate(np.vstack([rows, rows])[:999], alarm_rate=0.001)


# What a detector may ask of rows: how much they hold, and what else the user said of them.


class GatedDetector(LearningDetector):
    """No verdict on rows whose first value is negative."""

    def _has_enough(self, rows: NDArray[Any]) -> NDArray[np.bool_]:
        return np.asarray(rows[:, 0] >= 0)


def gated(rows: NDArray[Any], *, enough: bool = True) -> NDArray[np.float64]:
    """Return rows that hold enough, or too little."""
    return np.column_stack([np.abs(rows[:, 0]) * (1 if enough else -1), rows[:, 1:]])


def test_rows_that_hold_too_little_are_neither_good_nor_bad(rows: NDArray[Any]) -> None:
    detector = GatedDetector().fit(gated(rows))
    far = np.array([[50.0, 50.0, 50.0], [-50.0, 50.0, 50.0], [0.5, 0.0, 0.0], [-0.5, 0.0, 0.0]])
    found = detector.predict(far)
    np.testing.assert_array_equal(found, [-1, 0, 1, 0])
    assert found.dtype == np.int64
    assert np.isfinite(detector.decision_function(far)).all()
    np.testing.assert_array_equal(detector.verdicts(far)["verdict"], found)


def test_rows_that_hold_too_little_move_no_threshold(rows: NDArray[Any]) -> None:
    little = gated(100 * rows, enough=False)
    mixed = np.concatenate([gated(rows), little])
    detector = GatedDetector(contamination=0.1).fit(mixed)
    scores = detector.score_samples(gated(rows))
    assert detector.offset_ == pytest.approx(np.quantile(scores, 0.1))
    assert len(detector._recent_scores) == len(rows)


def test_an_update_with_rows_that_hold_too_little_keeps_the_threshold(rows: NDArray[Any]) -> None:
    detector = GatedDetector(contamination=0.1).fit(gated(rows))
    before = detector.offset_
    assert detector.partial_fit(gated(100 * rows, enough=False)).offset_ == before


@pytest.mark.parametrize("learn", ["fit", "partial_fit"])
def test_training_rows_that_all_hold_too_little_are_refused_in_words(
    learn: str, rows: NDArray[Any]
) -> None:
    with pytest.raises(SkdqmError, match="enough"):
        getattr(GatedDetector(), learn)(gated(rows, enough=False))


def test_calibration_counts_the_rows_that_hold_enough(rows: NDArray[Any]) -> None:
    mixed = np.concatenate([gated(rows), gated(100 * rows, enough=False)])
    detector = GatedDetector().fit(gated(rows)).calibrate(mixed, alarm_rate=0.1)
    alone = GatedDetector().fit(gated(rows)).calibrate(gated(rows), alarm_rate=0.1)
    assert detector.offset_ == alone.offset_
    assert detector.alarm_rate_interval_ == alone.alarm_rate_interval_
    np.testing.assert_array_equal(detector.calibration_scores_, alone.calibration_scores_)
    with pytest.raises(UsageError, match="at least 99 good rows, found 0"):
        detector.calibrate(gated(rows, enough=False), alarm_rate=0.01)


@dataclass(frozen=True)
class NamedRows:
    """Rows with what the user called them."""

    rows: NDArray[Any]
    names: list[Any] | None

    def __len__(self) -> int:
        return len(self.rows)


class ReadingDetector(BaseDetector):
    """Writes down the names of the rows that each of its parts was given."""

    def _as_seen(self, rows: NDArray[Any], X: Any) -> NamedRows:
        return NamedRows(rows, list(X.index) if isinstance(X, pd.DataFrame) else None)

    def _fit(self, X: NamedRows) -> None:
        self.learned_ = X.names

    def _partial_fit(self, X: NamedRows) -> None:
        self.learned_ = X.names

    def _anomaly_score(self, X: NamedRows) -> NDArray[np.float64]:
        self.scored_ = X.names
        return X.rows[:, 0].astype(np.float64)

    def _feature_scores(self, X: NamedRows) -> NDArray[np.float64]:
        self.explained_ = X.names
        return X.rows


@pytest.fixture
def named() -> pd.DataFrame:
    return pd.DataFrame({"a": np.arange(12.0)}, index=[f"row {i}" for i in range(12)])


def test_learning_and_scoring_see_what_the_user_called_the_rows(named: pd.DataFrame) -> None:
    detector = ReadingDetector().fit(named)
    assert detector.learned_ == list(named.index)
    assert detector.partial_fit(named[3:]).learned_ == list(named.index[3:])
    for call in ("score_samples", "predict", "decision_function", "verdicts"):
        getattr(detector, call)(named[:2])
        assert detector.scored_ == ["row 0", "row 1"], call
    detector.feature_scores(named[5:6])
    assert detector.explained_ == ["row 5"]
    detector.calibrate(named[1:], alarm_rate=0.5)
    assert detector.scored_ == list(named.index[1:])


def test_a_few_rows_of_a_plain_array_are_seen_as_many_are(named: pd.DataFrame) -> None:
    detector = ReadingDetector().fit(named.to_numpy())
    assert detector.learned_ is None
    few, many = np.ones((1, 1)), np.ones((100, 1))
    assert set(detector.score_samples(few)) == set(detector.score_samples(many)) == {-1.0}
    assert detector.scored_ is None


def test_rows_that_cannot_be_seen_leave_the_detector_as_it_was(named: pd.DataFrame) -> None:
    class Picky(ReadingDetector):
        def _as_seen(self, rows: NDArray[Any], X: Any) -> NamedRows:
            if not isinstance(X, pd.DataFrame):
                raise UsageError("expected a data frame")
            return super()._as_seen(rows, X)

    detector = Picky().fit(named)
    before = dict(vars(detector))
    with pytest.raises(UsageError, match="expected a data frame"):
        detector.fit(named.to_numpy()[:, [0, 0]])
    assert vars(detector) == before
    assert list(detector.predict(named[:1])) == [1]


# Verdicts.


def test_verdicts_are_scores_labels_and_p_values_with_the_index_of_the_frame(
    named: pd.DataFrame,
) -> None:
    detector = LearningDetector(contamination=0.2).fit(named)
    found = detector.verdicts(named[4:])
    assert list(found.columns) == ["anomaly_score", "verdict"]
    pd.testing.assert_index_equal(found.index, named.index[4:])
    np.testing.assert_array_equal(found["anomaly_score"], -detector.score_samples(named[4:]))
    np.testing.assert_array_equal(found["verdict"], detector.predict(named[4:]))
    found = detector.calibrate(named, alarm_rate=0.2).verdicts(named[:3])
    assert list(found.columns) == ["anomaly_score", "verdict", "p_value"]
    np.testing.assert_array_equal(found["p_value"], detector.p_values(named[:3]))


def test_verdicts_keep_an_index_of_several_levels_and_repeated_names() -> None:
    index = pd.MultiIndex.from_tuples([(1, 2), (1, 3), (1, 3)], names=["run", "lumisection"])
    rows = pd.DataFrame({"a": [1.0, 2.0, 3.0]}, index)
    found = LearningDetector().fit(rows).verdicts(rows)
    pd.testing.assert_index_equal(found.index, index)


@pytest.mark.parametrize("n_rows", [1, 100])
def test_verdicts_of_an_array_are_numbered(n_rows: int, rows: NDArray[Any]) -> None:
    found = DistanceDetector().fit(rows).verdicts(rows[:n_rows])
    assert list(found.index) == list(range(n_rows))
    assert found["verdict"].dtype == np.int64


def test_verdicts_after_an_update_have_no_p_values_any_more(rows: NDArray[Any]) -> None:
    detector = LearningDetector().fit(rows).calibrate(rows, alarm_rate=0.1)
    assert "p_value" in detector.verdicts(rows)
    with pytest.warns(CalibrationWarning):
        detector.partial_fit(rows)
    assert "p_value" not in detector.verdicts(rows)


def test_an_unfitted_detector_has_no_verdicts(rows: NDArray[Any]) -> None:
    with pytest.raises(NotFittedError):
        DistanceDetector().verdicts(rows)
