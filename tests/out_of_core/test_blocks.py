import h5py
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from skdqm.exceptions import DataError, UsageError
from skdqm.io import Table, iter_batches
from skdqm.out_of_core import _blocks
from skdqm.out_of_core._blocks import Blocks

X = np.arange(60, dtype=np.float64).reshape(20, 3)


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """The same 20 rows, in every form that a source may have."""
    monkeypatch.setattr(_blocks, "ROWS", 7)
    np.save(tmp_path / "rows.npy", X)
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    frame.to_parquet(tmp_path / "rows.parquet")
    with h5py.File(tmp_path / "rows.h5", "w") as file:
        yield {
            "a path": tmp_path / "rows.parquet",
            "a text": str(tmp_path / "rows.npy"),
            "an array": X,
            "a mapped array": np.load(tmp_path / "rows.npy", mmap_mode="r"),
            "an HDF5 dataset": file.create_dataset("X", data=X),
            "a frame": frame,
            "a table": Table(frame, None, "memory"),
            "a list": [X[:7], X[7:]],
            "frames": [frame[:7], frame[7:]],
            "a function": lambda: iter([X[:7], X[7:]]),
            "a function that gives a path": lambda: tmp_path / "rows.npy",
            "batches of a file": lambda: iter_batches(tmp_path / "rows.npy", 6),
            "lists of numbers": [np.array(row).reshape(1, 3) for row in X.tolist()],
        }


KINDS = [
    "a path",
    "a text",
    "an array",
    "a mapped array",
    "an HDF5 dataset",
    "a frame",
    "a table",
    "a list",
    "frames",
    "a function",
    "a function that gives a path",
    "batches of a file",
    "lists of numbers",
]


@pytest.mark.parametrize("kind", KINDS)
def test_all_sources_give_the_same_rows_at_every_pass(sources, kind):
    blocks = Blocks(sources[kind])
    blocks.check_again("a test")
    for _ in range(2):
        np.testing.assert_array_equal(np.concatenate([np.asarray(rows) for rows in blocks]), X)


@pytest.mark.parametrize("kind", ["an array", "a mapped array", "an HDF5 dataset", "a frame"])
def test_one_table_is_cut_into_blocks_of_bounded_size(sources, kind):
    assert [len(rows) for rows in Blocks(sources[kind])] == [7, 7, 6]


def test_blocks_of_wide_tables_have_fewer_rows():
    assert _blocks.usual_rows(14) == 50_000
    assert _blocks.usual_rows(2**20) == 8
    assert _blocks.usual_rows(2**30) == 1


def test_a_generator_gives_its_rows_once_and_is_refused_where_that_is_too_little():
    blocks = Blocks(X[start : start + 5] for start in (0, 5))
    with pytest.raises(UsageError, match=r"a test goes through .* is a generator"):
        blocks.check_again("a test")
    assert sum(len(rows) for rows in blocks) == 10


def test_a_function_that_returns_an_exhausted_iterator_is_noticed():
    exhausted = iter([X])
    blocks = Blocks(lambda: exhausted)
    assert len(list(blocks)) == 1
    with pytest.raises(DataError, match="a new iterator at every call"):
        list(blocks)


@pytest.mark.parametrize("source", [[], X[:0], [X[:0]], list])
def test_no_rows_are_an_error(source):
    with pytest.raises(DataError, match="no rows"):
        list(Blocks(source))


def test_empty_blocks_are_left_out():
    assert [len(rows) for rows in Blocks([X[:0], X[:3], X[:0]])] == [3]


@pytest.mark.parametrize("block", [X[0], X[None], np.float64(3), X[:, :0]])
def test_what_is_no_table_is_refused(block):
    with pytest.raises(DataError, match=r"expected rows of shape \(n_samples, n_features\)"):
        list(Blocks([block]))


def test_blocks_of_other_widths_are_refused():
    with pytest.raises(DataError, match="a block of 2 features behind others of 3"):
        list(Blocks([X, X[:, :2]]))


def test_what_cannot_be_iterated_is_refused():
    with pytest.raises(UsageError, match="the source is a int; expected a path"):
        list(Blocks(3))


def test_frames_of_other_columns_are_refused():
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    with pytest.raises(DataError, match=r"the columns \['b', 'a', 'c'\] behind others with \['a'"):
        list(Blocks([frame, frame[["b", "a", "c"]]]))
    with pytest.raises(DataError, match="the columns None"):
        list(Blocks([frame, X]))


@pytest.mark.parametrize("source", [csr_array(X), [csr_array(X)]])
def test_sparse_rows_are_refused(source):
    with pytest.raises(DataError, match=r"a sparse block of shape \(20, 3\); .* toarray"):
        list(Blocks(source))
