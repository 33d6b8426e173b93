import subprocess
import sys

import h5py
import numpy as np
import pandas as pd
import pytest

from skdqm.exceptions import DataError
from skdqm.streaming._source_hdf5 import GrowingHDF5, is_locked
from tests.streaming.sources import Script, layout, read_all, reasons, values


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.h5"


def growing(path, *steps, at=None, said=None, key=None):
    say = (lambda message: None) if said is None else said.append
    source = GrowingHDF5(path, layout("a", "b"), Script(*steps), key, say)
    if at is not None:
        source.seek(at)
    return source


def rows(first, last):
    return [(float(n), float(-n)) for n in range(first, last)]


def create(path, n_rows=2, **options):
    with h5py.File(path, "w", **options) as file:
        table = file.create_dataset("X", data=np.array(rows(0, n_rows)), maxshape=(None, 2))
        table.attrs["columns"] = np.array(["a", "b"], dtype="S")


def extend(path, n_rows):
    """Open, extend and close a file as a writer without SWMR does."""

    def step():
        with h5py.File(path, "a") as file:
            put(file["X"], n_rows)

    return step


def put(table, n_rows):
    before = len(table)
    table.resize(n_rows, axis=0)
    table[before:] = rows(before, n_rows)


def test_rows_that_a_writer_adds_and_closes_are_read_each_once(path):
    create(path)
    found = read_all(growing(path, extend(path, 5), lambda: None, extend(path, 6), lambda: None))
    assert values(found) == rows(0, 6)
    assert [about for _, _, about in found][-1] == {"file": "events.h5", "row": 5}
    for number, (_, position, _) in enumerate(found, start=1):
        assert read_all(growing(path, at=position)) == found[number:]


# Of its own, because a process shares what HDF5 knows of a file that it has open.
SWMR_WRITER = """
import sys, h5py, numpy as np
with h5py.File(sys.argv[1], "a", libver="latest") as file:
    file.swmr_mode = True
    for line in sys.stdin:
        first, last = len(file["X"]), int(line)
        file["X"].resize(last, axis=0)
        file["X"][first:] = [[n, -n] for n in range(first, last)]
        file["X"].flush()
        print("flushed", flush=True)
"""


def test_rows_of_a_writer_in_swmr_mode_are_read_while_it_holds_the_file(path):
    create(path, libver="latest")
    command = [sys.executable, "-c", SWMR_WRITER, str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as writer:

        def flush(n_rows):
            print(n_rows, file=writer.stdin, flush=True)
            assert writer.stdout.readline() == "flushed\n"

        flush(3)
        steps = [lambda: flush(4), lambda: flush(9000), lambda: None, lambda: None]
        assert values(read_all(growing(path, *steps))) == rows(0, 9000)
        writer.stdin.close()


def test_a_writer_without_swmr_mode_is_waited_for(path):
    said = []
    create(path)
    file = h5py.File(path, "a")
    put(file["X"], 3)
    assert is_locked(path)
    source = growing(path, lambda: None, file.close, lambda: None, said=said)
    assert values(read_all(source)) == rows(0, 3)
    assert len(said) == 1
    assert "a writer holds it" in said[0]
    assert not is_locked(path)


def test_a_writer_can_open_the_file_while_it_is_read(path):
    create(path)
    code = f"import h5py\nh5py.File({str(path)!r}, 'a').close()"
    source = iter(growing(path, lambda: None))
    next(source)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert list(source) == []


def test_a_file_that_is_not_there_or_holds_no_table_yet_is_awaited(path):
    said = []
    steps = [lambda: h5py.File(path, "w").close(), lambda: create(path), lambda: None]
    assert values(read_all(growing(path, *steps, said=said))) == rows(0, 2)
    assert "does not exist" in said[0]
    assert "no table of numbers" in said[1]


def test_columns_of_their_own_are_read_as_far_as_all_are_there(path):
    frame = pd.DataFrame(rows(0, 4), columns=["a", "b"]).assign(run=[7, 7, 8, 8])
    with h5py.File(path, "w") as file:
        for name in frame:
            file.create_dataset(name, data=frame[name][:2], maxshape=(None,))

    def longer(*names):
        with h5py.File(path, "a") as file:
            for name in names:
                file[name].resize((4,))
                file[name][:] = frame[name]

    steps = [lambda: longer("a"), lambda: longer("run"), lambda: longer("b"), lambda: None]
    found = read_all(growing(path, *steps))
    assert values(found) == rows(0, 4)
    assert [about["run"] for _, _, about in found] == [7, 7, 8, 8]


def test_a_replaced_file_with_fewer_rows_is_read_from_its_beginning_and_that_is_said(path):
    said = []
    create(path, 5)
    steps = [lambda: create(path, 2), lambda: None]
    assert values(read_all(growing(path, *steps, said=said))) == rows(0, 5) + rows(0, 2)
    assert "has 2 rows, and 5 were read before" in said[0]


def test_rows_with_nan_are_malformed_with_their_row(path):
    create(path, 4)
    with h5py.File(path, "a") as file:
        file["X"][1, 1] = np.nan
    found = read_all(growing(path))
    assert values(found) == [rows(0, 4)[n] for n in (0, 2, 3)]
    assert reasons(found) == ["feature 'b' is nan, expected a finite number"]
    assert found[1][2] == {"file": "events.h5", "row": 1}
    assert found[1][0].raw == "1.0 nan"


def test_a_table_without_the_features_ends_with_the_name_of_the_file(path):
    with h5py.File(path, "w") as file:
        file["X"] = np.zeros((3, 2))
    with pytest.raises(DataError, match=r"events.h5: the features 'a', 'b' .*'x0', 'x1'"):
        read_all(growing(path, lambda: None))


def test_a_file_that_is_no_hdf5_is_awaited_and_said_once(path):
    said = []
    path.write_text("no")
    assert read_all(growing(path, lambda: None, lambda: None, said=said)) == []
    assert len(said) == 1
