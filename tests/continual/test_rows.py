"""Rows: what is known of each stays with it."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm.continual._rows import Rows, joined
from tests.continual.parts import numbered


def keyed(n_rows: int) -> Rows:
    rows = numbered(n_rows, groups=np.arange(n_rows))
    return Rows(rows.values, rows.positions, np.stack([rows.positions] * 2, axis=1), rows.groups)


def assert_together(rows: Rows) -> None:
    np.testing.assert_array_equal(rows.values[:, 0], rows.positions)
    np.testing.assert_array_equal(rows.keys[:, 0], rows.positions)
    np.testing.assert_array_equal(rows.groups, rows.positions)


@given(st.lists(st.integers(0, 19), max_size=30))
def test_a_choice_of_rows_keeps_what_is_known_of_each(chosen: list[int]) -> None:
    found = keyed(20)[np.array(chosen, dtype=np.int64)]
    assert found.positions.tolist() == chosen
    assert_together(found)


@given(st.lists(st.integers(0, 19), unique=True), st.integers(0, 20))
def test_rows_without_some_are_all_others_in_their_order(gone: list[int], cut: int) -> None:
    rows = joined([keyed(20)[:cut], keyed(20)[20:], keyed(20)[cut:]])
    found = rows.without(np.array(gone, dtype=np.int64))
    assert found.positions.tolist() == [place for place in range(20) if place not in gone]
    assert_together(found)


def test_rows_of_a_group_are_others_and_leave_the_first_as_they_were() -> None:
    rows = keyed(3)
    assert rows.of_group(7).groups.tolist() == [7, 7, 7]
    assert rows.groups.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (keyed(0), {"n_rows": 0}),
        (
            keyed(9)[[4, 2, 7]],
            {
                "n_rows": 3,
                "rows": [2, 7],
                "stretches": [[2, 2], [4, 4], [7, 7]],
                "lumisections": [[2, 2], [7, 7]],
            },
        ),
        (numbered(2, first=-2), {"n_rows": 2, "rows": [-2, -1]}),
        (
            joined([keyed(1), numbered(1, first=5)]),
            {"n_rows": 2, "rows": [0, 5], "stretches": [[0, 0], [5, 5]]},
        ),
    ],
)
def test_a_span_names_the_first_and_the_last_row_in_words_of_json(
    rows: Rows, expected: dict[str, Any]
) -> None:
    assert json.loads(json.dumps(rows.span())) == expected
