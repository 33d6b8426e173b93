from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from skdqm.exceptions import DataError
from skdqm.io import describe, iter_batches, read


def test_batches_cross_row_groups(tmp_path: Path) -> None:
    table = pa.table({"pt": np.arange(20.0), "label": np.arange(20) % 2})
    parquet.write_table(table, tmp_path / "a.parquet", row_group_size=7)
    for size, starts in {6: [0, 6, 12, 18], 7: [0, 7, 14], 30: [0]}.items():
        batches = list(iter_batches(tmp_path / "a.parquet", size))
        assert np.concatenate([batch.X["pt"] for batch in batches]).tolist() == list(range(20))
        assert [batch.X.index[0] for batch in batches] == starts


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(800_000, 10))
    table = pa.table({str(i): values[:, i] for i in range(10)})
    parquet.write_table(table, tmp_path / "a.parquet", row_group_size=40_000)
    del table
    held = [pa.total_allocated_bytes() for _ in iter_batches(tmp_path / "a.parquet", 40_000)]
    assert max(held) - held[0] < values.nbytes / 4


def test_stored_index_is_no_column(tmp_path: Path) -> None:
    frame = pd.DataFrame({"pt": [1.0, 2.0]}, index=pd.Index([7, 8], name="event"))
    frame.to_parquet(tmp_path / "a.parquet")
    assert describe(tmp_path / "a.parquet").columns == ("pt",)
    assert list(read(tmp_path / "a.parquet").X.index) == [0, 1]


def test_footer_tells_the_rows(tmp_path: Path) -> None:
    pd.DataFrame({"pt": [1.0, 2.0], "is_signal": [0, 1]}).to_parquet(tmp_path / "a.parquet")
    summary = describe(tmp_path / "a.parquet")
    assert (summary.format, summary.n_rows, summary.label) == ("Parquet", 2, "is_signal")


def test_float32_and_flags_and_missing_integers(tmp_path: Path) -> None:
    columns = {"a": pa.array([1, 2], pa.float32()), "b": [True, False], "c": [1, None]}
    parquet.write_table(pa.table(columns), tmp_path / "a.parquet")
    found = read(tmp_path / "a.parquet", nonfinite="drop")
    assert found.X.dtypes.astype(str).to_dict() == {"a": "float32", "b": "float32", "c": "float64"}
    assert found.n_dropped == 1


@pytest.mark.parametrize("values", [["good", "bad"], [[1, 2], [3]]], ids=["text", "lists"])
def test_text_and_lists_are_named(tmp_path: Path, values: list[object]) -> None:
    parquet.write_table(pa.table({"pt": [1.0, 2.0], "histo": values}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="columns 'histo' are not numbers"):
        read(tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet", columns=["pt"]).X.shape == (2, 1)


def test_names_with_dots_are_plain_names(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"jet": [1.0], "jet.pt": [2.0]}), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet", columns=["jet.pt", "jet"]).X.to_numpy().tolist() == [[2, 1]]
    assert read(tmp_path / "a.parquet", columns=["jet"]).X.to_numpy().tolist() == [[1]]


def test_repeated_names_are_refused(tmp_path: Path) -> None:
    table = pa.table([pa.array([1.0]), pa.array([2.0])], names=["pt", "pt"])
    parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(DataError, match="column names 'pt' occur more than once"):
        read(tmp_path / "a.parquet")
