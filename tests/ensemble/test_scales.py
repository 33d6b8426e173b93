"""Scores on one scale: order is kept, and rarity means what it says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skdqm.ensemble._scales import SCALES, PValue

every_scale = pytest.mark.parametrize("name", sorted(SCALES))
scores = arrays(np.float64, st.integers(2, 80), elements=st.floats(-1e6, 1e6))
NORMAL = np.sort(np.random.default_rng(0).normal(size=2000))


@every_scale
@given(reference=scores, new=scores)
def test_order_is_kept_and_all_is_finite(name: str, reference: np.ndarray, new: np.ndarray) -> None:
    scaled = SCALES[name](np.sort(reference))(np.sort(new))
    assert np.isfinite(scaled).all()
    assert (np.diff(scaled) >= -1e-9 * (1 + np.abs(scaled[1:]))).all()


@every_scale
@given(unit=st.floats(1e-3, 1e3), shift=st.floats(-100, 100))
def test_the_units_of_a_detector_do_not_matter(name: str, unit: float, shift: float) -> None:
    new = np.linspace(-5, 8, 40)
    moved = SCALES[name](unit * NORMAL + shift)(unit * new + shift)
    np.testing.assert_allclose(moved, SCALES[name](NORMAL)(new), rtol=1e-6, atol=1e-6)


@every_scale
def test_scores_that_are_all_alike_make_no_infinity(name: str) -> None:
    scaled = SCALES[name](np.full(50, 3.0))(np.array([-1e12, 3.0, 1e12]))
    assert np.isfinite(scaled).all()


def test_a_p_value_is_the_share_that_is_as_abnormal() -> None:
    surprise = PValue(NORMAL)(np.quantile(NORMAL, [0.5, 0.8]))
    np.testing.assert_allclose(np.exp(-surprise), [0.5, 0.2], atol=0.002)


def test_equal_scores_are_as_rare_as_all_of_them_together() -> None:
    reference = np.sort(np.r_[np.zeros(600), np.arange(1.0, 401)])
    surprise = PValue(reference)(np.array([0.0, 1.0]))
    np.testing.assert_allclose(np.exp(-surprise), [1, 0.4], atol=0.002)
    assert SCALES["rank"](reference)(np.zeros(1)) < 0.01  # of the others, none is lower


@every_scale
def test_a_detector_that_says_the_same_of_all_finds_none_rare(name: str) -> None:
    assert SCALES[name](np.full(50, 3.0))(np.array([3.0])) < 0.1


def test_the_tail_begins_above_scores_that_many_share() -> None:
    rng = np.random.default_rng(0)
    scale = PValue(np.sort(np.r_[np.zeros(19_000), 1 + rng.exponential(size=1000)]))
    np.testing.assert_allclose(scale(np.array([2.0, 4.0])), [4, 6], atol=0.2)  # 1 of 20, and 1 + 3


def test_the_tail_goes_on_where_no_reference_row_has_been() -> None:
    scale = PValue(np.sort(np.random.default_rng(0).exponential(size=20_000)))
    beyond = np.array([5.0, 10.0, 20.0])
    np.testing.assert_allclose(scale(beyond), beyond, rtol=0.1)  # the law's own surprise


def test_beyond_all_ranks_stop_and_p_values_do_not() -> None:
    far = np.array([10.0, 20.0])
    ranks, p_values = SCALES["rank"](NORMAL)(far), SCALES["p_value"](NORMAL)(far)
    assert ranks[0] == ranks[1] < 1
    assert p_values[0] < p_values[1]
