"""Ranges of lumisections behave as sets of (run, lumisection)."""

import copy
import pickle
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm.exceptions import DataError, UsageError
from skdqm.io._lumisection_ranges import LumisectionRanges

# Few lumisections and neighbouring runs, so that ranges meet.
PAIRS = st.tuples(st.integers(1, 12), st.integers(0, 4)).map(lambda p: (p[0], p[0] + p[1]))
MAPPINGS = st.dictionaries(st.integers(0, 3), st.lists(PAIRS, max_size=4), max_size=4)
LARGEST = 2**31 - 2


def index_of(*lumisections: tuple[int, int]) -> pd.MultiIndex:
    frame = pd.DataFrame(lumisections, columns=["run", "lumisection"], dtype=np.int64)
    return pd.MultiIndex.from_frame(frame)


def as_set(mapping: dict[int, list[tuple[int, int]]]) -> set[tuple[int, int]]:
    return {
        (run, lumisection)
        for run, pairs in mapping.items()
        for first, last in pairs
        for lumisection in range(first, last + 1)
    }


def members(ranges: LumisectionRanges) -> set[tuple[int, int]]:
    return as_set(ranges.to_dict())


@given(MAPPINGS, MAPPINGS)
def test_algebra_is_that_of_sets(
    one: dict[int, list[tuple[int, int]]], other: dict[int, list[tuple[int, int]]]
) -> None:
    a, b = LumisectionRanges(one), LumisectionRanges(other)
    assert members(a & b) == as_set(one) & as_set(other)
    assert members(a | b) == as_set(one) | as_set(other)
    assert members(a - b) == as_set(one) - as_set(other)
    assert (a == b) == (as_set(one) == as_set(other))
    assert a.n_lumisections == len(as_set(one))
    assert a.runs == tuple(sorted({run for run, _ in as_set(one)}))
    assert ((a & b) | (a - b)) == a


@given(MAPPINGS)
def test_ranges_neither_overlap_nor_touch_and_come_in_order(
    mapping: dict[int, list[tuple[int, int]]],
) -> None:
    ranges = LumisectionRanges(mapping)
    found = list(ranges)
    assert found == sorted(found)
    assert len(ranges) == len(found)
    for (run, _, last), (next_run, first, _) in pairwise(found):
        assert next_run > run or first > last + 1
    assert LumisectionRanges(ranges.to_dict()) == ranges
    assert [(run, *pair) for run in ranges.runs for pair in ranges.ranges_of(run)] == found


@given(MAPPINGS, st.lists(st.tuples(st.integers(0, 4), st.integers(1, 18)), unique=True))
def test_flags_make_the_set_that_contains_them(
    mapping: dict[int, list[tuple[int, int]]], rows: list[tuple[int, int]]
) -> None:
    ranges, index = LumisectionRanges(mapping), index_of(*rows)
    inside = ranges.contains(index)
    assert inside.tolist() == [row in as_set(mapping) for row in rows]
    assert members(LumisectionRanges.from_flags(index, inside)) == as_set(mapping) & set(rows)


def test_levels_are_found_by_name_in_any_order() -> None:
    turned = index_of((1, 7), (2, 3)).reorder_levels(["lumisection", "run"])
    ranges = LumisectionRanges.from_flags(turned, [True, True])
    assert ranges == LumisectionRanges({1: [(7, 7)], 2: [(3, 3)]})
    assert ranges.contains(turned).all()


def test_not_enough_data_is_not_good() -> None:
    verdicts = pd.Series([1, 0, 1, -1], index_of((1, 1), (1, 2), (1, 3), (1, 4)))
    assert LumisectionRanges.from_verdicts(verdicts).ranges_of(1) == [(1, 1), (3, 3)]


def test_a_gap_in_the_table_ends_a_range() -> None:
    ranges = LumisectionRanges.from_flags(index_of((1, 1), (1, 2), (1, 4)), [True] * 3)
    assert ranges.ranges_of(1) == [(1, 2), (4, 4)]


def test_extreme_numbers_do_not_leak_into_the_next_run() -> None:
    ranges = LumisectionRanges({LARGEST - 1: [(LARGEST, LARGEST)], LARGEST: [(1, 1)]})
    assert list(ranges) == [(LARGEST - 1, LARGEST, LARGEST), (LARGEST, 1, 1)]
    assert ranges.contains(index_of((LARGEST, LARGEST), (LARGEST, 1))).tolist() == [False, True]


def test_nothing_is_a_set_too() -> None:
    empty = LumisectionRanges()
    assert (len(empty), empty.n_lumisections, empty.runs, list(empty)) == (0, 0, (), [])
    assert not empty.contains(index_of((1, 1))).any()
    assert empty.contains(index_of()).shape == (0,)
    assert LumisectionRanges.from_flags(index_of(), np.zeros(0, bool)) == empty
    assert LumisectionRanges({5: []}) == empty == empty & empty
    assert repr(empty) == "LumisectionRanges()"


