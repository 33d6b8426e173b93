"""Any numbers that another tool wrote come back, whatever the format and the size of a batch."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pandas.testing import assert_frame_equal

from skdqm.io import iter_batches, read

MATRICES = st.sampled_from([np.float64, np.float32]).flatmap(
    lambda dtype: arrays(dtype, st.tuples(st.integers(1, 9), st.integers(2, 4)))
)


def as_csv(path: Path, frame: pd.DataFrame) -> None:
    frame.to_csv(path, index=False, na_rep="nan")


def as_hdf5(path: Path, frame: pd.DataFrame) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("X", data=frame.to_numpy(), compression="gzip")


def as_npz(path: Path, frame: pd.DataFrame) -> None:
    np.savez(path, X=frame.to_numpy())


def as_parquet(path: Path, frame: pd.DataFrame) -> None:
    frame.to_parquet(path, row_group_size=3)


def as_root(path: Path, frame: pd.DataFrame) -> None:
    uproot = pytest.importorskip("uproot")
    with uproot.recreate(path) as file:
        file.mktree("t", dict(frame.dtypes))
        file["t"].extend({name: frame[name].to_numpy() for name in frame})


WRITERS: dict[str, Callable[[Path, pd.DataFrame], Any]] = {
    "a.csv": as_csv,
    "a.csv.gz": as_csv,
    "a.h5": as_hdf5,
    "a.npy": lambda path, frame: np.save(path, frame.to_numpy()),
    "a.npz": as_npz,
    "a.parquet": as_parquet,
    "a.root": as_root,
}


def is_read_back(path: Path, frame: pd.DataFrame, size: int) -> None:
    values = frame.to_numpy()
    found = read(path, label=None, nonfinite="keep").X
    # A text has no types: a number in single precision comes back as one in double.
    np.testing.assert_array_equal(found.to_numpy().astype(values.dtype), values)
    parts = [part.X for part in iter_batches(path, size, label=None, nonfinite="keep")]
    assert_frame_equal(pd.concat(parts), found)
    if path.suffix not in {".npy", ".npz", ".h5"}:
        assert list(found.columns) == list(frame.columns)


@pytest.mark.parametrize("name", sorted(WRITERS))
@given(values=MATRICES, size=st.integers(1, 10))
def test_any_matrix_comes_back(
    tmp_path_factory: pytest.TempPathFactory, name: str, values: np.ndarray, size: int
) -> None:
    path = tmp_path_factory.mktemp("round") / name
    frame = pd.DataFrame(values, columns=[f"c{i}" for i in range(values.shape[1])])
    WRITERS[name](path, frame)
    is_read_back(path, frame, size)


@pytest.mark.parametrize("pack", ["none", "zlib", "blosc"])
@given(values=MATRICES, size=st.integers(1, 10))
def test_any_frame_in_the_layouts_of_pandas_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    fixed: Callable[..., Path],
    table: Callable[..., Path],
    pack: str,
    values: np.ndarray,
    size: int,
) -> None:
    folder = tmp_path_factory.mktemp("pandas")
    frame = pd.DataFrame(values, columns=[f"c{i}" for i in range(values.shape[1])])
    for write in (fixed, table):
        path = write(folder / f"{write.__name__}.h5", frame, pack=pack)
        is_read_back(path, frame, size)
        assert list(read(path, nonfinite="keep").X.columns) == list(frame.columns)
