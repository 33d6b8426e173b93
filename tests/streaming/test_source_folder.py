import h5py
import numpy as np
import pandas as pd
import pytest

from skdqm.streaming import _source_folder
from skdqm.streaming._event_source import EventSource
from skdqm.streaming._source_folder import Folder, _in_order
from tests.streaming.sources import Script, layout, read_all, reasons, values


def folder(path, *steps, at=None, follow=True, said=None, settle=0):
    say = (lambda message: None) if said is None else said.append
    chosen = EventSource(path, layout("a"), say=say)
    source = Folder(path, chosen._complete, Script(*steps, follow=follow), settle, say)
    if at is not None:
        source.seek(at)
    return source


def write(path, *numbers):
    lines = "".join(f"{number}\n" for number in numbers)

    def step():
        path.write_text(f"a\n{lines}")

    return step


def test_files_are_read_as_they_appear_and_together_by_name(tmp_path):
    write(tmp_path / "ls10.csv", 10)()
    write(tmp_path / "ls9.csv", 9)()
    write(tmp_path / "ls11.csv", 11)()
    found = read_all(folder(tmp_path, write(tmp_path / "ls1.csv", 1, 2), lambda: None))
    assert values(found) == [(9,), (10,), (11,), (1,), (2,)]
    assert found[0][2] == {"file": "ls9.csv", "line": 2}


def test_reading_on_from_any_position_gives_the_rest(tmp_path):
    for name in ("a", "b", "c"):
        write(tmp_path / f"{name}.csv", 1, "x", 3)()
    found = read_all(folder(tmp_path, follow=False))
    assert len(found) == 9
    for number, (_, position, _) in enumerate(found, start=1):
        rest = read_all(folder(tmp_path, at=position, follow=False))
        assert rest == found[number:]
    write(tmp_path / "0.csv", 7)()
    rest = read_all(folder(tmp_path, at=found[4][1], follow=False))
    assert [about["file"] for _, _, about in rest] == ["b.csv", "0.csv", "c.csv", "c.csv", "c.csv"]
    assert rest[-1][1]["done"] == ["a.csv", "b.csv", "0.csv"]


def test_every_format_is_read(tmp_path):
    frame = pd.DataFrame({"run": [7, 7], "a": [1.0, np.nan], "more": [0, 0]})
    frame.to_csv(tmp_path / "1.csv.gz", index=False)
    frame.to_parquet(tmp_path / "2.parquet")
    np.savez(tmp_path / "3.npz", **frame)
    with h5py.File(tmp_path / "4.h5", "w") as file:
        for name in frame:
            file[name] = frame[name]
    (tmp_path / "5.jsonl").write_text('{"a": 1, "run": 7}\n{"a": NaN, "run": 7}')
    found = read_all(folder(tmp_path, follow=False))
    assert values(found) == [(1,)] * 5
    assert len(reasons(found)) == 5
    assert {about["file"][0] for _, _, about in found} == set("12345")
    assert [about["run"] for _, _, about in found[::2]] == [7] * 5
    for number, (_, position, _) in enumerate(found, start=1):
        assert read_all(folder(tmp_path, at=position, follow=False)) == found[number:]


def test_a_file_that_cannot_be_read_is_one_malformed_event(tmp_path):
    (tmp_path / "1.csv").write_text("b\n1\n")
    (tmp_path / "2.h5").write_text("no")
    write(tmp_path / "3.csv", 3)()
    found = read_all(folder(tmp_path, follow=False))
    assert values(found) == [(3,)]
    assert ["the features 'a'" in reason for reason in reasons(found)] == [True, False]
    assert found[1][2] == {"file": "2.h5"}
    assert len(read_all(folder(tmp_path, at=found[0][1], follow=False))) == 2


def test_unfinished_names_and_other_files_are_not_read(tmp_path):
    said = []
    for name in (".1.csv", "_1.csv", "1.csv.tmp", "1.csv.part", "1.csv~", "1.png"):
        write(tmp_path / name, 1)()
    (tmp_path / "sub.csv").mkdir()
    steps = [lambda: (tmp_path / "1.csv.part").rename(tmp_path / "1.csv"), lambda: None]
    assert values(read_all(folder(tmp_path, *steps, said=said))) == [(1,)]
    assert len(said) == 1
    assert "1.png: is of no kind" in said[0]


def test_a_file_that_still_changes_is_awaited(tmp_path, monkeypatch):
    time = [0.0]
    monkeypatch.setattr(_source_folder, "monotonic", lambda: time[0])
    path = tmp_path / "1.csv"

    def later(seconds, *numbers):
        def step():
            time[0] += seconds
            if numbers:
                write(path, *numbers)()

        return step

    steps = [later(1, 1), later(1, 1, 2), later(1), later(1, 1, 2, 3), later(1), later(1)]
    assert read_all(folder(tmp_path, *steps[:-1], settle=2)) == []
    assert values(read_all(folder(tmp_path, *steps, settle=2))) == [(1,), (2,), (3,)]


def test_a_file_that_a_writer_of_hdf5_holds_is_awaited(tmp_path):
    file = h5py.File(tmp_path / "1.h5", "w")
    file["a"] = [1.0, 2.0]
    source = folder(tmp_path, lambda: None, lambda: None, file.close, lambda: None, lambda: None)
    assert values(read_all(source)) == [(1,), (2,)]


def test_a_file_that_is_gone_is_forgotten_and_one_of_the_same_name_is_another(tmp_path):
    said = []
    write(tmp_path / "1.csv", 1)()
    write(tmp_path / "2.csv", 2, 3)()
    position = read_all(folder(tmp_path, follow=False))[1][1]
    (tmp_path / "1.csv").unlink()
    (tmp_path / "2.csv").unlink()
    write(tmp_path / "3.csv", 4)()
    found = read_all(folder(tmp_path, at=position, follow=False, said=said))
    assert values(found) == [(4,)]
    assert "2.csv: was being read, and is gone" in said[0]
    write(tmp_path / "1.csv", 5)()
    after = read_all(folder(tmp_path, at=found[0][1], follow=False))
    assert values(after) == [(5,)]


def test_a_file_that_changes_after_it_was_read_is_said_once(tmp_path):
    said = []
    write(tmp_path / "1.csv", 1)()
    steps = [lambda: None, write(tmp_path / "1.csv", 1, 2), lambda: None, lambda: None]
    assert values(read_all(folder(tmp_path, *steps, said=said))) == [(1,)]
    assert len(said) == 1
    assert "1.csv: has changed after it was read" in said[0]


@pytest.mark.parametrize(
    "names", [["a2", "a10"], ["1", "2", "10", "a"], ["run_9_ls_10", "run_10_ls_9"]]
)
def test_numbers_in_names_count_as_numbers(names):
    assert sorted(set(names), key=_in_order) == names
