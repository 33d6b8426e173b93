"""P-values of many tests: levels that hold, and nothing outside of [0, 1]."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import combine_pvalues, norm

from skdqm.exceptions import UsageError
from skdqm.statistics import adjust_p_values, combine_p_values, two_sided_p_values

CORRECTIONS, COMBINATIONS = ["bonferroni", "fdr", "holm"], ["cauchy", "fisher", "union"]
chances = st.floats(0, 1) | st.sampled_from([0.0, 1.0, 1e-300, 0.05])
several = st.lists(chances, min_size=1, max_size=12)

every_correction = pytest.mark.parametrize("method", CORRECTIONS)
every_combination = pytest.mark.parametrize("method", COMBINATIONS)


def uniform(*size: int) -> Any:
    return np.random.default_rng(0).uniform(size=size)


@given(residual=st.floats(-30, 30))
def test_two_sided_p_values_are_those_of_a_normal_variable(residual: float) -> None:
    expected = 2 * norm.sf(abs(residual))
    assert two_sided_p_values(residual) == pytest.approx(expected, rel=1e-9)


def test_two_sided_p_values_of_far_residuals_are_0_and_not_nan() -> None:
    np.testing.assert_array_equal(two_sided_p_values([1e300, -np.inf]), [0, 0])


@given(p_values=several)
def test_holm_is_what_the_steps_of_its_paper_give(p_values: list[float]) -> None:
    n, expected, floor = len(p_values), [0.0] * len(p_values), 0.0
    for rank, which in enumerate(sorted(range(n), key=lambda i: p_values[i])):
        floor = max(floor, min(1.0, (n - rank) * p_values[which]))
        expected[which] = floor
    np.testing.assert_allclose(adjust_p_values(p_values, "holm"), expected)


@given(p_values=several)
def test_fdr_is_what_the_steps_of_its_paper_give(p_values: list[float]) -> None:
    n = len(p_values)
    expected = [
        min(min(1.0, q * n / sum(other <= q for other in p_values)) for q in p_values if q >= p)
        for p in p_values
    ]
    np.testing.assert_allclose(adjust_p_values(p_values, "fdr"), expected)


@every_correction
@given(p_values=several)
def test_adjusted_p_values_are_never_smaller_and_keep_their_order(
    method: Any, p_values: list[float]
) -> None:
    found = adjust_p_values(p_values, method)
    assert (found >= np.array(p_values) * (1 - 1e-12)).all()
    assert (found <= 1).all()
    order = np.argsort(p_values, kind="stable")
    assert (np.diff(found[order]) >= 0).all()
    np.testing.assert_array_equal(adjust_p_values(p_values[::-1], method), found[::-1])


@given(p_values=several)
def test_holm_lies_between_fdr_and_bonferroni(p_values: list[float]) -> None:
    fdr, holm, bonferroni = (adjust_p_values(p_values, m) for m in ("fdr", "holm", "bonferroni"))
    assert (fdr <= holm + 1e-12).all()
    assert (holm <= bonferroni + 1e-12).all()


@every_correction
def test_any_false_alarm_is_as_rare_as_the_level(method: Any) -> None:
    found = adjust_p_values(uniform(20_000, 30), method).min(axis=1)
    assert (found <= 0.05).mean() == pytest.approx(0.05, abs=0.008)


def test_fdr_holds_the_share_of_false_alarms_and_finds_more_than_holm() -> None:
    generator = np.random.default_rng(0)
    p_values = two_sided_p_values(generator.normal(np.repeat([0, 3.5], [80, 20]), size=(500, 100)))
    alarms = {method: adjust_p_values(p_values, method) <= 0.1 for method in ("fdr", "holm")}
    false = alarms["fdr"][:, :80].sum(axis=1) / np.maximum(alarms["fdr"].sum(axis=1), 1)
    assert 0.06 < false.mean() < 0.1
    assert alarms["fdr"][:, 80:].mean() > alarms["holm"][:, 80:].mean() + 0.1


@every_correction
def test_the_last_axis_is_corrected(method: Any) -> None:
    cube = uniform(3, 4, 5)
    found = adjust_p_values(cube, method)
    alone = [[adjust_p_values(row, method) for row in table] for table in cube]
    np.testing.assert_array_equal(found, alone)


@every_combination
def test_the_last_axis_is_combined(method: Any) -> None:
    cube = uniform(3, 4, 5)
    found = combine_p_values(cube, method)
    assert found.shape == (3, 4)
    alone = [[combine_p_values(row, method) for row in table] for table in cube]
    np.testing.assert_array_equal(found, alone)


@every_combination
@given(p_values=several)
def test_combined_p_values_are_in_the_unit_interval(method: Any, p_values: list[float]) -> None:
    assert 0 <= combine_p_values(p_values, method) <= 1


@given(p_values=several)
def test_the_union_is_at_least_the_smallest_and_at_most_bonferroni(p_values: list[float]) -> None:
    union = combine_p_values(p_values, "union")
    assert union >= min(p_values) * (1 - 1e-12)
    smallest = max(min(p_values), 1e-300)
    assert union <= min(1, len(p_values) * smallest) * (1 + 1e-12)


@given(p_values=st.lists(st.floats(1e-280, 1), min_size=1, max_size=12))
def test_fisher_is_that_of_scipy(p_values: list[float]) -> None:
    expected = combine_pvalues(p_values, "fisher").pvalue
    assert combine_p_values(p_values, "fisher") == pytest.approx(expected, rel=1e-6, abs=1e-290)


@pytest.mark.parametrize("method", ["fisher", "union"])
@given(p_value=st.floats(1e-290, 1))
def test_one_test_combines_to_itself(method: Any, p_value: float) -> None:
    assert combine_p_values([p_value], method) == pytest.approx(p_value, rel=1e-9)


@pytest.mark.parametrize(
    "p_value",
    [
        1e-200,
        0.01,
        0.5,
        0.9,
    ],
)
def test_one_cauchy_test_combines_to_itself(p_value: float) -> None:
    assert combine_p_values([p_value], "cauchy") == pytest.approx(p_value, rel=1e-9)


@every_combination
@given(p_values=several, smaller=st.floats(0, 1), position=st.integers(0, 11))
def test_more_evidence_never_makes_a_larger_p_value(
    method: Any, p_values: list[float], smaller: float, position: int
) -> None:
    changed = list(p_values)
    changed[position % len(changed)] *= smaller
    before, after = (combine_p_values(each, method) for each in (p_values, changed))
    assert after <= before * (1 + 1e-9)


@every_combination
@pytest.mark.parametrize("level", [0.01, 0.05])
def test_combined_p_values_of_independent_good_rows_hold_their_level(
    method: Any, level: float
) -> None:
    found = combine_p_values(uniform(50_000, 10), method)
    assert (found <= level).mean() == pytest.approx(level, abs=0.006)


def test_cauchy_holds_its_level_when_all_tests_say_the_same_and_fisher_does_not() -> None:
    same = np.repeat(uniform(20_000, 1), 10, axis=1)
    assert (combine_p_values(same, "cauchy") <= 0.01).mean() == pytest.approx(0.01, abs=0.003)
    assert (combine_p_values(same, "fisher") <= 0.01).mean() > 0.1


def test_one_p_value_of_1_does_not_outvote_a_tiny_one() -> None:
    assert combine_p_values([1e-12, 1.0, 1.0], "cauchy") == pytest.approx(3e-12, rel=1e-3)


@pytest.mark.parametrize("bad", [[], [-0.1], [1.1], [np.nan], 0.5, np.empty((3, 0))])
@pytest.mark.parametrize("function", [adjust_p_values, combine_p_values])
def test_what_is_no_p_value_is_refused(bad: Any, function: Any) -> None:
    with pytest.raises(UsageError, match=r"numbers in \[0, 1\]"):
        function(bad)


@pytest.mark.parametrize("function", [adjust_p_values, combine_p_values])
def test_an_unknown_method_is_refused_with_the_known_ones(function: Any) -> None:
    with pytest.raises(UsageError, match=r"'simes'.*expected one of"):
        function([0.5], "simes")
