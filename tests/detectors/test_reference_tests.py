"""Tests of a reference: what they see, what they let pass, and what exposures do to them."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from skdqm.detectors import ReferenceDetector
from skdqm.detectors._projections import PROJECTIONS
from skdqm.detectors._reference_tests import TESTS
from skdqm.exceptions import DataError, UsageError
from tests.detectors.histograms import (
    LUMI,
    SHAPE,
    abnormal,
    detector,
    framed,
    good,
    with_luminosity,
)

ALL_TESTS = [*TESTS, *PROJECTIONS]
# Tests that have a unit yet: each has its own test below, or that of its shapes.
NOT_SCALED = ("kolmogorov_smirnov", "nmf")

every_test = pytest.mark.parametrize("test", ALL_TESTS)


# What the tests see.


# Components of rows that only fluctuate point at the fullest bins: see the test of drifting rows.
@pytest.mark.parametrize("test", [*TESTS, "nmf"])
@pytest.mark.parametrize("fault", ["dead", "hot", "shifted"])
def test_faults_score_above_all_good_rows(test: str, fault: str) -> None:
    rows, fitted = good(50, 2), ReferenceDetector(test=test).fit(good())
    if fault == "shifted":
        rows = np.roll(rows, 1, axis=1)
    else:
        rows[:, 4] *= 0 if fault == "dead" else 3
    assert abnormal(fitted, rows).min() > abnormal(fitted, good(500, 3)).max()


@pytest.mark.parametrize(("factor", "sign"), [(0.0, -1), (0.5, -1), (2.0, 1)])
def test_feature_scores_point_at_the_bin_with_a_sign(factor: float, sign: int) -> None:
    rows = good(20, 1)
    rows[:, 3] *= factor
    features = ReferenceDetector(exposure=None).fit(good()).feature_scores(rows)
    assert (np.abs(features).argmax(axis=1) == 3).all()
    assert (np.sign(features[:, 3]) == sign).all()


@pytest.mark.parametrize("exposure", ["total", None])
@pytest.mark.parametrize("scale", [0.2, 1.0, 1000.0])
def test_pulls_of_good_rows_have_mean_0_and_spread_1(exposure: Any, scale: float) -> None:
    shape = np.array([40.0, 100, 300, 300, 100, 40]) * scale
    fitted = ReferenceDetector(exposure=exposure, tolerance=0).fit(good(2000, 0, shape))
    pulls = fitted.feature_scores(good(2000, 1, shape))
    np.testing.assert_allclose(pulls.mean(axis=0), 0, atol=0.17)
    np.testing.assert_allclose(pulls.std(axis=0), 1, atol=0.1)


@given(seed=st.integers(0, 10_000), scale=st.floats(0.5, 1e4))
@settings(max_examples=15)
def test_a_longer_row_of_the_same_shape_is_as_usual_as_a_short_one(seed: int, scale: float) -> None:
    shape = np.full(8, 100.0)
    fitted = ReferenceDetector().fit(good(100, seed, shape))
    scores = abnormal(fitted, good(200, seed + 1, shape * scale))
    assert np.median(scores) < 3


def test_p_values_of_good_rows_are_uniform() -> None:
    fitted = ReferenceDetector(test="chi2").fit(good(500, 0)).calibrate(good(3000, 1))
    assert kstest(fitted.p_values(good(2000, 2)), "uniform").pvalue > 0.01
    assert (fitted.predict(good(5000, 3)) == -1).mean() == pytest.approx(0.01, abs=0.007)


def test_feature_p_values_of_good_rows_raise_as_few_alarms_as_they_say() -> None:
    shape = np.full(20, 1000.0)
    fitted = ReferenceDetector(exposure=None, tolerance=0).fit(good(2000, 0, shape))
    rows = good(2000, 1, shape)
    smallest = fitted.feature_p_values(rows).min(axis=1)
    assert (smallest <= 0.05).mean() == pytest.approx(0.05, abs=0.02)
    rows[:, 7] *= 0.5
    for correction in ("holm", "bonferroni", "fdr"):
        found = fitted.feature_p_values(rows, correction=correction)
        assert (found[:, 7] < 1e-6).all()
        assert ((found >= 0) & (found <= 1)).all()


def test_feature_p_values_leave_the_exposure_out_and_refuse_what_they_do_not_know() -> None:
    fitted = ReferenceDetector(exposure=0).fit(with_luminosity())
    found = fitted.feature_p_values(with_luminosity(5, 1))
    np.testing.assert_array_equal(found[:, 0], 1)
    assert (found[:, 1:] < 1).any()
    with pytest.raises(UsageError, match=r"'simes'.*expected one of"):
        fitted.feature_p_values(with_luminosity(5, 1), correction="simes")


def test_a_deviation_within_the_tolerance_is_never_held_against_a_row() -> None:
    shape = np.full(10, 1e4)
    # One part in a hundred of 1e8 entries is a hundred standard deviations of counting.
    row = 1e4 * shape[None] * np.where(np.arange(10) == 2, 1.01, 1.0)
    strict, usual, lax = (
        abnormal(ReferenceDetector(tolerance=tolerance).fit(good(400, 0, shape)), row)[0]
        for tolerance in (0, 0.01, 0.1)
    )
    assert strict > 3
    assert usual < 1.2
    assert lax < 0.2


def test_the_modified_chi2_is_the_same_of_many_entries_and_of_more() -> None:
    fitted = ReferenceDetector(test="modified_chi2").fit(good())
    row = SHAPE * np.where(np.arange(len(SHAPE)) == 4, 0.5, 1.0)
    some, more = abnormal(fitted, np.array([row, row * 1e4]) * 100)
    assert some == pytest.approx(more, rel=0.01)


# Rows and bins with few entries.


def test_a_row_without_entries_is_only_bad_if_it_was_exposed() -> None:
    empty = np.zeros((1, len(SHAPE)))
    assert abnormal(ReferenceDetector().fit(good()), empty)[0] < 1e-6
    by_luminosity = ReferenceDetector(exposure=0).fit(with_luminosity())
    assert by_luminosity.predict([[1.0, *empty[0]]]) == -1
    assert by_luminosity.predict([[0.0, *empty[0]]]) == 1


def test_rows_without_entries_do_not_dilute_what_is_learned() -> None:
    rows = np.concatenate([good(), np.zeros((300, len(SHAPE)))])
    mixed, alone = ReferenceDetector().fit(rows), ReferenceDetector().fit(good())
    np.testing.assert_array_equal(mixed.score_samples(good(9)), alone.score_samples(good(9)))


def test_an_entry_where_none_was_seen_is_odd_and_many_are_wrong() -> None:
    fitted = ReferenceDetector(exposure=None).fit(good(200, 0, [100.0, 0.0]))
    none, one, many = fitted.feature_scores([[100.0, 0], [100, 1], [100, 50]])[:, 1]
    assert -0.5 < none <= 0
    assert 1 < one < 5
    assert many > 10


@pytest.mark.parametrize("test", ["kolmogorov_smirnov", "modified_chi2"])
def test_many_bins_that_were_never_filled_do_not_add_up_to_a_deviation(test: str) -> None:
    shape = np.repeat([50.0, 0.0], [50, 2000])
    fitted, filled = (
        ReferenceDetector(test=test).fit(good(5, 0, each)) for each in (shape, shape[:50])
    )
    found = abnormal(fitted, good(50, 1, shape)).mean()
    assert found == pytest.approx(abnormal(filled, good(50, 1, shape[:50])).mean(), abs=0.3)


def test_sparse_maps_find_a_dead_region_and_a_hot_cell() -> None:
    shape = np.full(600, 0.1)
    cells, regions = (
        ReferenceDetector(test=test, exposure=None).fit(good(400, 0, shape))
        for test in ("max_pull", "modified_chi2")
    )
    assert cells.reconstruct(good(1, 0, shape)).mean() == pytest.approx(0.1, rel=0.02)
    hot, noisy = good(200, 1, shape), good(200, 2, shape)
    # Training scores are optimistic where bins hold 40 entries of all rows.
    assert (cells.predict(hot) == -1).mean() < 0.15
    assert (regions.predict(hot) == -1).mean() < 0.05
    hot[:, 17] = 8
    noisy[:, :100] += good(200, 3, shape[:100] * 3)
    assert (cells.predict(hot) == -1).all()
    assert (regions.predict(noisy) == -1).mean() > 0.9


def test_a_garbage_row_of_one_huge_bin_is_not_normal() -> None:
    fitted = ReferenceDetector().fit(good())
    row = np.zeros((1, len(SHAPE)))
    for content in (1e6, 1e12, 1e18):
        row[0, 0] = content
        assert fitted.predict(row) == -1


def test_a_garbage_row_of_one_overflowing_bin_is_not_normal() -> None:
    row = np.zeros((1, len(SHAPE)))
    row[0, 0] = 1e300
    assert ReferenceDetector().fit(good()).predict(row) == -1


@every_test
def test_weighted_histograms_may_hold_negative_contents(test: str) -> None:
    generator = np.random.default_rng(0)
    shape = SHAPE - 20
    rows = generator.normal(shape, np.sqrt(SHAPE), size=(200, len(SHAPE)))
    fitted = ReferenceDetector(test=test, exposure=None).fit(rows)
    fresh = generator.normal(shape, np.sqrt(SHAPE), size=(50, len(SHAPE)))
    assert np.isfinite(fitted.score_samples(fresh)).all()
    fresh[:, 4] *= -1
    assert np.median(abnormal(fitted, fresh)) > np.median(abnormal(fitted, rows))


def test_pulls_of_negative_contents_follow_their_fluctuations() -> None:
    generator = np.random.default_rng(0)
    rows = generator.normal([-100.0, 300.0], 20, size=(4000, 2))
    fitted = ReferenceDetector(exposure=None, tolerance=0).fit(rows[:2000])
    pulls = fitted.feature_scores(rows[2000:])
    np.testing.assert_allclose(pulls.mean(axis=0), 0, atol=0.1)
    np.testing.assert_allclose(pulls.std(axis=0), 1, atol=0.1)


# Exposures.


def test_an_exposure_by_name_is_that_of_its_number() -> None:
    rows = framed(7, 2, seed=1)
    named, numbered = (detector(exposure=each).fit(framed()) for each in (LUMI, np.int64(0)))
    np.testing.assert_array_equal(named.score_samples(rows), numbered.score_samples(rows))
    last = ReferenceDetector(exposure=len(SHAPE)).fit(np.roll(framed().to_numpy(), -1, axis=1))
    found = last.score_samples(np.roll(rows.to_numpy(), -1, axis=1))
    np.testing.assert_array_equal(found, named.score_samples(rows))


def test_a_row_that_holds_half_is_bad_only_if_the_exposure_says_so() -> None:
    rows = with_luminosity(50, 1)
    rows[:, 1:] = np.round(rows[:, 1:] / 2)
    by_luminosity = ReferenceDetector(test="chi2", exposure=0).fit(with_luminosity())
    by_total = ReferenceDetector(test="chi2").fit(with_luminosity()[:, 1:])
    assert (by_luminosity.predict(rows) == -1).all()
    assert (by_total.predict(rows[:, 1:]) == 1).mean() > 0.9


@pytest.mark.parametrize("test", [test for test in ALL_TESTS if test not in NOT_SCALED])
@pytest.mark.parametrize("unit", [1e-9, 1e6])
def test_units_of_the_exposure_do_not_matter(test: str, unit: float) -> None:
    plain, scaled = (
        abnormal(
            ReferenceDetector(test=test, exposure=0).fit(with_luminosity(unit=each)),
            with_luminosity(20, 1, each),
        )
        for each in (1.0, unit)
    )
    np.testing.assert_allclose(scaled, plain, rtol=1e-6)


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3])
def test_cumulative_distances_do_not_depend_on_the_unit_of_the_exposure(unit: float) -> None:
    fitted = ReferenceDetector(test="kolmogorov_smirnov", exposure=0)
    fitted.fit(with_luminosity(unit=unit))
    by_total = ReferenceDetector(test="kolmogorov_smirnov", exposure=None).fit(good())
    assert np.median(abnormal(fitted, with_luminosity(500, 1, unit))) == pytest.approx(0.8, abs=0.3)
    assert np.median(abnormal(by_total, good(500, 1))) == pytest.approx(0.8, abs=0.3)


def test_an_exposure_may_be_a_luminosity_in_inverse_square_centimetres() -> None:
    plain, scaled = (
        ReferenceDetector(exposure=0)
        .fit(with_luminosity(unit=unit))
        .feature_scores(with_luminosity(9, 1, unit))
        for unit in (1.0, 1e34)
    )
    np.testing.assert_allclose(scaled, plain, atol=1e-6)


@pytest.mark.parametrize(
    ("exposure", "message"),
    [
        ("nothing", "exposure='nothing': no column has that name"),
        (11, "exposure=11: expected the number of a column, from 0 to 10"),
        (-1, "exposure=-1: expected the number of a column"),
    ],
)
def test_an_exposure_that_is_not_there_is_refused(exposure: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        detector(exposure=exposure).fit(framed())


def test_an_exposure_by_name_needs_names() -> None:
    with pytest.raises(UsageError, match="no column has that name"):
        detector().fit(framed().to_numpy())


def test_the_exposure_alone_is_no_histogram() -> None:
    with pytest.raises(UsageError, match="only column is the exposure"):
        ReferenceDetector(exposure=0).fit(np.ones((20, 1)))


def test_a_negative_exposure_is_refused_with_its_row() -> None:
    rows = with_luminosity(5)
    fitted = ReferenceDetector(exposure=0).fit(with_luminosity())
    rows[3, 0] = -0.5
    with pytest.raises(DataError, match=r"exposure of row 3 is -0\.5; expected 0 or more"):
        fitted.predict(rows)


def test_what_is_expected_is_in_the_units_of_the_row() -> None:
    fitted, rows = ReferenceDetector(exposure=0).fit(with_luminosity()), with_luminosity(9, 1)
    found = fitted.reconstruct(rows)
    np.testing.assert_array_equal(found[:, 0], rows[:, 0])
    np.testing.assert_allclose(found[:, 5], rows[:, 0] * SHAPE[4], rtol=0.02)
    by_total = ReferenceDetector().fit(good()).reconstruct(good(9, 1) * 3)
    np.testing.assert_allclose(by_total.sum(axis=1), good(9, 1).sum(axis=1) * 3, rtol=0.01)


def test_a_feature_score_of_the_exposure_is_0() -> None:
    found = ReferenceDetector(exposure=0).fit(with_luminosity()).feature_scores(with_luminosity(5))
    np.testing.assert_array_equal(found[:, 0], 0)


# What is no count.


def test_readings_vary_as_they_did_in_training() -> None:
    generator = np.random.default_rng(0)
    means, widths = np.array([5.0, -3.0, 0.0]), np.array([0.1, 1.0, 0.01])
    train, fresh = generator.normal(means, widths, size=(2, 1000, 3))
    fitted = ReferenceDetector(exposure=None, fluctuations="empirical", tolerance=0).fit(train)
    pulls = fitted.feature_scores(fresh)
    np.testing.assert_allclose(pulls.mean(axis=0), 0, atol=0.2)
    np.testing.assert_allclose(pulls.std(axis=0), 1, atol=0.15)


def test_readings_in_small_units_score_as_in_large_ones() -> None:
    rows, fresh = np.random.default_rng(0).normal(1, 0.1, size=(2, 300, 4))
    plain, small = (
        ReferenceDetector(exposure=None, fluctuations="empirical")
        .fit(rows * unit)
        .score_samples(fresh * unit)
        for unit in (1.0, 1e-13)
    )
    np.testing.assert_allclose(small, plain, rtol=0.1)
