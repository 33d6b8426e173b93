"""Histograms: rare values add up, one feature after another."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm.detectors import HistogramDetector

X = np.random.default_rng(0).normal(size=(2000, 3))


def test_the_score_is_the_sum_of_the_feature_scores() -> None:
    detector = HistogramDetector().fit(X)
    np.testing.assert_allclose(-detector.score_samples(X), detector.feature_scores(X).sum(axis=1))


def test_a_usual_row_scores_about_zero() -> None:
    detector = HistogramDetector().fit(X)
    assert abs(detector.feature_scores(X).mean()) < 0.05


def test_values_are_as_surprising_as_their_density_says() -> None:
    detector = HistogramDetector(n_bins=200).fit(np.random.default_rng(1).normal(size=(200_000, 1)))
    surprise = -detector.score_samples(np.array([[0.0], [1.0], [2.0]]))
    np.testing.assert_allclose(np.diff(surprise), [0.5, 1.5], atol=0.1)  # x^2 / 2


@given(value=st.floats(6, 1e5), further=st.floats(0.1, 1e5))
def test_outside_all_bins_a_value_is_the_rarer_the_further_away(
    value: float, further: float
) -> None:
    detector = HistogramDetector().fit(X[:300])
    inside, near, far = -detector.score_samples(
        np.array([X[0], [value, 0, 0], [value + further, 0, 0]])
    )
    assert inside < near < far


def test_a_constant_feature_that_moves_is_seen() -> None:
    rows = np.column_stack([X[:, 0], np.full(len(X), 5.0)])
    detector = HistogramDetector().fit(rows)
    assert np.isfinite(detector.score_samples(rows)).all()
    scores = detector.feature_scores(np.array([[0.0, 5.0], [0.0, 6.0]]))
    assert scores[1, 1] > 5 > scores[0, 1]


def test_blocks_count_as_one_table_does_in_the_bins_of_the_first() -> None:
    whole = HistogramDetector(n_bins=20).partial_fit(X)
    blocks = HistogramDetector(n_bins=20).partial_fit(X)
    whole.partial_fit(np.concatenate([X[:500] + 1, X[500:900] - 1]))
    blocks.partial_fit(X[:500] + 1).partial_fit(X[500:900] - 1)
    np.testing.assert_array_equal(whole.counts_, blocks.counts_)
    np.testing.assert_array_equal(whole.score_samples(X), blocks.score_samples(X))


def test_what_comes_again_and_again_becomes_usual() -> None:
    detector = HistogramDetector().fit(X)
    moved = X + 10
    before = detector.score_samples(moved).mean()
    for _ in range(5):
        detector.partial_fit(moved)
    assert detector.score_samples(moved).mean() > before + 10


@pytest.mark.parametrize(("rows", "bins"), [(10, 5), (1000, 20), (1_000_000, 50)])
def test_the_number_of_bins_grows_with_the_rows(rows: int, bins: int) -> None:
    assert HistogramDetector()._number_of_bins(rows) == bins
