"""Trees in ROOT files: which columns there are, and that their values come back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm.exceptions import DataError, MissingDependencyError
from skdqm.io import _root_leaves as root_leaves
from skdqm.io import describe, iter_batches, read, write_batches

uproot = pytest.importorskip("uproot")
ak = pytest.importorskip("awkward")

BIG = 2**53 + 1
PT = [[31.0, 12.5], [], [7.0, 5.0, 4.0, 3.0], [8.0]]
Save = Callable[..., Path]


def columns(n_times: int = 1) -> dict[str, Any]:
    """Four rows of all that a flat tree holds, repeated."""
    whole = {
        "MET": np.array([10.0, 20.5, 0.0, 7.25], np.float32),
        "event": np.array([BIG, 2**64 - 1, 0, 5], np.uint64),
        "good": np.array([True, False, True, True]),
        "charge": np.array([-1, 1, 2, 127], np.int8),
        "hits": np.arange(12, dtype=np.int32).reshape(4, 3),
        "cov": np.arange(16.0).reshape(4, 2, 2),
        "label": np.array([0, 1, 0, 1]),
        "Muon_pt": ak.values_astype(ak.Array(PT), np.float32),
    }
    return {
        name: ak.concatenate([values] * n_times)
        if isinstance(values, ak.Array)
        else np.concatenate([values] * n_times)
        for name, values in whole.items()
    }


def save(path: Path, layout: str = "TTree", n_extends: int = 1, key: str = "Events") -> Path:
    with uproot.recreate(path) as file:
        fill(file, layout, n_extends, key)
    return path


def fill(file: Any, layout: str, n_extends: int = 1, key: str = "Events") -> None:
    content = columns()
    if layout == "TTree":
        types = {
            name: "var * float32"
            if name == "Muon_pt"
            else np.dtype((values.dtype, values.shape[1:]))
            for name, values in content.items()
        }
        tree = file.mktree(key, types)
        tree.extend(content)
    else:
        # uproot takes arrays of arrays for lists here.
        content = {name: ak.Array(values) for name, values in content.items()}
        content["comment"] = ak.Array(["fine", "", "é", "x,y"])
        content["lepton"] = ak.Array([{"pt": 1.5, "hits": [1, 2]}] * 4)
        content["jets"] = ak.Array([[{"pt": 2.5, "b": 1}], [], [], []])
        content["maybe"] = ak.Array([1, None, 3, None])
        content["nested"] = ak.Array([[[1.0], []], [], [], []])
        tree = file.mkrntuple(key, content)
    for _ in range(n_extends - 1):
        tree.extend(content)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return save(tmp_path / "a.root")


@pytest.fixture
def ntuple(tmp_path: Path) -> Path:
    return save(tmp_path / "n.root", "RNTuple")


@pytest.mark.parametrize("layout", ["TTree", "RNTuple"])
def test_numbers_and_arrays_are_columns_and_the_label_is_found(tmp_path: Path, layout: str) -> None:
    path = save(tmp_path / "a.root", layout)
    expected = columns()
    found = read(path, nonfinite="keep")
    np.testing.assert_array_equal(found.y, expected["label"])
    for name in ("MET", "event", "good", "charge"):
        np.testing.assert_array_equal(found.X[name], expected[name].astype(found.X[name].dtype))
    np.testing.assert_array_equal(found.X[["hits_0", "hits_1", "hits_2"]], expected["hits"])
    cov = [f"cov_{i}_{j}" for i in range(2) for j in range(2)]
    np.testing.assert_array_equal(found.X[cov], expected["cov"].reshape(4, 4))
    assert "Muon_pt" not in found.X
    assert str(found.X["MET"].dtype) == "float32"


def test_the_summary_tells_columns_texts_and_lists(ntuple: Path) -> None:
    summary = describe(ntuple)
    assert (summary.format, summary.n_rows, summary.label) == ("ROOT", 4, "label")
    assert {"MET", "hits_2", "lepton.pt", "maybe"} < set(summary.columns)
    assert summary.texts == ("comment",)
    assert set(summary.lists) == {"Muon_pt", "lepton.hits", "jets.pt", "jets.b"}
    assert summary.is_list_value("Muon_pt_7")
    for name in ("MET", "Muon_pt", "Muon_eta_7", "Muon_pt_x"):
        assert not summary.is_list_value(name)


@pytest.mark.parametrize("layout", ["TTree", "RNTuple"])
@pytest.mark.parametrize("size", [1, 3, 4, 5, 7, 100])
def test_batches_are_of_the_size_asked_for_and_equal_the_whole(
    tmp_path: Path, layout: str, size: int
) -> None:
    path = save(tmp_path / "a.root", layout, n_extends=5)
    names = ["Muon_pt[3]", "MET", "hits_1"]
    batches = list(iter_batches(path, size, columns=names, carry=["event"]))
    assert [len(batch) for batch in batches[:-1]] == [size] * (len(batches) - 1)
    whole = read(path, columns=names, carry=["event"])
    assert len(whole) == 20
    pd.testing.assert_frame_equal(
        pd.concat([batch.X for batch in batches]), whole.X, check_index_type=False
    )
    assert whole.carried is not None
    carried = [batch.carried["event"] for batch in batches if batch.carried is not None]
    assert pd.concat(carried).tolist() == whole.carried["event"].tolist()


@pytest.mark.parametrize("layout", ["TTree", "RNTuple"])
def test_the_leading_values_of_a_list_are_padded_with_zeros(tmp_path: Path, layout: str) -> None:
    found = read(save(tmp_path / "a.root", layout), columns=["Muon_pt[3]", "MET"])
    assert list(found.X.columns) == ["Muon_pt_0", "Muon_pt_1", "Muon_pt_2", "MET"]
    expected = [[31.0, 12.5, 0], [0, 0, 0], [7.0, 5.0, 4.0], [8.0, 0, 0]]
    assert found.X.iloc[:, :3].to_numpy().tolist() == expected
    assert set(map(str, found.X.dtypes)) == {"float32"}


def test_one_value_of_a_list_has_a_name_of_its_own(tree: Path) -> None:
    found = read(tree, columns=["Muon_pt_1", "MET"], carry=["Muon_pt[2]"])
    assert found.X["Muon_pt_1"].tolist() == [12.5, 0, 5.0, 0]
    assert found.carried is not None
    assert list(found.carried.columns) == ["Muon_pt_0", "Muon_pt_1"]


@given(
    lists=st.lists(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=6), min_size=1, max_size=9),
    width=st.integers(1, 8),
)
def test_leading_values_are_exact_for_any_lists(lists: list[list[int]], width: int) -> None:
    array = ak.values_astype(ak.Array([*lists, [1]]), np.int64)
    found = root_leaves.leading(array[:-1], width)
    assert found.dtype == np.int64
    assert found.tolist() == [([*one, *[0] * width])[:width] for one in lists]


def test_arrays_are_taken_whole_by_name_and_in_part_with_a_number(tree: Path) -> None:
    assert list(read(tree, columns=["hits"]).X.columns) == ["hits_0", "hits_1", "hits_2"]
    assert list(read(tree, columns=["hits[2]"]).X.columns) == ["hits_0", "hits_1"]


WRONG = {
    "list by name": (["Muon_pt"], r"'Muon_pt' is a list.*write 'Muon_pt\[3\]' for its first 3"),
    "no value": (["Muon_pt[0]"], "expected 1 to 10,000 values of 'Muon_pt'"),
    "a mistake": (["Muon_pt[1000000000]"], "expected 1 to 10,000"),
    "longer than the array": (["hits[4]"], "'hits\\[4\\]': expected 1 to 3 values of 'hits'"),
    "twice": (["Muon_pt[2]", "Muon_pt_1"], "'Muon_pt_1' are asked for more than once"),
    "no such list": (["Muon_eta[2]"], r"no column 'Muon_eta\[2\]'; the file has 'MET'"),
    "no such column": (["MEt"], "no column 'MEt'.*did you mean 'MET'"),
    "not how it is written": (["Muon_pt_01"], "no column 'Muon_pt_01'"),
    "far beyond": (["Muon_pt_10000"], "no column 'Muon_pt_10000'"),
    "the label": (["label", "MET"], "is the label and cannot be a feature"),
}


@pytest.mark.parametrize(("names", "message"), WRONG.values(), ids=WRONG.keys())
def test_columns_that_are_none_are_refused_in_one_line(
    tree: Path, names: list[str], message: str
) -> None:
    with pytest.raises(DataError, match=rf"a\.root: .*{message}") as caught:
        read(tree, columns=names)
    assert "\n" not in str(caught.value)


def test_texts_and_objects_are_no_features(ntuple: Path) -> None:
    with pytest.raises(DataError, match="columns 'comment' are not numbers"):
        read(ntuple, columns=["comment"])
    with pytest.raises(DataError, match="'nested' holds objects or lists of lists"):
        read(ntuple, columns=["nested"])
    with pytest.raises(DataError, match="'nested' holds objects"):
        read(ntuple, columns=["MET"], carry=["nested"])


def test_a_branch_that_uproot_does_not_know_is_an_object(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise uproot.interpretation.objects.CannotBeAwkward("TSecret")

    monkeypatch.setattr(uproot.AsJagged, "awkward_form", unknown)
    assert describe(tree).lists == ()
    with pytest.raises(DataError, match="'Muon_pt' holds objects"):
        read(tree, columns=["Muon_pt"])
    assert len(read(tree)) == 4


def test_members_of_records_and_missing_numbers(ntuple: Path) -> None:
    names = ["lepton.pt", "lepton.hits[3]", "jets.pt[1]", "maybe"]
    found = read(ntuple, columns=names, nonfinite="keep").X
    assert found.iloc[0].tolist() == [1.5, 1, 2, 0, 2.5, 1]
    assert found["maybe"].isna().tolist() == [False, True, False, True]
    with pytest.raises(DataError, match="2 NaN and 0 infinite values"):
        read(ntuple, columns=names)
    assert read(ntuple, columns=names, nonfinite="drop").n_dropped == 2


def test_a_list_beside_columns_of_its_names_is_not_confused_with_them(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "a.root") as file:
        pt = ak.Array([[1.0, 2.0], [3.0]])
        file.mktree("t", {"pt": "var * float64", "pt_0": "f8"}).extend(
            {"pt": pt, "pt_0": np.array([8.0, 9.0])}
        )
    assert read(tmp_path / "a.root", columns=["pt_0", "pt_1"]).X.to_numpy().tolist() == [
        [8.0, 2.0],
        [9.0, 0.0],
    ]
    with pytest.raises(DataError, match="has columns 'pt_0' besides the list 'pt'"):
        read(tmp_path / "a.root", columns=["pt[2]"])


def test_carried_values_lose_nothing(ntuple: Path, tmp_path: Path) -> None:
    found = read(ntuple, columns=["MET"], carry="all", nonfinite="keep")
    assert found.carried is not None
    assert [int(value) for value in found.carried["event"]] == [BIG, 2**64 - 1, 0, 5]
    assert found.carried["comment"].tolist() == ["fine", "", "é", "x,y"]
    assert set(found.carried.columns) == {*describe(ntuple).columns, "comment"}
    assert write_batches([found.carried], tmp_path / "a.parquet") == 4


def test_carried_texts_called_label_are_no_label(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "a.root") as file:
        content = {"label": ak.Array(["sig", "bkg"]), "x": ak.Array([1.0, 2.0])}
        file.mkrntuple("t", content).extend(content)
    found = read(tmp_path / "a.root", carry="all")
    assert found.y is None
    assert found.carried is not None
    assert found.carried["label"].tolist() == ["sig", "bkg"] * 2


def test_a_value_of_a_list_can_be_the_label(tree: Path) -> None:
    found = read(tree, label="Muon_pt_2", columns=["MET"])
    assert found.y is not None
    assert found.y.tolist() == [0, 0, 4, 0]
    assert "label" in read(tree, label="Muon_pt_2").X
    assert "Muon_pt_2" not in read(tree, label="Muon_pt_2").X


def test_a_tree_of_lists_alone_says_how_to_ask(tmp_path: Path) -> None:
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        lists = ak.Array([[1.0], []])
        file.mkrntuple("t", {"pt": lists, "eta": lists})
    with pytest.raises(DataError, match=r"lists of numbers only, '.*', '.*'; .*\[3\]'"):
        read(path)
    assert read(path, columns=["pt[1]"]).X["pt_0"].tolist() == [1.0, 0.0]


def test_trees_in_directories_are_chosen_by_their_path(tmp_path: Path) -> None:
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        for key, n_rows in {"one/two/tree": 3, "one/tree": 4, "last": 5}.items():
            file.mktree(key, {"x": "f8"}).extend({"x": np.arange(float(n_rows))})
    with pytest.raises(DataError, match=r"3 trees found: .*'one/two/tree'.*\(--tree or --key"):
        read(path)
    with pytest.raises(DataError, match="2 trees found"):
        read(path, key="one")
    for key, n_rows in {"one/two/tree": 3, "/one/two/": 3, "one/tree;1": 4, "last": 5}.items():
        assert describe(path, key=key).n_rows == n_rows
    with pytest.raises(DataError, match="no tree under key 'two'; the file has the trees 'one"):
        read(path, key="two")
    with pytest.raises(DataError, match="no tree under key 'last;7'; the file has 'last;1'"):
        read(path, key="last;7")


def test_of_several_cycles_the_newest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        for n_rows in (3, 4):
            file.mktree("t", {"x": "f8"}).extend({"x": np.arange(float(n_rows))})
    assert len(read(path)) == 4
    assert len(read(path, key="t")) == 4
    assert len(read(path, key="t;1")) == 3


def test_an_empty_tree_has_columns_and_no_rows(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree("t", {"x": "f8", "n": "var * float64"})
    assert describe(tmp_path / "a.root").n_rows == 0
    with pytest.raises(DataError, match="no rows; expected at least one"):
        read(tmp_path / "a.root")


@pytest.mark.parametrize("name", ["a:b.root", "a::b.root", "ä b*.root", "simplecache.root"])
def test_any_file_name_is_a_file(tmp_path: Path, name: str) -> None:
    path = save(tmp_path / "a.root").rename(tmp_path / name)
    assert len(read(path)) == 4


def test_the_first_rows_alone_can_be_read(tree: Path) -> None:
    assert len(read(tree, n_rows=3)) == 3
    assert [len(batch) for batch in iter_batches(tree, 2, n_rows=3)] == [2, 1]


def test_a_missing_package_is_named(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "uproot", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "skdqm\[root\]"'):
        read(tree)


@pytest.mark.parametrize("layout", ["TTree", "RNTuple"])
def test_values_that_were_read_are_not_kept(
    tmp_path: Path, layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.root"
    lists = ak.unflatten(np.random.default_rng(0).normal(size=30_000), np.full(10_000, 3))
    with uproot.recreate(path) as file:
        make = file.mktree if layout == "TTree" else file.mkrntuple
        written = make("t", {"n": "var * float64"} if layout == "TTree" else {"n": lists[:0]})
        for _ in range(12):
            written.extend({"n": lists})
    held: list[int] = []
    leading = root_leaves.leading

    def watched(lists: Any, width: int) -> Any:
        held.append(lists.nbytes)
        return leading(lists, width)

    monkeypatch.setattr(root_leaves, "leading", watched)
    assert sum(map(len, iter_batches(path, 5_000, columns=["n[2]"]))) == 120_000
    assert max(held) < 3 * held[0]


@given(
    values=st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=30),
    size=st.integers(1, 31),
)
def test_any_floats_come_back(
    values: list[float], size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("root") / "a.root"
    with uproot.recreate(path) as file:
        file.mktree("t", {"x": "f4"}).extend({"x": np.array(values, np.float32)})
    found = [batch.X["x"] for batch in iter_batches(path, size, nonfinite="keep")]
    np.testing.assert_array_equal(pd.concat(found), np.array(values, np.float32))
