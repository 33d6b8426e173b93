"""Pulls of groups: exact by hand, normal for noise, and louder than their channels."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2, kstest, norm

from skdqm.datasets import make_lumisections
from skdqm.detectors import ReferenceDetector
from skdqm.exceptions import DataError, UsageError
from skdqm.monitoring import roll_up

PULLS = np.array([[-2.0, -3.0, 0.5, 1.0, 9.0], [0.0, 1.0, -1.0, 2.0, 9.0]])
GROUPS = ["A", "A", "B", "B", None]


def test_the_sum_of_pulls_keeps_its_sign() -> None:
    expected = np.array([[-5.0, 1.5], [1.0, 1.0]]) / np.sqrt(2)
    np.testing.assert_allclose(roll_up(PULLS, GROUPS, of="pulls"), expected)


def test_the_sum_of_squares_is_as_rare_as_its_deviate() -> None:
    sums = np.array([[13.0, 1.25], [1.0, 5.0]])
    np.testing.assert_allclose(roll_up(PULLS, GROUPS), norm.isf(chi2.sf(sums, 2)))


def test_groups_are_named_in_order_and_rows_keep_their_index() -> None:
    index = pd.MultiIndex.from_tuples([(7, 1), (7, 2)], names=["run", "lumisection"])
    found = roll_up(pd.DataFrame(PULLS, index), ["z", "a", "z", np.nan, "m"])
    assert list(found.columns) == ["a", "m", "z"]
    pd.testing.assert_index_equal(found.index, index)


def test_levels_stand_side_by_side() -> None:
    levels = {"tower": [1, 1, 2, 2, 3], "module": ["M", "M", "M", None, None]}
    found = roll_up(PULLS, levels, of="pulls")
    assert list(found.columns.names) == ["level", "group"]
    assert list(found["tower"].columns) == [1, 2, 3]
    np.testing.assert_array_equal(found["module"], roll_up(PULLS, levels["module"], of="pulls"))


@pytest.mark.parametrize("of", ["deviations", "pulls"])
@pytest.mark.parametrize("n_channels", [1, 2, 10, 300])
def test_pure_noise_is_standard_normal_for_groups_of_any_size(of: str, n_channels: int) -> None:
    noise = np.random.default_rng(n_channels).normal(size=(4000, n_channels))
    found = roll_up(noise, ["A"] * n_channels, of=of)["A"]
    assert kstest(found, "norm").pvalue > 1e-3
    assert abs(found.std() - 1) < 0.05


@given(
    st.lists(st.floats(0, 100), min_size=2, max_size=8, unique=True),
    st.integers(1, 2000),
)
def test_larger_deviations_are_never_less_significant_and_always_finite(
    sizes: list[float], n_channels: int
) -> None:
    pulls = np.sort(sizes)[:, None] * np.ones(n_channels)
    found = roll_up(pulls, ["A"] * n_channels)["A"].to_numpy()
    assert np.isfinite(found).all()
    assert (np.diff(found) >= 0).all()


def test_channels_that_never_count_are_finite() -> None:
    assert np.isfinite(roll_up(np.zeros((2, 5)), GROUPS)).to_numpy().all()


def test_what_is_beyond_all_digits_still_grows() -> None:
    found = roll_up([[40.0, 0.0], [80.0, 0.0]], ["A", "A"])["A"]
    np.testing.assert_allclose(found, [40, 80], rtol=0.01)


def test_a_dead_module_of_weak_channels_is_found_though_no_channel_is() -> None:
    X, _ = make_lumisections(
        4, 100, shape=(16, 16), statistics=300, fault_fraction=0, drift=0, random_state=0
    )
    detector = ReferenceDetector().fit(X.iloc[:300])
    module = np.repeat(np.arange(16), 16)
    good, dead = X.iloc[300:], X.iloc[300:].copy()
    dead.loc[:, module == 7] = 0
    channels = detector.feature_scores(dead)[:, module == 7]
    usual = np.quantile(np.abs(detector.feature_scores(good)).max(axis=1), 0.9)
    assert np.abs(channels).max(axis=1).mean() < usual
    pulls = roll_up(detector.feature_scores(dead), module, of="pulls")
    assert (pulls.abs().idxmax(axis=1) == 7).mean() > 0.9
    assert pulls[7].mean() < roll_up(detector.feature_scores(good), module, of="pulls")[7].min()


@pytest.mark.parametrize(
    ("pulls", "groups", "of", "message"),
    [
        (PULLS, GROUPS[:4], "pulls", r"shape \(4,\).*one group for each"),
        (PULLS, [GROUPS] * 5, "pulls", "one group for each"),
        (PULLS[0], GROUPS, "pulls", "one group for each"),
        (PULLS, [None] * 5, "pulls", "no channel belongs to a group"),
        (PULLS, GROUPS, "sum", "of='sum'"),
        (PULLS, {}, "pulls", "groups is empty"),
        (PULLS, {"tower": GROUPS, "module": GROUPS[:2]}, "pulls", "one group for each"),
    ],
)
def test_groups_that_do_not_fit_are_refused(pulls: Any, groups: Any, of: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        roll_up(pulls, groups, of=of)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_pulls_that_are_not_finite_are_refused(value: float) -> None:
    with pytest.raises(DataError, match="not finite"):
        roll_up([[value, 1.0]], ["A", "B"])
