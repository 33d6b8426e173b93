"""What users say of rows: taken as it is meant, or refused."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from skdqm._lumisections import lumisection_index
from skdqm.continual._labels import checked_conditions, checked_verdicts, positions_of
from skdqm.continual._rows import Rows
from skdqm.exceptions import UsageError
from tests.continual.parts import numbered

KEPT = Rows(
    np.zeros((4, 1)),
    np.array([10, 11, 12, 13]),
    np.array([[1, 7], [1, 8], [2, 7], [-1, -1]]),
    np.zeros(4, dtype=np.int64),
)


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (None, [0, 0, 0]),
        ([1, -1, 0], [1, -1, 0]),
        (np.array([1.0, -1.0, np.nan]), [1, -1, 0]),
        ([1, None, -1], [1, 0, -1]),
        (pd.Series([2, 1, 7], index=[5, 6, 7]), [0, 1, 0]),
    ],
)
def test_verdicts_are_one_of_three(y: Any, expected: list[int]) -> None:
    assert checked_verdicts(y, 3).tolist() == expected


@pytest.mark.parametrize("y", [[1, 1], [[1], [1], [1]], 1, ["good", "bad", "good"]])
def test_what_are_no_verdicts_is_refused(y: Any) -> None:
    with pytest.raises(UsageError, match="expected"):
        checked_verdicts(y, 3)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (None, ["", "", ""]),
        ("cosmics", ["cosmics"] * 3),
        (["a", None, np.nan], ["a", "", ""]),
        (pd.Series(["a", pd.NA, "b"], dtype="string"), ["a", "", "b"]),
        (pd.Categorical(["b", "a", "b"]), ["b", "a", "b"]),
        (np.array([3, 4, 4]), ["3", "4", "4"]),
        ([np.float32("nan"), pd.NaT, "x"], ["", "", "x"]),
    ],
)
def test_every_row_has_a_tag_or_none(condition: Any, expected: list[str]) -> None:
    assert checked_conditions(condition, 3).tolist() == expected


def test_tags_of_other_rows_are_refused() -> None:
    with pytest.raises(UsageError, match="one per row, 3"):
        checked_conditions(["a", "b"], 3)


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (11, [11]),
        ([12, 999], [12, 999]),
        ([], []),
        ([(1, 8)], [11]),
        ([[2, 7], [1, 7], [3, 1]], [10, 12]),
        (lumisection_index([1, 2], [7, 7]), [10, 12]),
        (pd.DataFrame(index=lumisection_index([2], [7])).index, [12]),
        (pd.Index([10, 13]), [10, 13]),
    ],
)
def test_rows_are_named_by_place_or_by_lumisection(index: Any, expected: list[int]) -> None:
    assert positions_of(index, KEPT).tolist() == expected


@pytest.mark.parametrize(
    "index",
    [
        ["a"],
        [(1, 2, 3)],
        [(1, "x")],
        [1.5],
        [np.nan],
        "run 7",
        np.array([True, False, True]),
        [[[1]]],
    ],
)
def test_what_names_no_rows_is_refused(index: Any) -> None:
    with pytest.raises(UsageError, match="expected places in the stream"):
        positions_of(index, KEPT)


def test_rows_without_lumisections_are_not_found_by_any() -> None:
    assert not len(positions_of([(-1, 0)], numbered(5)))
