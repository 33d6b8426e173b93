import tracemalloc
from contextlib import closing
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm._lumisections import lumisection_index
from skdqm.exceptions import DataError, UsageError
from skdqm.out_of_core import _blocks, _shuffle
from skdqm.out_of_core._shuffle import ShuffledRows


def shuffled(blocks, seed=0, folder=None):
    return closing(ShuffledRows(blocks, np.random.default_rng(seed), folder))


def numbered(n_rows, dtype=np.float64):
    return np.arange(2 * n_rows, dtype=dtype).reshape(n_rows, 2)


@given(
    lengths=st.lists(st.integers(1, 30), min_size=1, max_size=6),
    run_rows=st.integers(1, 50),
    block_rows=st.integers(1, 50),
)
def test_every_pass_gives_every_row_once(lengths, run_rows, block_rows):
    X, cuts = numbered(sum(lengths)), np.cumsum(lengths)[:-1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_shuffle, "RUN_BYTES", run_rows * 16)
        patch.setattr(_shuffle, "WRITTEN_ROWS", 4)
        patch.setattr(_blocks, "ROWS", block_rows)
        with shuffled(np.split(X, cuts)) as rows:
            assert len(rows) == len(X)
            for _ in range(3):
                given_rows = np.concatenate(list(rows))
                np.testing.assert_array_equal(given_rows[np.argsort(given_rows[:, 0])], X)


def test_blocks_have_the_usual_size_or_more(monkeypatch):
    monkeypatch.setattr(_shuffle, "RUN_BYTES", 16 * 37)
    monkeypatch.setattr(_blocks, "ROWS", 100)
    with shuffled([numbered(1234)]) as rows:
        lengths = [len(block) for block in rows]
    assert len(lengths) == 12
    # Every run gives its share, rounded.
    assert 100 - len(rows._runs) <= min(lengths) <= max(lengths) < 200


def test_every_block_of_a_sorted_source_tells_of_all_of_it(monkeypatch):
    monkeypatch.setattr(_shuffle, "RUN_BYTES", 16 * 1000)
    monkeypatch.setattr(_blocks, "ROWS", 500)
    X = numbered(20_000)
    with shuffled([X]) as rows:
        shares = [np.histogram(block[:, 0], 10, (0, 40_000))[0] / len(block) for block in rows]
    # A simple random sample of 500 rows would have a standard deviation of 0.013.
    assert np.abs(np.array(shares) - 0.1).max() < 0.002


def test_passes_differ_in_order_and_in_the_blocks_that_they_make(monkeypatch):
    monkeypatch.setattr(_shuffle, "RUN_BYTES", 16 * 50)
    monkeypatch.setattr(_blocks, "ROWS", 100)
    with shuffled([numbered(1000)]) as rows:
        first, second = ([frozenset(block[:, 0]) for block in rows] for _ in range(2))
    assert set(first) != set(second)


def test_the_rows_of_a_block_do_not_lie_in_the_order_of_the_source(monkeypatch):
    monkeypatch.setattr(_shuffle, "RUN_BYTES", 16 * 100)
    with shuffled([numbered(1000)]) as rows:
        (block,) = rows
    assert abs(np.corrcoef(block[:, 0], np.arange(1000))[0, 1]) < 0.1


def test_the_blocks_of_one_run_follow_each_other_in_other_orders(monkeypatch):
    monkeypatch.setattr(_blocks, "ROWS", 100)
    with shuffled([numbered(1000)]) as rows:
        passes = [[block[:, 0].min() for block in rows] for _ in range(2)]
    followers = [dict(pairwise([*order, order[0]])) for order in passes]
    assert followers[0] != followers[1]


def test_a_seed_reproduces_and_another_does_not():
    orders = []
    for seed in (1, 1, 2):
        with shuffled([numbered(100)], seed) as rows:
            orders.append(next(iter(rows)))
    np.testing.assert_array_equal(orders[0], orders[1])
    assert (orders[0] != orders[2]).any()


@pytest.mark.parametrize(
    ("given_dtype", "dtype"), [("float32", "float32"), ("float64", "float64"), ("int16", "float64")]
)
def test_numbers_lose_nothing(given_dtype, dtype):
    with shuffled([numbered(10).astype(given_dtype)]) as rows:
        assert next(iter(rows)).dtype == dtype


def test_frames_come_back_with_their_columns():
    frame = pd.DataFrame(numbered(10), columns=["a", "b"], index=range(5, 15))
    with shuffled([frame[:4], frame[4:]]) as rows:
        (block,) = rows
    pd.testing.assert_frame_equal(
        block.sort_values("a", ignore_index=True), frame.reset_index(drop=True)
    )


@pytest.mark.parametrize(
    "rows",
    [
        pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}),
        np.array([[{}, 1]]),
        np.ones((2, 2)) + 1j,
    ],
)
def test_what_is_no_number_is_refused(rows):
    with pytest.raises(DataError, match=r"the block from row 10 .* holds what is no number"):
        shuffled([numbered(10), rows])


@pytest.mark.parametrize("n_bytes", [100, 50_000])
def test_a_full_disk_is_told_from_what_lies_in_a_buffer_too(n_bytes):
    resource = pytest.importorskip("resource", reason="no limits of a process here")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        with pytest.raises(UsageError, match="temporary_directory="):
            shuffled([numbered(n_bytes // 10)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_rows_that_say_their_run_are_not_shuffled():
    frame = pd.DataFrame(numbered(3), index=lumisection_index([1, 1, 2], [1, 2, 1]))
    with pytest.raises(UsageError, match="shuffle=False"):
        shuffled([frame])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_refused_with_its_place(value):
    X = numbered(10)
    X[7, 1] = value
    with pytest.raises(DataError, match=rf"row 7 \(from 0\) holds {value} in feature 1"):
        shuffled([X[:5], X[5:]])


def test_nothing_is_left_in_the_folder_also_after_a_failure(tmp_path):
    with shuffled([numbered(10)], folder=tmp_path) as rows:
        next(iter(rows))
    with pytest.raises(DataError):
        shuffled([np.full((3, 2), np.nan)], folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_explained(monkeypatch):
    class Full:
        closed = False

        def write(self, data):
            raise OSError(28, "No space left on device")

        def close(self):
            Full.closed = True

    monkeypatch.setattr(_shuffle, "TemporaryFile", lambda dir: Full())  # noqa: A006
    with pytest.raises(UsageError, match=r"No space left on device.*temporary_directory=.*TMPDIR"):
        shuffled([numbered(10)])
    assert Full.closed


def test_a_missing_folder_is_explained(tmp_path):
    with pytest.raises(UsageError, match="cannot be written into the temporary folder"):
        shuffled([numbered(10)], folder=tmp_path / "missing")


def test_what_goes_wrong_with_the_source_is_not_blamed_on_the_disk():
    def blocks():
        yield numbered(3)
        raise TimeoutError("the tape is slow")

    with pytest.raises(TimeoutError, match="the tape is slow"):
        shuffled(blocks())


def test_memory_does_not_grow_with_the_rows(monkeypatch):
    monkeypatch.setattr(_shuffle, "RUN_BYTES", 2**20)
    monkeypatch.setattr(_blocks, "ROWS", 10_000)

    def peak(n_blocks):
        tracemalloc.start()
        with shuffled(numbered(10_000) for _ in range(n_blocks)) as rows:
            for block in rows:
                del block
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(100) < 1.2 * peak(10)
