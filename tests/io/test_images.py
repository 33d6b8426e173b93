"""Images in npy, npz and HDF5."""

from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from skdqm.exceptions import DataError
from skdqm.io import describe, iter_batches, read
from skdqm.io._images import image_shape, pixel_names


def save_hdf5(path: Path, X: NDArray[Any], y: NDArray[Any]) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("X", data=X, chunks=True)
        file["label"] = y


SAVE: dict[str, Callable[[Path, NDArray[Any], NDArray[Any]], None]] = {
    "a.npz": lambda path, X, y: np.savez(path, X=X, label=y),
    "a.npy": lambda path, X, y: np.save(path, X),
    "a.h5": save_hdf5,
}


@pytest.mark.parametrize("name", SAVE)
@pytest.mark.parametrize("shape", [(5, 4, 3), (5, 2, 4, 3)])
def test_images_are_rows_of_pixels(tmp_path: Path, name: str, shape: tuple[int, ...]) -> None:
    X = np.random.default_rng(0).normal(size=shape)
    SAVE[name](tmp_path / name, X, np.arange(5))
    summary = describe(tmp_path / name)
    assert summary.kind == "images"
    assert summary.image_shape == (*(1,) * (4 - len(shape)), *shape[1:])
    batches = list(iter_batches(tmp_path / name, 2))
    pixels = np.concatenate([batch.X.to_numpy() for batch in batches])
    np.testing.assert_array_equal(pixels, X.reshape(5, -1))
    assert summary.label == (None if name == "a.npy" else "label")


def test_a_matrix_called_x_comes_before_images_beside_it(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=np.zeros((3, 2)), maps=np.zeros((3, 4, 4)))
    assert describe(tmp_path / "a.npz").kind == "table"
    assert describe(tmp_path / "a.npz", key="maps").image_shape == (1, 4, 4)


def test_channels_behind_the_pixels_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((5, 32, 32, 3)))
    with pytest.raises(DataError, match=r"\(32, 32, 3\).*numpy\.moveaxis"):
        read(tmp_path / "a.npy")


@given(st.tuples(*[st.integers(1, 5)] * 3))
def test_every_pixel_has_a_name_of_its_own(shape: tuple[int, int, int]) -> None:
    names = pixel_names(shape)
    assert len(set(names)) == len(names) == np.prod(shape)
    last = "_".join(str(length - 1) for length in (shape if shape[0] > 1 else shape[1:]))
    assert names[-1] == f"pixel_{last}"


def test_lines_are_images_too() -> None:
    assert image_shape((10, 1, 100)) == (1, 1, 100)


def test_large_images_are_read_in_a_moment(tmp_path: Path) -> None:
    np.save(tmp_path / "maps.npy", np.zeros((3, 170, 360), np.float32))
    started = perf_counter()
    columns = list(describe(tmp_path / "maps.npy").columns)
    (batch,) = iter_batches(tmp_path / "maps.npy", columns=columns)
    # A search through all names for each of them took 37 seconds.
    assert perf_counter() - started < 10
    assert batch.X.shape == (3, 61_200)


def test_images_beside_columns_or_a_matrix_are_read_only_by_name(tmp_path: Path) -> None:
    wave, pt = np.zeros((5, 6, 6)), np.arange(5.0)
    np.savez(tmp_path / "columns.npz", pt=pt, eta=pt, wave=wave)
    np.savez(tmp_path / "matrix.npz", data=np.ones((5, 3)), y=np.zeros(5, dtype=int), wave=wave)
    assert list(read(tmp_path / "columns.npz").X.columns) == ["pt", "eta"]
    assert read(tmp_path / "matrix.npz").X.shape == (5, 3)
    assert read(tmp_path / "matrix.npz", key="wave").X.shape == (5, 36)
    with h5py.File(tmp_path / "matrix.h5", "w") as file:
        file["data"], file["wave"] = np.ones((5, 3)), wave
    assert read(tmp_path / "matrix.h5").X.shape == (5, 3)
    assert read(tmp_path / "matrix.h5", key="wave").X.shape == (5, 36)


def test_numbers_of_another_byte_order_can_be_written_again(tmp_path: Path) -> None:
    rows = np.arange(12).reshape(4, 3)
    np.savez(tmp_path / "big.npz", X=rows.astype(">f8"), y=np.ones(4, dtype=">i4"))
    table = read(tmp_path / "big.npz", carry="all")
    assert all(dtype.isnative for dtype in [*table.X.dtypes, *table.carried.dtypes])
    np.testing.assert_array_equal(table.X, rows)
