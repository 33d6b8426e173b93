import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from skdqm.exceptions import DataError, UsageError
from skdqm.io import Table, iter_batches, read

Save = Callable[..., Path]


def save_csv(path: Path, frame: pd.DataFrame) -> Path:
    frame.to_csv(path, index=False)
    return path


def save_parquet(path: Path, frame: pd.DataFrame) -> Path:
    frame.to_parquet(path, row_group_size=3)
    return path


def save_npz(path: Path, frame: pd.DataFrame) -> Path:
    np.savez(path, **{name: frame[name].to_numpy() for name in frame})
    return path


def save_group(path: Path, frame: pd.DataFrame) -> Path:
    with h5py.File(path, "w", track_order=True) as file:
        for name in frame:
            file[name] = frame[name].to_numpy()
    return path


WRITERS = {"a.csv": save_csv, "a.csv.gz": save_csv, "a.parquet": save_parquet, "a.npz": save_npz}


@pytest.fixture(params=[*WRITERS, "fixed.h5", "table.h5", "group.h5"], scope="module")
def save(request: pytest.FixtureRequest, fixed: Save, table: Save) -> Callable[..., Path]:
    writers = {**WRITERS, "fixed.h5": fixed, "table.h5": table, "group.h5": save_group}

    def write(folder: str, frame: pd.DataFrame) -> Path:
        return writers[request.param](Path(folder) / request.param, frame)

    return write


def finite_or_not(dtype: Any) -> Any:
    width = np.dtype(dtype).itemsize * 8
    return st.floats(width=width, allow_nan=True, allow_infinity=True)


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    n_rows = draw(st.integers(1, 12))
    column = {
        dtype: arrays.arrays(dtype, n_rows, elements=finite_or_not(dtype))
        for dtype in (np.float32, np.float64)
    }
    whole = arrays.arrays(np.int64, n_rows, elements=st.integers(-(2**53), 2**53))
    data = {"pt": draw(column[np.float64]), "m": draw(column[np.float32]), "n": draw(whole)}
    data["label"] = draw(arrays.arrays(np.int64, n_rows, elements=st.integers(0, 1)))
    return pd.DataFrame(data)


def joined(batches: list[Table]) -> Table:
    labels = [batch.y for batch in batches if batch.y is not None]
    return Table(
        X=pd.concat([batch.X for batch in batches]),
        y=np.concatenate(labels),
        source=batches[0].source,
        n_dropped=sum(batch.n_dropped for batch in batches),
    )


def assert_same(left: Table, right: Table) -> None:
    pd.testing.assert_frame_equal(left.X, right.X, check_exact=True, check_index_type=False)
    np.testing.assert_array_equal(left.y, right.y)
    assert (left.source, left.n_dropped) == (right.source, right.n_dropped)


@given(frame=frames(), size=st.integers(1, 13))
def test_batches_put_together_equal_read(
    save: Callable[..., Path], frame: pd.DataFrame, size: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = save(folder, frame)
        whole = read(path, nonfinite="keep")
        assert_same(joined(list(iter_batches(path, size, nonfinite="keep"))), whole)
        features = frame.drop(columns="label")
        # A float32 in a CSV is short text: it comes back as the float64 nearest to that text.
        same = whole.X[list(features)].astype(features.dtypes.to_dict())
        pd.testing.assert_frame_equal(same, features, check_exact=True, check_index_type=False)
        finite = np.isfinite(features).all(axis=1)
        if finite.any():
            dropped = read(path, nonfinite="drop")
            assert dropped.X.index.tolist() == np.flatnonzero(finite).tolist()
            assert_same(joined(list(iter_batches(path, size, nonfinite="drop"))), dropped)


def test_columns_can_be_chosen_in_every_format(
    save: Callable[..., Path], tmp_path: Path, jets: pd.DataFrame
) -> None:
    path = save(str(tmp_path), jets)
    found = read(path, columns=["n_tracks", "pt"], label=None)
    assert list(found.X.columns) == ["n_tracks", "pt"]
    np.testing.assert_array_equal(found.X.to_numpy(), jets[["n_tracks", "pt"]].to_numpy())


def test_batches_hold_the_file_open_no_longer_than_needed(
    save: Callable[..., Path], tmp_path: Path, jets: pd.DataFrame
) -> None:
    path = save(str(tmp_path), jets)
    batches = iter_batches(path, 2)
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    path.unlink()
    with pytest.raises(DataError, match="No such file"):
        read(path)


def test_table_has_the_length_of_its_rows(tmp_path: Path, jets: pd.DataFrame) -> None:
    found = read(save_csv(tmp_path / "a.csv", jets))
    assert len(found) == 8
    assert found.source == str(tmp_path / "a.csv")


def test_paths_may_be_text(tmp_path: Path, jets: pd.DataFrame) -> None:
    assert len(read(str(save_csv(tmp_path / "a.csv", jets)))) == 8


def test_import_does_not_load_the_format_libraries() -> None:
    code = "import sys, skdqm.io; sys.exit(any(m in sys.modules for m in ('h5py', 'hdf5plugin')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("n_rows", [1, 4, 5, 100])
@pytest.mark.parametrize("name", ["a.csv", "a.npy", "a.parquet"])
def test_the_first_rows_alone_can_be_read(tmp_path: Path, name: str, n_rows: int) -> None:
    frame = pd.DataFrame({"x0": np.arange(10.0), "x1": np.arange(10.0)})
    save = {"a.csv": lambda p: frame.to_csv(p, index=False), "a.parquet": frame.to_parquet}
    save.get(name, lambda p: np.save(p, frame.to_numpy()))(tmp_path / name)
    expected = list(range(min(n_rows, 10)))
    assert read(tmp_path / name, n_rows=n_rows).X["x1"].tolist() == expected
    batches = iter_batches(tmp_path / name, 4, n_rows=n_rows)
    assert [value for batch in batches for value in batch.X["x0"]] == expected


def test_dropped_rows_count_among_the_first(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\nnan,3\n4,5\n6,7\n")
    found = read(tmp_path / "a.csv", nonfinite="drop", n_rows=3)
    assert (found.X.index.tolist(), found.n_dropped) == ([0, 2], 1)


def test_no_rows_are_no_request(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="n_rows=0: expected at least 1"):
        read(tmp_path / "a.csv", n_rows=0)


def test_batches_of_wide_tables_have_fewer_rows(tmp_path: Path) -> None:
    np.save(tmp_path / "wide.npy", np.zeros((300, 2**15), np.float32))
    assert [len(batch) for batch in iter_batches(tmp_path / "wide.npy")] == [256, 44]
    np.save(tmp_path / "narrow.npy", np.zeros((60_000, 2)))
    assert [len(batch) for batch in iter_batches(tmp_path / "narrow.npy")] == [50_000, 10_000]
