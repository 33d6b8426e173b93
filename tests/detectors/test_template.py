"""Templates: rates that stand up to faults, and how well they are known."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from skdqm.detectors._template import Template

ROWS = 400


def counts(mean: Any, n_rows: int = ROWS, seed: int = 0) -> NDArray[np.float64]:
    mean = np.asarray(mean, dtype=float)
    size = (n_rows, mean.shape[-1])
    return np.random.default_rng(seed).poisson(mean, size=size).astype(float)


def learned(rows: Any, exposures: Any = None, *, counted: bool = True) -> Template:
    exposures = np.ones(len(rows)) if exposures is None else exposures
    return Template.of(np.asarray(rows, dtype=float), exposures, counted=counted)


def assert_same(found: Template, expected: Template, rtol: float = 1e-9) -> None:
    for name, value in vars(expected).items():
        np.testing.assert_allclose(getattr(found, name), value, rtol=rtol, atol=1e-12)


@pytest.mark.parametrize("mean", [300.0, 1e4, 1e6])
def test_rates_of_counts_lie_as_near_as_their_uncertainty_says(mean: float) -> None:
    found = learned(counts(np.full(200, mean)))
    distances = (found.rate - mean) / np.sqrt(found.uncertainty())
    # The median of normal values is known to 1.25 of the uncertainty of their mean.
    assert 0.8 < distances.std() < 1.5
    assert abs(distances.mean()) < 0.6


def test_counts_of_a_poisson_law_have_no_spread_and_dispersion_1() -> None:
    found = learned(counts(np.full(200, 100.0)))
    assert found.spread.mean() < 0.1 * 100
    assert found.dispersion.mean() > 0.9


def test_the_spread_is_what_rates_vary_beyond_counting() -> None:
    moved = 1000 * np.random.default_rng(1).normal(1, 0.1, size=(ROWS, 50))
    found = learned(counts(moved))
    np.testing.assert_allclose(np.sqrt(found.spread).mean(), 100, rtol=0.05)


def test_channels_that_fire_in_most_events_vary_less_than_a_poisson_law() -> None:
    rows = np.random.default_rng(0).binomial(1000, [0.95, 0.05], size=(ROWS, 2)).astype(float)
    dispersion = learned(rows).dispersion
    assert dispersion[0] == pytest.approx(0.05, abs=0.08)
    assert dispersion[1] == pytest.approx(0.95, abs=0.15)


def test_values_that_are_not_counted_have_no_dispersion_and_all_their_variance() -> None:
    rows = np.random.default_rng(0).normal([5, -5], [0.1, 2], size=(ROWS, 2))
    found = learned(rows, counted=False)
    np.testing.assert_array_equal(found.dispersion, 0)
    np.testing.assert_allclose(np.sqrt(found.spread), [0.1, 2], rtol=0.1)


@pytest.mark.parametrize("factor", [0.0, 0.5, 3.0, 100.0])
@pytest.mark.parametrize("scattered", [True, False])
def test_thirty_percent_of_faulty_rows_hardly_move_a_rate(
    factor: float, *, scattered: bool
) -> None:
    rows = counts(np.full(20, 1e4))
    faulty = np.random.default_rng(1).permutation(ROWS) if scattered else np.arange(ROWS)
    rows[faulty < 0.3 * ROWS, :5] *= factor
    found = learned(rows)
    np.testing.assert_allclose(found.rate, 1e4, rtol=0.012)
    assert np.sqrt(found.positive_spread).max() < 500  # of thousands that the faulty rows are apart


def test_neighbouring_faulty_rows_of_few_entries_hardly_move_a_rate() -> None:
    rows = counts(np.full(50, 2.0))
    rows[:120, 9] = 40
    assert learned(rows).rate[9] < 2.4  # their mean is 13.4


@pytest.mark.parametrize("mean", [0.01, 0.1, 1.0])
def test_sparse_maps_keep_the_mean_rate_without_a_bias(mean: float) -> None:
    rate = learned(counts(np.full(1000, mean))).rate
    assert rate.mean() == pytest.approx(mean, abs=4 * np.sqrt(mean / ROWS / 1000) + 0.01 * mean)


@pytest.mark.parametrize(
    "mean",
    [0.1, 0.4, 1.5, 2.5],
)
def test_sparse_bins_beside_full_ones_keep_their_rate(mean: float) -> None:
    rate = learned(counts(np.repeat([30.0, mean], [60, 40]))).rate[60:]
    assert rate.mean() == pytest.approx(mean, rel=0.1)


@pytest.mark.parametrize("n_rows", [1, 2, 3, 5])
def test_few_rows_have_their_mean(n_rows: int) -> None:
    rows = counts([3.0, 1.0, 0.0], n_rows)
    found = learned(rows)
    assert all(np.isfinite(value).all() for value in vars(found).values())
    if n_rows < 5:
        np.testing.assert_allclose(found.rate, rows.mean(axis=0))
    assert (found.n_rows, found.exposure) == (n_rows, n_rows)


def test_one_row_says_nothing_of_a_spread() -> None:
    found = learned([[10.0, 0.0]])
    np.testing.assert_array_equal(found.spread, 0)
    np.testing.assert_array_equal(found.dispersion, 1)


def test_bins_that_were_never_filled_have_rate_0_and_no_spread() -> None:
    found = learned(counts([100.0, 0.0]))
    assert (found.rate[1], found.spread[1], found.dispersion[1]) == (0, 0, 1)
    empty = learned(np.zeros((10, 3)))
    np.testing.assert_array_equal(empty.rate, 0)


def test_negative_contents_of_weighted_histograms_are_rates_as_any_other() -> None:
    rows = np.random.default_rng(0).normal([-50, 100], 5, size=(ROWS, 2))
    found = learned(rows)
    np.testing.assert_allclose(found.rate, [-50, 100], atol=1)
    assert (found.uncertainty() >= 0).all()


@given(unit=st.floats(1e-6, 1e6), seed=st.integers(0, 100))
def test_units_of_the_exposure_do_not_matter(unit: float, seed: int) -> None:
    exposures = np.random.default_rng(seed).uniform(0.5, 2, 60)
    rows = counts(exposures[:, None] * [50.0, 2.0, 0.1], 60, seed)
    found, expected = learned(rows, exposures * unit), learned(rows, exposures)
    np.testing.assert_allclose(found.rate * unit, expected.rate, rtol=1e-9)
    np.testing.assert_allclose(found.spread * unit**2, expected.spread, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found.dispersion, expected.dispersion, rtol=1e-6)


@pytest.mark.parametrize("unit", [1e-3, 1e-9])
def test_units_of_what_is_not_counted_do_not_matter(unit: float) -> None:
    rows = np.random.default_rng(0).normal(1, 0.1, size=(ROWS, 4))
    rows[:120] *= 3
    found, expected = (learned(rows * each, counted=False) for each in (unit, 1000.0))
    np.testing.assert_allclose(found.rate / unit, expected.rate / 1000, rtol=1e-6)


@given(seed=st.integers(0, 100), cut=st.integers(60, 340))
def test_two_parts_merge_to_about_the_whole(seed: int, cut: int) -> None:
    rows = counts(np.full(20, 200.0), seed=seed)
    whole, merged = learned(rows), learned(rows[:cut]).merged(learned(rows[cut:]))
    np.testing.assert_allclose(merged.rate, whole.rate, rtol=0.02)
    assert (merged.exposure, merged.n_rows) == (whole.exposure, whole.n_rows)
    assert np.abs(merged.spread - whole.spread).mean() < 0.1 * 200


def test_merging_makes_a_step_between_two_parts_a_spread() -> None:
    first, second = learned(counts([1000.0])), learned(counts([1200.0], seed=1))
    merged = first.merged(second)
    np.testing.assert_allclose(merged.rate, 1100, rtol=0.01)
    np.testing.assert_allclose(np.sqrt(merged.spread), 100, rtol=0.05)


@given(weight=st.floats(0, 1))
def test_rows_that_count_less_pull_less(weight: float) -> None:
    old, new = learned(counts([100.0], 200)), learned(counts([200.0], 100))
    merged = old.merged(new, weight)
    share = 100 / (100 + 200 * weight)
    np.testing.assert_allclose(merged.rate, old.rate + share * (new.rate - old.rate))
    assert merged.n_rows == pytest.approx(100 + 200 * weight)


def test_rows_that_count_nothing_are_forgotten() -> None:
    old, new = learned(counts([100.0])), learned(counts([200.0]))
    assert_same(old.merged(new, 0.0), new)


@pytest.mark.parametrize(
    "size",
    [
        100,
        5,
        1,
    ],
)
def test_many_small_blocks_do_not_add_a_spread(size: int) -> None:
    rows = counts(np.full(50, 50.0))
    found = learned(rows[:size])
    for start in range(size, ROWS, size):
        found = found.merged(learned(rows[start : start + size]))
    assert found.spread.mean() < 0.15 * 50


def test_more_freedom_leaves_the_rates() -> None:
    found = learned(counts([100.0, 10.0]))
    wide = found.widened(np.array([5.0, 0.0]))
    np.testing.assert_array_equal(wide.rate, found.rate)
    np.testing.assert_array_equal(wide.spread - found.spread, [5, 0])


def test_a_template_is_back_from_its_state() -> None:
    found = learned(counts([100.0, 10.0]))
    assert_same(Template(**found.as_state()), found, rtol=0)
