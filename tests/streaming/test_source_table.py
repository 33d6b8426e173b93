import numpy as np
import pandas as pd
import pytest

from skdqm.exceptions import DataError
from skdqm.streaming._source_table import TableFile
from tests.streaming.sources import layout, read_all, values

N_ROWS = 9_000


@pytest.fixture
def path(tmp_path):
    row = np.arange(N_ROWS)
    frame = pd.DataFrame({"Run": 301 + row // 5_000, "a": row / 1.0, "label": 0})
    frame.to_parquet(tmp_path / "events.parquet")
    return tmp_path / "events.parquet"


@pytest.mark.parametrize("first", [0, 1, 4_095, 4_096, 4_097, N_ROWS - 1, N_ROWS, N_ROWS + 5])
def test_it_begins_at_any_row(path, first):
    source = TableFile(path, layout("a"), None)
    source.seek({"row": first})
    found = read_all(source)
    assert values(found) == [(row,) for row in range(first, N_ROWS)]
    for _, position, about in found:
        row = about["row"]
        assert about == {"file": "events.parquet", "row": row, "Run": 301 + row // 5_000}
        assert position == {"row": row + 1}


def test_a_table_without_the_features_ends_with_the_name_of_the_file(path):
    with pytest.raises(DataError, match=r"events.parquet: the features 'b'"):
        read_all(TableFile(path, layout("b"), None))
