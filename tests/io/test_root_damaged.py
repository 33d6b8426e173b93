"""Whatever is wrong with a ROOT file, it ends in one line that names the file."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm.exceptions import DataError
from skdqm.io import describe, iter_batches, read, read_histograms

uproot = pytest.importorskip("uproot")
ak = pytest.importorskip("awkward")


def tree(path: Path) -> None:
    with uproot.recreate(path) as file:
        rows = {"x": np.random.default_rng(0).normal(size=2000), "n": ak.Array([[1.0], []] * 1000)}
        file.mktree("t", {"x": "f8", "n": "var * float64"}).extend(rows)


def ntuple(path: Path) -> None:
    with uproot.recreate(path) as file:
        rows = {"x": np.random.default_rng(0).normal(size=2000), "n": ak.Array([[1.0], []] * 1000)}
        file.mkrntuple("t", {name: ak.Array(values) for name, values in rows.items()})


def histograms(path: Path) -> None:
    with uproot.recreate(path) as file:
        for lumisection in range(5):
            file[f"run1_ls{lumisection}_q"] = (np.arange(50.0), np.arange(51.0))


def read_tree(path: Path) -> None:
    for _ in iter_batches(path, 300, columns=["x", "n[2]"], nonfinite="keep"):
        pass


WAYS = {
    "TTree": (tree, read_tree),
    "RNTuple": (ntuple, read_tree),
    "histograms": (histograms, read_histograms),
}


def check(error: DataError, path: Path) -> None:
    message = str(error)
    assert message.startswith(f"{path}: ")
    assert message.count(str(path)) == 1
    assert "\n" not in message
    assert len(message) < len(str(path)) + 500


@pytest.mark.parametrize("share", [0.0, 0.001, 0.05, 0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("way", WAYS)
def test_a_file_that_is_cut_is_refused(tmp_path: Path, way: str, share: float) -> None:
    write, reading = WAYS[way]
    path = tmp_path / "a.root"
    write(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DataError) as caught:
        reading(path)
    check(caught.value, path)


@pytest.mark.parametrize("way", WAYS)
@given(data=st.data())
def test_bytes_that_changed_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, way: str, data: st.DataObject
) -> None:
    write, reading = WAYS[way]
    path = tmp_path_factory.mktemp("root") / "a.root"
    write(path)
    content = bytearray(path.read_bytes())
    places = st.integers(0, len(content) - 1)
    for place, byte in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=9)):
        content[place] = byte
    path.write_bytes(content)
    try:
        reading(path)
    except DataError as error:
        check(error, path)


def compressed_by_none(path: Path) -> None:
    tree(path)
    path.write_bytes(path.read_bytes().replace(b"ZL\x08", b"QQ\x08"))


CASES: dict[str, tuple[Callable[[Path], object], str]] = {
    "zero bytes": (lambda path: path.write_bytes(b""), "the file is empty .*expected ROOT"),
    "text": (lambda path: path.write_text("pt,eta\n1,2\n"), "starts with b'pt,eta.*expected ROOT"),
    "HDF5": (lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n"), "found HDF5, expected ROOT"),
    "the first bytes alone": (lambda path: path.write_bytes(b"root\0\0\xf2\xfe"), "cannot read"),
    "a codec of the future": (compressed_by_none, "unrecognized compression algorithm: b'QQ'"),
    "a folder": (lambda path: path.mkdir(), "cannot open"),
}


@pytest.mark.parametrize(("write", "message"), CASES.values(), ids=CASES.keys())
def test_what_is_no_root_file_is_refused(
    tmp_path: Path, write: Callable[[Path], object], message: str
) -> None:
    path = tmp_path / "a.root"
    write(path)
    for reading in (read, read_histograms):
        with pytest.raises(DataError) as caught:
            reading(path)
        check(caught.value, path)
    with pytest.raises(DataError, match=message):
        read(path)


def test_root_under_another_name_says_what_it_is(tmp_path: Path) -> None:
    tree(tmp_path / "a.csv")
    with pytest.raises(DataError, match="found ROOT, expected CSV; rename"):
        describe(tmp_path / "a.csv")


def test_a_csv_may_begin_with_a_column_called_root(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("root,x\n1,2\n")
    assert describe(tmp_path / "a.csv").columns == ("root", "x")


def test_texts_and_names_that_are_not_utf8_are_shown_with_marks(tmp_path: Path) -> None:
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        file.mkrntuple("t", {"x": ak.Array([1.0]), "s": ak.Array(["rest"])})
        file["run1_ls1_rest"] = (np.ones(2), np.arange(3.0))
    path.write_bytes(path.read_bytes().replace(b"rest", b"r\xe9st"))
    assert list(read_histograms(path)) == ["r\ufffdst"]
    found = read(path, key="t", columns=["x"], carry=["s"]).carried
    assert found is not None
    assert found["s"].tolist() == ["r\ufffdst"]
