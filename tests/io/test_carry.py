"""Columns that are only passed on, as they are in the file."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from skdqm.exceptions import DataError, UsageError
from skdqm.io import iter_batches, read, write_batches

BIG = 2**53 + 1
Write = Callable[..., Path]


@pytest.fixture
def rows() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "event": [BIG, BIG + 2, BIG + 4],
            "a": [0.5, np.nan, 2.0],
            "comment": ["fine", None, "x"],
            "good": [True, False, True],
            "when": pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-03"]),
            "label": ["sig", "bkg", "bkg"],
            "count": pd.array([BIG, None, 3], dtype="Int64"),
        }
    )


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet"])
def test_everything_carried_is_written_as_it_was_read(
    tmp_path: Path, rows: pd.DataFrame, name: str
) -> None:
    write_batches([rows], tmp_path / name)
    batches = iter_batches(
        tmp_path / name, 2, columns=["a"], label=None, nonfinite="keep", carry="all"
    )
    write_batches((b.carried for b in batches if b.carried is not None), tmp_path / f"2{name}")
    if name == "a.csv":
        assert (tmp_path / "2a.csv").read_text().replace('"', "") == (
            (tmp_path / name).read_text().replace('"', "")
        )
    again = read(tmp_path / f"2{name}", columns=["a"], label=None, nonfinite="keep", carry="all")
    first = read(tmp_path / name, columns=["a"], label=None, nonfinite="keep", carry="all")
    assert first.carried is not None
    assert again.carried is not None
    pd.testing.assert_frame_equal(again.carried, first.carried)
    assert list(first.carried.columns) == list(rows.columns)
    assert int(first.carried["event"].iloc[0]) == BIG
    assert int(first.carried["count"].iloc[0]) == BIG


def test_only_features_fall_under_the_policy_for_nan(tmp_path: Path, rows: pd.DataFrame) -> None:
    rows.to_parquet(tmp_path / "a.parquet")
    found = read(
        tmp_path / "a.parquet", columns=["a"], label=None, nonfinite="drop", carry=["count", "good"]
    )
    assert found.carried is not None
    assert found.n_dropped == 1
    assert found.carried.index.tolist() == found.X.index.tolist() == [0, 2]
    assert list(found.carried.columns) == ["count", "good"]


def test_features_are_carried_in_their_own_types(tmp_path: Path) -> None:
    pd.DataFrame({"a": [BIG], "b": np.float32([0.1])}).to_parquet(tmp_path / "a.parquet")
    found = read(tmp_path / "a.parquet", carry="all")
    assert found.carried is not None
    assert found.X["a"].dtype == "float64"
    assert (found.carried["a"].iloc[0], found.carried["b"].dtype) == (BIG, "float32")


def test_texts_in_hdf5_and_npz_are_text(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a"], file["run"] = np.zeros(2), ["321a", "321b"]
    np.savez(tmp_path / "a.npz", a=np.zeros(2), run=np.array([b"321a", b"321b"]))
    for name in ("a.h5", "a.npz"):
        found = read(tmp_path / name, columns=["a"], carry="all")
        assert found.carried is not None
        assert found.carried["run"].tolist() == ["321a", "321b"]


def test_all_leaves_out_what_cannot_be_read_and_a_name_does_not(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", a=np.zeros(2), junk=np.array([{}, "x"], dtype=object))
    found = read(tmp_path / "a.npz", columns=["a"], carry="all")
    assert found.carried is not None
    assert list(found.carried.columns) == ["a"]
    with pytest.raises(DataError, match="'junk' hold pickled objects"):
        read(tmp_path / "a.npz", columns=["a"], carry=["junk"])


def test_nothing_is_carried_unless_asked(csv_file: Write) -> None:
    assert read(csv_file("a\n1\n")).carried is None


def test_what_cannot_be_carried_is_refused(csv_file: Write) -> None:
    with pytest.raises(DataError, match="no column 'z'"):
        read(csv_file("a\n1\n"), carry=["z"])
    with pytest.raises(UsageError, match="expected 'all' or a list"):
        read("no_such_file.csv", carry="z")
    with pytest.raises(UsageError, match="each name once"):
        read("no_such_file.csv", carry=["z", "z"])
