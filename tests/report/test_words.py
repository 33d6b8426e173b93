"""The words name the place, the direction and the size that was put in."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm.exceptions import DataError
from skdqm.report import reason_in_words

N_BINS = 60
EDGES = [np.linspace(0, 6000, N_BINS + 1)]
PEAK = 2000 * np.exp(-0.5 * ((np.arange(N_BINS) - 30) / 8) ** 2) + 20
MAP = np.full((12, 10), 152.0)
MAP_EDGES = [np.arange(-6.5, 6), np.arange(0.5, 11)]


def words(counts: np.ndarray, expectation: np.ndarray, edges: Any = None, **more: Any) -> str:
    pull = (counts - expectation) / np.sqrt(np.maximum(expectation, 1e-6))
    return reason_in_words("element", counts, expectation, pull, edges, **more)


def scaled(counts: np.ndarray, **more: Any) -> str:
    """Compare with the peak, scaled to as many entries."""
    return words(counts, PEAK * counts.sum() / PEAK.sum(), EDGES, **more)


def changed(where: Any, factor: float, base: np.ndarray = PEAK) -> np.ndarray:
    counts = base.copy()
    counts[where] = np.round(counts[where] * factor)
    return counts


def test_range_of_bins_is_low_by_per_cent() -> None:
    found = words(changed(slice(20, 26), 0.65), PEAK, EDGES)
    assert found.startswith("element: bins 20-25 (2,000 to 2,600) are low by 35 %, largest pull -1")
    assert found.endswith(" in bin 25")


def test_range_of_bins_is_high_by_per_cent_or_a_factor() -> None:
    assert "bins 20-25 (2,000 to 2,600) are high by 40 %" in words(
        changed(slice(20, 26), 1.4), PEAK, EDGES
    )
    assert "bins 20-25 (2,000 to 2,600) are high by a factor of 3.5" in words(
        changed(slice(20, 26), 3.5), PEAK, EDGES
    )


def test_one_good_bin_does_not_part_a_range() -> None:
    counts = changed(slice(20, 26), 0.65)
    counts[22] = PEAK[22]
    assert "bins 20-25" in words(counts, PEAK)


def test_single_bin_is_dead_hot_or_almost_dead() -> None:
    assert "bin 45 (4,500 to 4,600) is dead (0 counts, 365 expected), pull -19.1" in words(
        changed(45, 0.0), PEAK, EDGES
    )
    assert "bin 45 is hot (1,824 counts, 365 expected), pull +76.4" in words(changed(45, 5), PEAK)
    assert "bin 45 is almost dead (4 counts, 365 expected)" in words(changed(45, 0.01), PEAK)


def test_dead_cell_is_named_by_the_numbers_of_the_detector() -> None:
    found = words(changed((9, 2), 0, MAP), MAP, MAP_EDGES, names=("ieta", "iphi"))
    assert found == "element: cell (ieta 3, iphi 3) is dead (0 counts, 152 expected), pull -12.3"


def test_cells_without_edges_are_counted_from_0() -> None:
    assert "cell (x 9, y 2) is dead" in words(changed((9, 2), 0, MAP), MAP)


def test_axes_of_other_steps_are_named_by_their_edges() -> None:
    edges = [np.linspace(-2.4, 2.4, 13), np.linspace(0, 5, 11)]
    found = words(changed((9, 2), 0, MAP), MAP, edges, names=("eta", "phi"))
    assert "cell (eta 1.2 to 1.6, phi 1 to 1.5) is dead" in found
    whole = [np.arange(13.0), np.arange(11.0)]
    assert "cell (x 9, y 2) is dead" in words(changed((9, 2), 0, MAP), MAP, whole)


def test_block_row_and_everything() -> None:
    block = changed((slice(3, 5), slice(2, 6)), 0.5, MAP)
    assert "8 cells (ieta -3 to -2, iphi 3 to 6) are low by 50 %" in words(
        block, MAP, MAP_EDGES, names=("ieta", "iphi")
    )
    assert "10 cells (x 4, all y) are dead (0 counts, 1,520 expected)" in words(
        changed(4, 0, MAP), MAP
    )
    assert "all cells are low by 70 %" in words(changed(slice(None), 0.3, MAP), MAP)
    most = changed(slice(0, 11), 0.3, MAP)
    assert "nearly all cells are low by 70 %" in words(most, MAP)
    corner = MAP.copy()
    corner[[2, 3, 4], [2, 3, 4]] = 0
    assert "3 cells within (x 2 to 4, y 2 to 4) are dead" in words(corner, MAP)


def test_layer_of_three_axes_is_named() -> None:
    cube = np.repeat(MAP[:, :, None], 4, axis=2)
    found = words(changed((9, 2, 1), 0, cube), cube, names=("ieta", "iphi", "depth"))
    assert "cell (ieta 9, iphi 2, depth 1) is dead" in found


@pytest.mark.parametrize(
    ("bins", "direction", "mean"), [(2, "higher", "3,242"), (-2, "lower", "2,855")]
)
def test_shift_says_where_to_and_how_far(bins: int, direction: str, mean: str) -> None:
    found = scaled(np.roll(PEAK, bins))
    assert found.startswith(f"element: shifted to {direction} values (mean {mean}, expected 3,048)")
    assert " are low by " in found
    assert " are high by " in found


def test_hole_at_an_edge_is_no_shift_though_all_others_seem_high() -> None:
    found = scaled(changed(slice(0, 24), 0))
    assert "shifted" not in found
    assert "are dead (0 counts" in found


def test_hot_bin_is_no_shift() -> None:
    assert "bin 58 (5,800 to 5,900) is hot" in scaled(changed(58, 200))


def test_other_places_are_counted() -> None:
    counts = changed((2, 2), 0, changed((9, 7), 0, MAP))
    assert words(counts, MAP).endswith("; 1 more place deviates as much")
    counts[5, 4] = 0
    assert words(counts, MAP).endswith("; 2 more places deviate as much")


def test_nothing_stands_out() -> None:
    noise = np.random.default_rng(0).poisson(PEAK).astype(float)
    assert words(noise, PEAK).startswith("element: no single bin stands out (largest pull ")
    assert "no single cell stands out (largest pull +0.0 in cell (x 0, y 0))" in words(MAP, MAP)


def test_nothing_counted_is_empty() -> None:
    assert words(0 * MAP, MAP) == "element: empty (0 counts, 18,240 expected)"


def test_masked_bins_are_left_out() -> None:
    counts = changed(45, 0.0)
    pull = (counts - PEAK) / np.sqrt(PEAK)
    pull[45] = np.nan
    assert "no single bin stands out" in reason_in_words("element", counts, PEAK, pull)


def test_where_nothing_was_expected_the_pull_is_only_huge() -> None:
    expectation, counts = changed(45, 0.0), changed(45, 0.0)
    counts[45] = 7
    found = words(counts, expectation)
    assert found == "element: bin 45 is hot (7 counts, none expected), pull above 1,000"
    infinite = np.where(np.arange(N_BINS) == 45, np.inf, 0.0)
    assert "pull above 1,000" in reason_in_words("element", counts, expectation, infinite)


def test_shares_are_not_called_counts() -> None:
    shares = PEAK / PEAK.sum()
    counts = np.where(np.arange(N_BINS) == 45, 0.0001, shares)
    pull = np.where(np.arange(N_BINS) == 45, -9.0, 0.0)
    found = reason_in_words("element", counts, shares, pull)
    assert "bin 45 is almost dead (0.0001 found, 0.0088 expected)" in found


def test_pulls_that_contradict_the_counts_give_no_size() -> None:
    pull = np.where(np.arange(N_BINS) == 45, -9.0, 0.0)
    assert "bin 45 is low, pull -9.0" in reason_in_words("element", 2 * PEAK, PEAK, pull)


@given(
    st.integers(0, N_BINS - 1),
    st.integers(1, 8),
    st.sampled_from([0.0, 0.02, 0.5, 1.5, 4.0]),
)
def test_the_region_that_was_changed_is_the_one_that_is_named(
    first: int, length: int, factor: float
) -> None:
    last = min(first + length, N_BINS) - 1
    flat = np.full(N_BINS, 1000.0)
    found = words(changed(slice(first, last + 1), factor, flat), flat)
    where = f"bin {first} is" if first == last else f"bins {first}-{last} are"
    assert found.startswith(f"element: {where} ")
    assert (" low by " in found or " dead " in found) == (factor < 1)


@given(st.lists(st.floats(-1e9, 1e9) | st.just(np.nan) | st.just(np.inf), min_size=1, max_size=12))
def test_any_pull_has_words(pull: list[float]) -> None:
    ones = np.ones(len(pull))
    assert reason_in_words("element", ones, ones, pull).startswith("element: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0], [1.0, 2.0], [0.0]), "element: found counts, expectation and pull of the shapes"),
        (([], [], []), "not empty"),
        ((1.0, 1.0, 0.0), "not empty"),
        (([1.0], [1.0], [0.0], [[0.0, 1, 2]]), r"edges of the shapes \[\(3,\)\]; expected \[\(2,"),
        (([1.0], [1.0], [0.0], [[1.0, 0.0]]), "the edges do not rise"),
        (([1.0], [1.0], [0.0], [[0.0, np.nan]]), "the edges do not rise"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        reason_in_words("element", *arguments)


def test_names_must_fit_the_axes() -> None:
    with pytest.raises(DataError, match=r"found 1 names of axes, .*; expected 2, or none"):
        reason_in_words("element", MAP, MAP, 0 * MAP, names=["ieta"])
