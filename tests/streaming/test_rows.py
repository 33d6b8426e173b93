import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm.exceptions import DataError
from skdqm.streaming._rows import row_batches
from tests.streaming.sources import read_all

NUMBER = st.sampled_from([0.0, 1.5, np.nan, np.inf, -np.inf])


@given(st.lists(st.tuples(NUMBER, NUMBER), max_size=8), st.integers(0, 100))
def test_rows_stay_in_order_and_those_that_are_not_finite_are_malformed(rows, first):
    index = pd.RangeIndex(first, first + len(rows))
    X = pd.DataFrame(np.array(rows).reshape(-1, 2), columns=["a", "b"], index=index)
    carried = pd.DataFrame({"run": index}, index=index)
    found = read_all(row_batches(X, carried, "file"))
    assert [position for _, position, _ in found] == [{"row": row + 1} for row in index]
    assert [about for _, _, about in found] == [
        {"file": "file", "row": row, "run": row} for row in index
    ]
    for row, (event, _, _) in zip(rows, found, strict=True):
        assert (event == row) if np.isfinite(row).all() else "expected a finite" in event.reason


def test_text_is_refused():
    with pytest.raises(DataError, match="features must be numbers"):
        list(row_batches(pd.DataFrame({"a": ["x"]}), None, "file"))
