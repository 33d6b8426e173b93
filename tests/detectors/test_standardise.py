"""Standardisation: of each feature by itself, or of groups together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm.detectors._standardise import LARGEST_INPUT, StandardisingMixin
from skdqm.exceptions import DataError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 6)) * [1, 2, 3, 4, 5, 6] + [0, 1, 2, 3, 4, 5]


def learned(values: np.ndarray, groups: list[int] | None = None) -> StandardisingMixin:
    scaler = StandardisingMixin()
    scaler._learn_scale(values, None if groups is None else np.array(groups))
    return scaler


def test_each_feature_has_its_own_scale() -> None:
    standard = learned(X)._standardise(X)
    np.testing.assert_allclose(standard.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(standard.std(axis=0), 1)


@given(groups=st.lists(st.integers(0, 2), min_size=6, max_size=6))
def test_a_group_has_the_mean_and_the_spread_of_all_its_values(groups: list[int]) -> None:
    standard = learned(X, groups)._standardise(X)
    for group in set(groups):
        values = standard[:, np.array(groups) == group]
        np.testing.assert_allclose([values.mean(), values.std()], [0, 1], atol=1e-10)


def test_ratios_within_a_group_are_kept() -> None:
    scaler = learned(X, [0] * 6)
    assert len(set(scaler.scale_)) == len(set(scaler.location_)) == 1


def test_a_feature_that_never_varies_is_only_shifted() -> None:
    scaler = learned(np.full((5, 2), 0.1), [0, 1])
    np.testing.assert_array_equal(scaler.scale_, 1)
    np.testing.assert_allclose(scaler._standardise(np.full((1, 2), 1.1)), 1)


def test_extreme_values_are_cut_where_squares_stay_finite() -> None:
    standard = learned(X, [0] * 6)._standardise(np.full((1, 6), -1e300))
    np.testing.assert_allclose(standard, -LARGEST_INPUT)


def test_a_spread_beyond_floating_point_is_refused() -> None:
    with pytest.raises(DataError, match="spread of feature 1 is too large"):
        learned(np.array([[0, -1e308], [1, 1e308]]))