def test_it_never_changes_and_can_be_a_key() -> None:
    ranges = LumisectionRanges({1: [(1, 2)]})
    with pytest.raises(AttributeError, match="never change"):
        ranges._bounds = np.zeros(2, dtype=np.int64)
    with pytest.raises(ValueError, match="read-only"):
        ranges._bounds[0] = 0
    assert {ranges, LumisectionRanges({1: [(1, 1), (2, 2)]})} == {ranges}
    assert pickle.loads(pickle.dumps(ranges)) == ranges == copy.deepcopy(ranges)


def test_only_sets_of_lumisections_combine() -> None:
    with pytest.raises(TypeError):
        LumisectionRanges() & {1: [(1, 2)]}
    assert LumisectionRanges() != {}


def test_representation_of_many_ranges_stays_short() -> None:
    many = LumisectionRanges({run: [(1, 2), (4, 5)] for run in range(1000)})
    assert repr(many) == "LumisectionRanges(<1,000 runs, 2,000 ranges, 4,000 lumisections>)"


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"29x": [[1, 2]]}, "found the run '29x'"),
        ({-1: [[1, 2]]}, "found the run -1"),
        ({1.5: [[1, 2]]}, "found the run 1.5"),
        ({True: [[1, 2]]}, "found the run True"),
        ({"²": [[1, 2]]}, "found the run '²'"),
        ({"9" * 30: [[1, 2]]}, "expected a whole number"),
        ({7: [1, 2]}, "run 7: found the range 1; expected two whole numbers"),
        ({7: 5}, "run 7: found 5; expected a list of ranges"),
        ({7: "12"}, "run 7: found '12'; expected a list"),
        ({7: {"1": 2}}, "run 7: found .*; expected a list"),
        ({7: [[1, 2, 3]]}, r"run 7: found the range \[1, 2, 3\]"),
        ({7: [[1.0, 2]]}, r"run 7: found the range \[1.0, 2\]"),
        ({7: [[True, 2]]}, r"run 7: found the range \[True, 2\]"),
        ({7: ["12"]}, "run 7: found the range '12'"),
        ({7: [[9, 3]]}, r"run 7: found the range \[9, 3\]; expected 1 <= first <= last"),
        ({7: [[0, 3]]}, r"run 7: found the range \[0, 3\]"),
        ({7: [[1, 2**31]]}, r"run 7: found the range \[1, 2147483648\]"),
    ],
)
def test_what_is_no_range_is_named(mapping: dict[Any, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        LumisectionRanges(mapping)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (pd.RangeIndex(2), "levels None; expected 'run' and 'lumisection'"),
        (index_of((1, 2), (1, 2)), "lumisection 2 of run 1 twice"),
        (index_of((1, 0), (1, 2)), "found the lumisection 0; expected 1 to"),
        (index_of((-1, 1), (1, 2)), "found the run -1; expected 0 to"),
        (index_of((1, 1), (1, 2**40)), "found the lumisection 1099511627776"),
        (
            pd.MultiIndex.from_arrays([[1.5, 2.5], [1, 2]], names=["run", "lumisection"]),
            "level 'run' is of float64",
        ),
    ],
)
def test_wrong_index_is_refused(index: pd.Index, message: str) -> None:
    with pytest.raises(DataError, match=message):
        LumisectionRanges.from_flags(index, np.array([True, False]))


@pytest.mark.parametrize("flags", [[True], [1, 0], [[True, False]]])
def test_flags_that_do_not_fit_are_refused(flags: list[Any]) -> None:
    with pytest.raises(UsageError, match="expected 2 flags of type bool"):
        LumisectionRanges.from_flags(index_of((1, 1), (1, 2)), flags)


@pytest.mark.parametrize("strange", [2.0, np.nan])
def test_strange_verdicts_are_refused(strange: float) -> None:
    verdicts = pd.Series([1.0, strange], index_of((1, 1), (1, 2)))
    with pytest.raises(DataError, match=f"found the verdicts {strange}"):
        LumisectionRanges.from_verdicts(verdicts)


@pytest.mark.parametrize("run", [297050, np.int32(297050), np.int64(297050), "297050"])
def test_every_integer_finds_its_run(run: Any) -> None:
    ranges = LumisectionRanges({297050: [(12, 137)], 297051: [(1, 2)]})
    assert ranges.ranges_of(run) == [(12, 137)]
    with pytest.raises(DataError, match=r"found the run 1\.5"):
        ranges.ranges_of(1.5)  # type: ignore[arg-type]


def test_a_whole_run_belongs_to_no_set() -> None:
    ranges = LumisectionRanges({1: [(1, LARGEST)], 2: [(1, 5)]})
    assert ranges.contains(index_of((1, 0), (2, 0), (2, 1))).tolist() == [False, False, True]
