"""Bins in words, and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm.io._binning import binning, edges_in, same_binning

AXES = {
    "numbered": np.arange(5.0),
    "equal": np.linspace(-2.5, 7.25, 40),
    "unequal": np.array([0.0, 1.0, 5.0, 1234.5]),
    "open": np.array([-np.inf, 0.0, 0.5, 1.0, np.inf]),
    "open above": np.array([0.0, 0.5, 1.0, np.inf]),
    "open and unequal": np.array([-np.inf, 0.0, 0.1, 1.0, np.inf]),
}


@pytest.mark.parametrize("name", AXES)
def test_edges_come_back_from_the_words(name: str) -> None:
    (edges,) = edges_in(binning((AXES[name],)))
    np.testing.assert_allclose(edges, AXES[name], rtol=1e-8)


def test_several_axes_keep_their_order() -> None:
    text = binning((AXES["equal"], AXES["open"]))
    assert [len(axis) for axis in edges_in(text)] == [40, 5]


@given(low=st.floats(-1e6, 1e6), widths=st.lists(st.floats(0.01, 1e3), min_size=1, max_size=20))
def test_described_edges_describe_the_same_bins(low: float, widths: list[float]) -> None:
    edges = (low + np.cumsum([0.0, *widths]),)
    (found,) = edges_in(binning(edges))
    np.testing.assert_allclose(found, edges[0], rtol=1e-6, atol=1e-6 * np.ptp(edges[0]))


def test_bins_without_edges_suit_any_edges_of_their_number() -> None:
    numbered, equal = binning((np.arange(40.0),)), binning((AXES["equal"],))
    assert same_binning(numbered, equal)
    assert not same_binning(numbered, binning((np.arange(41.0),)))
