"""What split-conformal calibration promises, counted exactly on rows that are their own scores."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import beta

from skdqm.base import BaseDetector

# Few distinct values: ties are common.
SCORES = st.lists(st.integers(-5, 5).map(float), min_size=4, max_size=25)
RATES = st.floats(0.3, 0.95)


class AsGiven(BaseDetector):
    """The score of a row is its one value; low is abnormal."""

    def _fit(self, X: NDArray[Any]) -> None:
        self.n_seen_ = len(X)

    def _anomaly_score(self, X: NDArray[Any]) -> NDArray[np.float64]:
        return -X[:, 0].astype(np.float64)

    def _partial_fit(self, X: NDArray[Any]) -> None:
        self.n_seen_ += len(X)


def column(scores: Any) -> NDArray[np.float64]:
    return np.asarray(scores, dtype=np.float64).reshape(-1, 1)


def calibrated(scores: Any, alarm_rate: float) -> AsGiven:
    detector = AsGiven().fit(column([0, 1]))
    return detector.calibrate(column(scores), alarm_rate=alarm_rate)


@given(SCORES, RATES)
def test_no_more_than_the_promised_share_of_exchangeable_rows_is_flagged(
    scores: list[float], alarm_rate: float
) -> None:
    # Each row in turn is the new one: that is what exchangeable means, so the promise is a count.
    n_flagged = n_small = 0
    for place, new in enumerate(scores):
        detector = calibrated(scores[:place] + scores[place + 1 :], alarm_rate)
        n_flagged += detector.predict(column([new]))[0] == -1
        n_small += detector.p_values(column([new]))[0] <= alarm_rate
    assert n_flagged <= alarm_rate * len(scores) + 1e-6
    assert n_small <= alarm_rate * len(scores) + 1e-6


@given(SCORES, RATES, RATES)
def test_a_larger_alarm_rate_never_flags_fewer_rows(
    scores: list[float], one: float, other: float
) -> None:
    strict, loose = (calibrated(scores, rate) for rate in sorted((one, other)))
    assert strict.offset_ <= loose.offset_
    grid = column(np.arange(-6, 7))
    assert set(np.flatnonzero(strict.predict(grid) < 0)) <= set(
        np.flatnonzero(loose.predict(grid) < 0)
    )


@given(SCORES, st.randoms(use_true_random=False))
def test_the_order_of_the_calibration_rows_changes_nothing(
    scores: list[float], random: Any
) -> None:
    shuffled = random.sample(scores, len(scores))
    grid = column(np.arange(-6, 7))
    one, other = calibrated(scores, 0.3), calibrated(shuffled, 0.3)
    assert one.offset_ == other.offset_
    np.testing.assert_array_equal(one.p_values(grid), other.p_values(grid))


@given(SCORES)
def test_a_p_value_counts_the_rows_that_are_at_least_as_abnormal_ties_included(
    scores: list[float],
) -> None:
    grid = np.arange(-6.0, 7.0)
    found = calibrated(scores, 0.3).p_values(column(grid))
    expected = [(1 + sum(s <= new for s in scores)) / (1 + len(scores)) for new in grid]
    np.testing.assert_array_equal(found, expected)
    assert (np.diff(found) >= 0).all()
    assert found[-1] == 1


@pytest.mark.parametrize(("n_rows", "alarm_rate", "rank"), [(99, 0.1, 10), (200, 0.02, 4)])
def test_the_interval_of_the_alarm_rate_is_the_central_95_percent_of_the_beta_law(
    n_rows: int, alarm_rate: float, rank: int
) -> None:
    detector = calibrated(np.arange(n_rows), alarm_rate)
    assert detector.alarm_rate_ == alarm_rate
    assert detector.offset_ == rank - 1
    expected = beta(rank, n_rows + 1 - rank).interval(0.95)
    assert detector.alarm_rate_interval_ == pytest.approx(expected)


def test_a_new_fit_leaves_nothing_of_the_calibration() -> None:
    detector = calibrated(np.arange(20), 0.3)
    before = set(vars(detector))
    detector.fit(column([0, 1]))
    promised = {"calibration_scores_", "alarm_rate_", "alarm_rate_interval_"}
    assert before - set(vars(detector)) == promised
