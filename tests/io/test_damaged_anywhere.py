"""A table that is cut or changed at any byte is refused, or is read without inventing values."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm.exceptions import DataError
from skdqm.io import (
    Histograms,
    LumisectionRanges,
    read,
    read_golden_json,
    read_histograms,
    write_batches,
    write_golden_json,
    write_histograms,
)

VALUES = np.random.default_rng(0).normal(size=(40, 3))
FRAME = pd.DataFrame(VALUES, columns=["a", "b", "c"])
CSV = FRAME.to_csv(index=False).encode()


def as_hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["X"] = VALUES


WRITERS: dict[str, Callable[[Path], Any]] = {
    "a.csv.gz": lambda path: path.write_bytes(gzip.compress(CSV, mtime=0)),
    "a.h5": as_hdf5,
    "a.npy": lambda path: np.save(path, VALUES),
    "a.npz": lambda path: np.savez(path, X=VALUES),
    "a.parquet": lambda path: write_batches([FRAME], path),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("anywhere")


@pytest.fixture(params=[*sorted(WRITERS), "fixed", "table"], scope="module")
def whole(request: pytest.FixtureRequest, folder: Path) -> Path:
    """Return the path of an undamaged file of each format, and of the two layouts of pandas."""
    if request.param not in WRITERS:
        write = request.getfixturevalue(request.param)
        return write(folder / f"{request.param}.h5", FRAME, pack="blosc")
    path = folder / request.param
    WRITERS[request.param](path)
    return path


def damaged(whole: Path, content: bytes) -> Path:
    path = whole.parent / f"damaged_{whole.name}"
    path.write_bytes(content)
    return path


def values_or_none(path: Path) -> np.ndarray | None:
    """Read a table, or return None where it is refused; any other error is a failure."""
    try:
        return read(path).X.to_numpy()
    except DataError:
        return None


def test_the_undamaged_file_is_read(whole: Path) -> None:
    np.testing.assert_array_equal(read(whole).X.to_numpy(), VALUES)


@given(share=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_anywhere_is_refused_in_one_line(whole: Path, share: float) -> None:
    content = whole.read_bytes()
    path = damaged(whole, content[: int(share * len(content))])
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@given(share=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_a_changed_byte_is_refused_or_leaves_a_finite_table(
    whole: Path, share: float, flip: int
) -> None:
    content = bytearray(whole.read_bytes())
    content[int(share * len(content))] ^= flip
    found = values_or_none(damaged(whole, bytes(content)))
    assert found is None or np.isfinite(found).all()


@given(rows=st.integers(0, 39), n_characters=st.integers(0, 60))
def test_a_csv_cut_anywhere_is_refused_or_gives_whole_rows(
    folder: Path, rows: int, n_characters: int
) -> None:
    lines = CSV.splitlines(keepends=True)
    path = folder / "cut.csv"
    path.write_bytes(b"".join(lines[: 1 + rows]) + lines[1 + rows][:n_characters])
    found = values_or_none(path)
    if found is not None:
        assert np.isfinite(found).all()
        # A row cut inside its last number is a shorter number: no reader can tell.
        np.testing.assert_array_equal(found[:rows], VALUES[:rows])


def npy_with(header: bytes) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + b"\0" * 80


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': '<f8', 'shape': (3, 3), 'fortran_order': False (",
        b"  {'descr': '<f8'\n 1",
        b"{'descr': '<f8', 'shape': (3, 3), 'fortran_order': False",
        b"{'descr': '<f8', 'shape': (10000000000000000000000, 3), 'fortran_order': False}",
    ],
    ids=["open bracket", "indentation", "open brace", "petabytes"],
)
def test_an_npy_header_that_is_no_dict_is_refused_in_one_line(folder: Path, header: bytes) -> None:
    path = folder / "header.npy"
    path.write_bytes(npy_with(header))
    with pytest.raises(DataError, match=r"header\.npy: cannot read this as") as caught:
        read(path)
    assert "\n" not in str(caught.value)


RANGES = LumisectionRanges({run: [(1, 7), (9, 400)] for run in (294936, 297050, 320001)})


@given(share=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255), cut=st.booleans())
def test_a_golden_json_cut_or_changed_anywhere_is_refused_or_gives_ranges(
    folder: Path, share: float, byte: int, cut: bool
) -> None:
    path = folder / "golden.json"
    write_golden_json(RANGES, path)
    content = bytearray(path.read_bytes().rstrip())
    place = int(share * len(content))
    content[place:] = b"" if cut else bytes([byte]) + content[place + 1 :]
    path.write_bytes(content)
    try:
        found = read_golden_json(path)
    except DataError as error:
        assert str(error).startswith(f"{path}: ")  # noqa: PT017
    else:
        assert not cut
        assert all(1 <= first <= last for _, first, last in found)


@pytest.fixture(scope="module")
def histograms(folder: Path) -> Path:
    """Return the path of an undamaged file of histograms."""
    index = pd.MultiIndex.from_product([[1], range(1, 9)], names=["run", "lumisection"])
    counts = pd.DataFrame(np.arange(40.0).reshape(8, 5), index, [f"q_{i}" for i in range(5)])
    edges = (np.arange(6.0),)
    one = Histograms(
        "q", counts, counts.sum(axis=1).to_numpy(), edges, pd.DataFrame(index=index), ""
    )
    write_histograms({"q": one}, folder / "histograms.parquet")
    return folder / "histograms.parquet"


@given(share=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255), cut=st.booleans())
def test_histograms_cut_or_changed_anywhere_are_refused_or_are_counts(
    histograms: Path, share: float, flip: int, cut: bool
) -> None:
    content = bytearray(histograms.read_bytes())
    place = int(share * len(content))
    content[place:] = b"" if cut else bytes([content[place] ^ flip]) + content[place + 1 :]
    path = damaged(histograms, bytes(content))
    try:
        found = read_histograms(path)
    except DataError as error:
        assert str(error).startswith(f"{path}: ")  # noqa: PT017
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert not cut
        for one in found.values():
            assert np.isfinite(one.counts.to_numpy()).all()
            assert (one.counts.to_numpy() >= 0).all()
