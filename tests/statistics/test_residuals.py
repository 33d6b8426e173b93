"""Residuals: normal where histograms only fluctuate, with the sign of the deviation, never NaN."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import betabinom, binom, norm, poisson

from skdqm.exceptions import UsageError
from skdqm.statistics import beta_binomial_residuals, deviance_residuals, pulls

# Contents below a rounding of what is expected have their own test.
counts = st.floats(1e-3, 1e9) | st.just(0.0)
means = st.floats(1e-6, 1e9)
spreads = st.just(0.0) | st.floats(1e-8, 1.0)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize("mean", [30.0, 1e4, 1e8])
def test_pulls_of_counts_have_mean_0_and_spread_1(mean: float) -> None:
    found = pulls(rng().poisson(mean, 20_000), mean, mean)
    assert abs(found.mean()) < 0.03
    assert found.std() == pytest.approx(1, abs=0.03)


def test_pulls_without_a_variance_are_huge_and_finite() -> None:
    found = pulls([1.0, 2.0, 0.0], [1.0, 1.0, 1e-9], [0.0, 0.0, 0.0])
    assert np.isfinite(found).all()
    assert found[0] == 0
    assert found[1] > 1e9
    assert found[2] < -100


def test_pulls_broadcast_a_reference_over_rows() -> None:
    rows = rng().poisson(50, size=(4, 3))
    together = pulls(rows, [50.0] * 3, [50.0] * 3)
    alone = [pulls(row, [50.0] * 3, [50.0] * 3) for row in rows]
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize("mean", [100.0, 1e4, 1e8])
@pytest.mark.parametrize("spread", [0.0, 0.02**2, 0.1**2])
def test_deviance_residuals_are_normal_where_many_are_counted(mean: float, spread: float) -> None:
    generator = rng()
    known = generator.gamma(1 / spread, mean * spread, 20_000) if spread else np.full(20_000, mean)
    found = deviance_residuals(generator.poisson(known), mean, spread)
    assert abs(found.mean()) < 0.06
    assert found.std() == pytest.approx(1, abs=0.03)


@given(few=counts, more=counts, mean=means, spread=spreads)
def test_deviance_residuals_grow_with_the_counts(
    few: float, more: float, mean: float, spread: float
) -> None:
    low, high = deviance_residuals(sorted([few, more]), mean, spread)
    assert high >= low - 1e-3


@given(count=counts, mean=means, spread=spreads)
def test_deviance_residuals_have_the_sign_of_the_excess(
    count: float, mean: float, spread: float
) -> None:
    found = deviance_residuals([count], [mean], spread)
    assert np.isfinite(found).all()
    assert found[0] * (count - mean) >= 0


@given(mean=st.floats(1e6, 1e10), z=st.floats(-3, 3), spread=st.sampled_from([0.0, 1e-8, 1e-5]))
def test_deviance_residuals_are_the_pulls_where_many_are_expected(
    mean: float, z: float, spread: float
) -> None:
    variance = mean + spread * mean**2
    count = mean + z * np.sqrt(variance)
    expected = pulls([count], [mean], [variance])
    np.testing.assert_allclose(deviance_residuals([count], [mean], spread), expected, atol=0.03)


@given(
    count=st.sampled_from([0.0, 5e-324, 1.0, 1e15, 1e30]),
    mean=st.sampled_from([0.0, 5e-324, 1e-30, 1.0, 1e15, 1e30]),
    spread=st.sampled_from([0.0, 1e-300, 1e-24, 1.0, 1e30, 1e300]),
)
def test_deviance_residuals_of_extreme_values_are_finite(
    count: float, mean: float, spread: float
) -> None:
    assert np.isfinite(deviance_residuals([count], [mean], spread)).all()


@pytest.mark.parametrize(
    ("count", "mean"), [(1, 0.001), (3, 0.1), (12, 3.0), (0, 6.0), (400, 300.0)]
)
def test_deviance_residuals_of_few_entries_are_about_as_rare_as_normal_ones(
    count: int, mean: float
) -> None:
    residual = deviance_residuals([float(count)], [mean])[0]
    tail = poisson.sf(count - 1, mean) if count > mean else poisson.cdf(count, mean)
    exact = norm.isf(tail) if count > mean else norm.ppf(tail)
    assert residual == pytest.approx(exact, abs=0.75)


@pytest.mark.parametrize(
    "count",
    [
        1e-15,
        1e-300,
        5e-324,
    ],
)
def test_a_bin_that_holds_next_to_nothing_is_as_far_as_an_empty_one(count: float) -> None:
    empty, nearly = deviance_residuals([0.0, count], [100.0, 100.0])
    assert nearly == pytest.approx(empty, rel=1e-6)


def test_a_mean_known_a_little_less_makes_residuals_a_little_smaller() -> None:
    spreads = np.array([0.0, 1e-12, 1e-9, 1e-6, 1e-3, 1.0, 1e3])
    found = deviance_residuals(150.0, 100.0, spreads)
    assert (np.diff(found) <= 1e-9).all()
    assert found[1] == pytest.approx(found[0], abs=1e-6)
    assert found[-1] < 0.05


def test_negative_counts_have_no_deviance_and_are_refused() -> None:
    with pytest.raises(UsageError, match="found -1"):
        deviance_residuals([-1.0], [1.0])


@pytest.mark.parametrize("total", [100, 10_000, 1_000_000])
def test_beta_binomial_residuals_of_good_rows_are_normal(total: int) -> None:
    generator = rng()
    shares = np.array([0.4, 0.3, 0.2, 0.1])
    rows = generator.multinomial(total, shares, size=5000)
    found = beta_binomial_residuals(rows, shares * 1e9)
    assert (np.abs(found.mean(axis=0)) < 0.1).all()
    np.testing.assert_allclose(found.std(axis=0), 1, atol=0.04)


def test_beta_binomial_residuals_allow_for_a_small_reference() -> None:
    generator, shares = rng(), np.array([0.4, 0.3, 0.2, 0.1])
    references = generator.multinomial(10_000, shares, size=5000)
    found = beta_binomial_residuals(generator.multinomial(10_000, shares, size=5000), references)
    np.testing.assert_allclose(found.std(axis=0), 1, atol=0.04)


@given(found=st.integers(0, 400), known=st.integers(0, 198))
def test_beta_binomial_residuals_follow_the_law(found: int, known: int) -> None:
    reference = np.array([known, 198 - known])
    law, mean = betabinom(400, *(reference + 1)), 2 * (known + 1)
    residual = beta_binomial_residuals([found, 400.0 - found], reference)[0]
    less_likely = law.logpmf(mean) - law.logpmf(found)
    assert residual**2 / 2 == pytest.approx(max(less_likely, 0), abs=1e-6)
    assert residual * (found - mean) >= 0


def test_beta_binomial_residuals_of_a_well_known_share_are_binomial() -> None:
    found = np.arange(0, 101, 10, dtype=float)
    residuals = beta_binomial_residuals(np.stack([found, 100 - found], axis=1), [1e10, 1e10])
    expected = binom.logpmf(50, 100, 0.5) - binom.logpmf(found, 100, 0.5)
    np.testing.assert_allclose(residuals[:, 0] ** 2 / 2, expected, atol=1e-4)


def test_beta_binomial_residuals_shrink_with_what_is_not_known() -> None:
    row, reference = [12e4, 8e4], [1e7, 1e7]
    found = [beta_binomial_residuals(row, reference, spread)[0] for spread in (0, 1e-4, 0.01, 1)]
    assert found == sorted(found, reverse=True)


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.9])
def test_a_relative_deviation_that_is_allowed_is_one_standard_deviation(share: float) -> None:
    entries = np.array([share, 1 - share]) * 1e9
    found = entries[0] * 1.02
    residual = beta_binomial_residuals([found, 1e9 - found], entries, 0.01**2)[0]
    assert residual == pytest.approx(2, abs=0.1)


def test_beta_binomial_residuals_of_empty_rows_are_0() -> None:
    found = beta_binomial_residuals(np.zeros((2, 3)), [[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])
    np.testing.assert_array_equal(found, np.zeros((2, 3)))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("spread", [0.0, 1e-4])
def test_beta_binomial_residuals_of_a_share_of_nearly_1_are_numbers(spread: float) -> None:
    found = beta_binomial_residuals([5.0, 1.0], [1e17, 0.0], spread)
    assert np.isfinite(found).all()


def test_beta_binomial_residuals_judge_each_row_alone() -> None:
    rows = rng().poisson(20, size=(5, 7)).astype(float)
    alone = [beta_binomial_residuals(row, np.full(7, 100.0)) for row in rows]
    np.testing.assert_array_equal(beta_binomial_residuals(rows, np.full(7, 100.0)), alone)


@pytest.mark.parametrize(
    ("total", "known"),
    [
        (1e6, 1e9),
        (1e8, 1e8),
        pytest.param(1e13, 1e20),
        pytest.param(1e6, 1e20),
        pytest.param(1e15, 1e15),
    ],
)
def test_beta_binomial_residuals_of_very_many_entries_are_the_pulls(
    total: float, known: float
) -> None:
    variance = 0.25 * total * (1 + total / known)
    found = total / 2 + np.sqrt(variance)
    residuals = beta_binomial_residuals([found, total - found], [known / 2, known / 2])
    np.testing.assert_allclose(residuals, [1, -1], atol=0.01)
