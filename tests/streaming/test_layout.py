import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm.exceptions import DataError
from skdqm.streaming._layout import plain
from tests.streaming.sources import layout


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("301", 301),
        ("-7", -7),
        ("007", "007"),
        ("1e3", "1e3"),
        (301.0, 301),
        (np.int32(7), 7),
        (np.float32("nan"), None),
        (b"a\xff", "a\N{REPLACEMENT CHARACTER}"),
        (None, None),
        ([1, float("nan")], "[1, nan]"),
        (pd.Timestamp("2025-01-01"), "2025-01-01 00:00:00"),
        ("x" * 1000, "x" * 200),
    ],
)
def test_carried_values_become_plain_data(value, expected):
    assert plain(value) == expected
    assert type(plain(value)) is type(expected)


@given(st.recursive(st.none() | st.floats() | st.integers() | st.text() | st.binary(), st.lists))
def test_any_carried_value_can_be_written_as_json(value):
    json.dumps(plain(value), allow_nan=False)


def test_columns_come_in_the_order_of_the_model():
    chosen = layout("b", "a")
    assert chosen.columns(["a", "x", "b"]) == ["b", "a"]
    with pytest.raises(DataError, match=r"the features 'b' of the model are missing; found 'a'"):
        chosen.columns(["a"])


def test_features_are_not_carried():
    assert layout("run", "a").carried(["id", "run", "a", "Event"]) == ["id", "Event"]
    assert layout(number=1).carried(["run", "x"]) == ["run"]
