"""Statistics of a whole histogram: what they are made of, and what they are of good rows."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from skdqm.statistics import kolmogorov_smirnov, max_pull, mean_chi2, modified_chi2

RNG = np.random.default_rng(0)
histograms = st.lists(st.integers(0, 30), min_size=2, max_size=12).filter(any)


def test_the_largest_pull_may_have_either_sign() -> None:
    np.testing.assert_array_equal(max_pull([[1.0, -5.0, 2.0], [4.0, 0.0, -1.0]]), [5, 4])


def test_the_mean_chi2_of_normal_residuals_is_1_whatever_the_number_of_bins() -> None:
    for n_bins in (1, 10, 1000):
        found = mean_chi2(RNG.normal(size=(20_000 // n_bins + 100, n_bins)))
        assert found.mean() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("entries", [5e3, 1e6])
def test_the_modified_chi2_of_good_rows_is_0_on_average(entries: float) -> None:
    shape = np.array([0.1, 0.2, 0.4, 0.3]) * entries
    found = modified_chi2(RNG.poisson(shape, size=(5000, 4)), shape)
    assert abs(found.mean()) < 5 * found.std() / np.sqrt(5000)


@given(entries=st.floats(1e4, 1e12), part=st.floats(0.1, 0.9))
def test_the_modified_chi2_is_the_size_of_a_deviation_and_not_its_significance(
    entries: float, part: float
) -> None:
    expected = np.array([0.5, 0.5]) * entries
    found = modified_chi2(expected * [1 - part, 1 + part], expected)
    assert found == pytest.approx(part**2, abs=2.1 / entries)


def test_bins_where_nothing_is_expected_or_found_do_not_count() -> None:
    with_empty = modified_chi2([8.0, 0.0, 2.0], [5.0, 0.0, 5.0])
    assert with_empty == modified_chi2([8.0, 2.0], [5.0, 5.0])


@pytest.mark.parametrize("function", [modified_chi2, kolmogorov_smirnov])
def test_nothing_beside_nothing_is_0(function: Callable[..., Any]) -> None:
    np.testing.assert_array_equal(function(np.zeros((2, 3)), np.zeros(3)), [0, 0])


@pytest.mark.parametrize("function", [modified_chi2, kolmogorov_smirnov])
def test_rows_are_judged_alone(function: Callable[..., Any]) -> None:
    rows, mean = RNG.poisson(20, size=(9, 40)).astype(float), np.full(40, 20.0)
    alone = [function(row, mean) for row in rows]
    np.testing.assert_array_equal(function(rows, mean), alone)


@given(first=histograms, second=histograms)
def test_the_distance_is_that_of_two_samples(first: list[int], second: list[int]) -> None:
    length = min(len(first), len(second))
    found, known = np.array(first[:length], float), np.array(second[:length], float)
    if not (found.any() and known.any()):
        return
    n, m = found.sum(), known.sum()
    distance = ks_2samp(_entries(found), _entries(known)).statistic * np.sqrt(n * m / (n + m))
    result = kolmogorov_smirnov(found, known * n / m, 1 / m)
    assert result == pytest.approx(distance, abs=1e-9)


def _entries(histogram: NDArray[np.float64]) -> NDArray[np.intp]:
    return np.repeat(np.arange(len(histogram)), histogram.astype(int))


@pytest.mark.parametrize("reference", [10_000, 10_000_000])
def test_distances_above_1_36_are_at_most_as_rare_as_they_say(reference: int) -> None:
    shape = np.full(200, 1 / 200)
    known = RNG.multinomial(reference, shape, size=4000)
    rows = RNG.multinomial(5000, shape, size=4000)
    found = kolmogorov_smirnov(rows, known * (5000 / reference), 1 / reference)
    assert 0.02 < (found > 1.36).mean() < 0.065
    assert 0.6 < np.median(found) < 0.95


def test_what_is_known_of_the_reference_has_one_value_for_each_row() -> None:
    rows = np.array([[50.0, 30.0, 20.0]] * 2)
    found = kolmogorov_smirnov(rows, [40.0, 30.0, 30.0], [0.0, 0.01])
    np.testing.assert_allclose(found, [1, 1 / np.sqrt(2)])
