"""Names of rows and columns: which run and lumisection, which bin of which element."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm._lumisections import (
    bin_names,
    checked_runs_of_rows,
    element_of,
    elements_of,
    lumisection_index,
    lumisections_of,
    place_of,
    required_runs,
    runs_of,
    shape_of,
)
from skdqm.exceptions import DataError

SHAPES = st.lists(st.integers(1, 5), min_size=1, max_size=3)
ELEMENTS = st.text(min_size=1, max_size=12)


@given(ELEMENTS, SHAPES)
def test_names_of_bins_tell_element_place_and_shape(element: str, shape: list[int]) -> None:
    names = bin_names(element, shape)
    places = [place_of(name) for name in names]
    assert {element_of(name) for name in names} == {element}
    assert places == list(np.ndindex(*shape))
    assert shape_of(names) == tuple(shape)


@given(SHAPES, st.randoms(use_true_random=False))
def test_a_shape_does_not_depend_on_the_order_of_columns(shape: list[int], random: Any) -> None:
    names = bin_names("map", shape)
    random.shuffle(names)
    assert shape_of(names) == tuple(shape)


@given(SHAPES, st.data())
def test_a_histogram_that_lacks_or_repeats_a_bin_has_no_shape(
    shape: list[int], data: st.DataObject
) -> None:
    names = bin_names("map", [*shape, 2])  # at least two bins
    lost = data.draw(st.integers(0, len(names) - 1))
    twice = [names[lost - 1] if place == lost else name for place, name in enumerate(names)]
    assert shape_of(twice) == (len(names),)
    rest = [name for place, name in enumerate(names) if place != lost]
    left = shape_of(rest)
    assert left == (len(rest),) or bin_names("map", left) == rest


@pytest.mark.parametrize(
    ("column", "element", "place"),
    [
        ("charge[3]", "charge", (3,)),
        ("PixelBarrel/Layer 1[2,14]", "PixelBarrel/Layer 1", (2, 14)),
        ("map[side A][3]", "map[side A]", (3,)),
        ("pileup", "pileup", ()),
        ("charge[", "charge[", ()),
        ("charge]", "charge]", ()),
        ("charge[]", "charge[]", ()),
        ("charge[-1]", "charge[-1]", ()),
        ("charge[1,]", "charge[1,]", ()),
        ("mass[GeV]", "mass[GeV]", ()),
        ("", "", ()),
        ("[4]", "", (4,)),
    ],
)
def test_names_that_are_no_bins_have_no_place(
    column: str, element: str, place: tuple[int, ...]
) -> None:
    assert element_of(column) == element
    assert place_of(column) == place


def test_elements_come_in_the_order_found_with_all_of_their_columns() -> None:
    assert elements_of(["b[0]", "a[0]", "b[1]", "lumi"]) == {"b": [0, 2], "a": [1], "lumi": [3]}


def test_columns_of_no_bins_are_a_row() -> None:
    assert shape_of(["a[1,2]", "a[3]"]) == (2,)
    assert shape_of(["time"]) == (1,)


def test_a_shape_of_several_elements_is_refused_by_their_names() -> None:
    with pytest.raises(DataError, match="one monitoring element, found 'a', 'b'"):
        shape_of(["a[0]", "b[0]"])


def test_an_index_has_whole_numbers_under_the_names_of_the_convention() -> None:
    index = lumisection_index([7.0, 8.0], np.array([1, 2], dtype=np.uint16))
    assert list(index.names) == ["run", "lumisection"]
    assert [str(kind) for kind in index.dtypes] == ["int64", "int64"]


@pytest.mark.parametrize(
    "rows", [None, [1, 2], np.ones((2, 2)), pd.DataFrame({"run": [1, 2]}), pd.Series([1])]
)
def test_rows_that_do_not_say_their_run_have_none(rows: Any) -> None:
    assert runs_of(rows) is None
    with pytest.raises(DataError, match=r"a sum needs the run of each row.*read_histograms"):
        required_runs(rows, "a sum")


def test_runs_and_lumisections_are_those_of_the_index_in_any_order_of_its_levels() -> None:
    index = pd.MultiIndex.from_tuples([(4, "x", 7), (2, "y", 8)], names=["lumisection", "n", "run"])
    X = pd.DataFrame({"a[0]": [1, 2]}, index)
    np.testing.assert_array_equal(runs_of(X), [7, 8])
    np.testing.assert_array_equal(required_runs(X["a[0]"], "a sum"), [7, 8])
    np.testing.assert_array_equal(lumisections_of(X), [4, 2])


@given(st.lists(st.integers(1, 4), max_size=20))
def test_rows_that_only_say_their_run_count_from_one_within_it(runs: list[int]) -> None:
    X = pd.DataFrame(index=pd.Index(runs, name="run", dtype=np.int64))
    expected = [runs[: place + 1].count(run) for place, run in enumerate(runs)]
    assert lumisections_of(X).tolist() == expected


@pytest.mark.parametrize("runs", [["99999", "100000"], [1.0, np.nan], [True, False], [1, np.inf]])
def test_runs_that_have_no_order_in_time_are_refused(runs: list[Any]) -> None:
    with pytest.raises(DataError, match="expected their numbers"):
        checked_runs_of_rows(runs, 2)
    with pytest.raises(
        DataError, match=r"groups have the shape \(2,\); expected one run per row, 3"
    ):
        checked_runs_of_rows(runs, 3, "groups")
    np.testing.assert_array_equal(checked_runs_of_rows([7, 9], 2), [7, 9])
