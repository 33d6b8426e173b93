"""The same histograms come out of every layout, sorted, complete and with what lies beside them."""

import gzip
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from skdqm.exceptions import DataError, UsageError
from skdqm.io import Histograms, read_histograms, write_histograms
from skdqm.io._stored_histogram import StoredHistogram

WIDE = "run,lumi,hname,entries,good,bin_0,bin_1,bin_2\n7,12,q,9,1,2,3,4\n7,11,q,0,0,0,0,0\n"

Save = Callable[..., Path]


def dqmio(**changes: Any) -> pd.DataFrame:
    """Return two lumisections of a 2 x 3 map and of a histogram, as CMS keeps them."""
    columns = {
        "fromrun": [7] * 4,
        "fromlumi": [2, 2, 1, 1],
        "hname": ["map", "line"] * 2,
        "metype": [6, 3] * 2,
        "histo": [[0, 1, 2, 3, 4, 5], [8, 9], [0] * 6, [0, 0]],
        "entries": [15, 20, 0, 0],
        "Xmin": [0.0, -1.0] * 2,
        "Xmax": [4.0, 1.0] * 2,
        "Xbins": [2, 2] * 2,
        "Ymin": [-3.0, 0.0] * 2,
        "Ymax": [3.0, 0.0] * 2,
        "Ybins": [3, 0] * 2,
    }
    return pd.DataFrame(columns | changes)


def saved_dqmio(path: Path, **changes: Any) -> Path:
    frame = dqmio(**changes)
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.assign(histo=frame["histo"].map(json.dumps)).to_csv(path)
    return path


def assert_same(found: Histograms, expected: Histograms) -> None:
    pd.testing.assert_frame_equal(found.counts, expected.counts)
    # No columns have names of no type.
    pd.testing.assert_frame_equal(found.conditions, expected.conditions, check_column_type=False)
    np.testing.assert_array_equal(found.entries, expected.entries)
    assert len(found.edges) == len(expected.edges)
    for one, other in zip(found.edges, expected.edges, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["a.parquet", "a.csv", "a.csv.gz"])
def test_dqmio_tables_hold_maps_along_x_then_y(tmp_path: Path, name: str) -> None:
    found = read_histograms(saved_dqmio(tmp_path / name))
    assert list(found) == ["map", "line"]
    assert found["map"].shape == (2, 3)
    assert found["map"].counts.index.tolist() == [(7, 1), (7, 2)]
    assert found["map"].counts.loc[(7, 2), "map[0,2]"] == 2
    assert found["map"].counts.loc[(7, 2), "map[1,0]"] == 3
    assert found["map"].entries.tolist() == [0, 15]
    assert [list(edges) for edges in found["map"].edges] == [[0, 2, 4], [-3, -1, 1, 3]]
    assert found["line"].counts.to_numpy().tolist() == [[0, 0], [8, 9]]
    assert found["line"].edges[0].tolist() == [-1, 0, 1]
    assert found["line"].conditions.shape == (2, 0)


def test_counts_may_be_changed(tmp_path: Path) -> None:
    frame = pd.DataFrame({"run": [1], "ls": [1], "histo": [[0.5, 1.5]]})
    frame.to_parquet(tmp_path / "a.parquet")
    counts = read_histograms(tmp_path / "a.parquet")["a"].counts
    counts.iloc[0, 0] = 7
    assert counts.to_numpy().tolist() == [[7, 1.5]]


def test_columns_of_bins_keep_labels_and_empty_histograms(csv_file: Save) -> None:
    found = read_histograms(csv_file(WIDE))["q"]
    assert found.counts.index.tolist() == [(7, 11), (7, 12)]
    assert list(found.counts.columns) == ["q[0]", "q[1]", "q[2]"]
    assert found.counts.to_numpy().tolist() == [[0, 0, 0], [2, 3, 4]]
    assert (found.counts.dtypes == np.float64).all()
    assert found.entries.tolist() == [0, 9]
    assert found.edges[0].tolist() == [0, 1, 2, 3]
    assert found.conditions["good"].tolist() == [0, 1]
    assert found.conditions.index.equals(found.counts.index)


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet"])
def test_columns_of_bins_come_in_any_file(csv_file: Save, tmp_path: Path, name: str) -> None:
    plain = csv_file(WIDE, "plain.csv")
    path = tmp_path / name
    if name == "a.parquet":
        pd.read_csv(plain).set_index(["run", "lumi"]).to_parquet(path)
    else:
        path.write_bytes(gzip.compress(WIDE.encode()) if name.endswith("gz") else WIDE.encode())
    assert_same(read_histograms(path)["q"], read_histograms(plain)["q"])


@pytest.mark.parametrize("run", ["run", "run_number", "fromrun", "Run"])
@pytest.mark.parametrize(
    "lumi", ["lumi", "lumisection", "ls", "LS", "lumisection_number", "fromlumi"]
)
def test_run_and_lumisection_have_many_names(csv_file: Save, run: str, lumi: str) -> None:
    found = read_histograms(csv_file(f"{lumi},{run},bin_1,bin_2\n3,9,1,1\n", "charge.csv.txt"))
    assert found["charge"].counts.index.tolist() == [(9, 3)]
    assert found["charge"].entries.tolist() == [2]


def test_luminosity_beside_the_lumisection_is_a_condition(csv_file: Save) -> None:
    found = read_histograms(csv_file("run,lumi,ls,bin_0\n1,0.25,4,1\n"))["file"]
    assert found.counts.index.tolist() == [(1, 4)]
    assert found.conditions["lumi"].tolist() == [0.25]


def test_bins_are_ordered_by_number_and_not_by_place(csv_file: Save) -> None:
    names = [f"bin_{i}" for i in range(12)]
    shuffled = sorted(names)
    row = ",".join(name[4:] for name in shuffled)
    found = read_histograms(csv_file(f"run,ls,{','.join(shuffled)}\n1,1,{row}\n"))["file"]
    assert found.counts.to_numpy().tolist() == [list(range(12))]


def test_places_of_a_table_are_ordered_by_number(csv_file: Save) -> None:
    header = 'run,ls,"m[1,0]","m[0,1]","m[1,1]","m[0,0]"'
    found = read_histograms(csv_file(f"{header}\n1,1,2,1,3,0\n"))["m"]
    assert found.shape == (2, 2)
    assert found.counts.iloc[0].to_dict() == {"m[0,0]": 0, "m[0,1]": 1, "m[1,0]": 2, "m[1,1]": 3}


def test_a_table_of_lumisections_is_read_back(tmp_path: Path) -> None:
    expected = read_histograms(saved_dqmio(tmp_path / "a.parquet"))
    wide = pd.concat([one.counts for one in expected.values()], axis=1)
    for name, save in {"b.csv": wide.to_csv, "b.parquet": wide.to_parquet}.items():
        save(tmp_path / name)
        found = read_histograms(tmp_path / name)
        for element, one in expected.items():
            pd.testing.assert_frame_equal(found[element].counts, one.counts)
            assert found[element].shape == one.shape


def test_underflow_and_overflow_are_kept_or_dropped(csv_file: Save) -> None:
    path = csv_file(WIDE)
    assert read_histograms(path, flow="keep")["q"].shape == (3,)
    dropped = read_histograms(path, flow="drop")["q"]
    assert dropped.counts.to_numpy().tolist() == [[0], [3]]
    assert dropped.entries.tolist() == [0, 9]
    assert dropped.edges[0].tolist() == [0, 1]


def test_lists_with_underflow_and_overflow_run_along_x_first(tmp_path: Path) -> None:
    inner = np.arange(1, 7).reshape(2, 3)
    padded = np.pad(inner, 1, constant_values=50)
    lists = [padded.T.ravel().tolist(), [70, 8, 9, 80], [0] * 20, [0] * 4]
    path = saved_dqmio(tmp_path / "a.parquet", histo=lists)
    dropped = read_histograms(path, flow="drop")
    np.testing.assert_array_equal(dropped["map"].counts.loc[(7, 2)], inner.ravel())
    assert dropped["map"].edges[0].tolist() == [0, 2, 4]
    assert dropped["line"].counts.loc[(7, 2)].tolist() == [8, 9]
    kept = read_histograms(path)
    np.testing.assert_array_equal(kept["map"].counts.loc[(7, 2)], padded.ravel())
    assert kept["map"].shape == (4, 5)
    assert kept["line"].edges[0].tolist() == [-np.inf, -1, 0, 1, np.inf]


def test_without_underflow_nothing_is_dropped(tmp_path: Path) -> None:
    path = saved_dqmio(tmp_path / "a.parquet")
    for element, kept in read_histograms(path).items():
        assert_same(read_histograms(path, flow="drop")[element], kept)


def test_written_underflow_and_overflow_are_dropped_like_those_of_the_first_file(
    tmp_path: Path,
) -> None:
    lists = [np.arange(20).tolist(), [70, 8, 9, 80], [0] * 20, [0] * 4]
    path = saved_dqmio(tmp_path / "a.parquet", histo=lists)
    write_histograms(read_histograms(path), tmp_path / "again.parquet")
    expected = read_histograms(path, flow="drop")
    again = read_histograms(tmp_path / "again.parquet", flow="drop")
    for element, one in expected.items():
        assert_same(again[element], one)


@pytest.mark.parametrize(
    ("edges", "left"),
    [([-np.inf, 0, 1], [0, 1]), ([0, 1, np.inf], [0, 1]), ([-np.inf, 0, np.inf], None)],
)
def test_bins_with_an_infinite_edge_are_dropped_unless_none_is_left(
    tmp_path: Path, edges: list[float], left: list[float] | None
) -> None:
    frame = dqmio()[1::2].assign(Xedges=[edges] * 2)
    frame.to_parquet(tmp_path / "a.parquet")
    found = read_histograms(tmp_path / "a.parquet", flow="drop")["line"]
    assert found.edges[0].tolist() == (left or edges)
    assert found.counts.shape == (2, len(left or edges) - 1)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_profiles_are_left_out_or_refused_by_name(tmp_path: Path, suffix: str) -> None:
    path = saved_dqmio(tmp_path / f"a{suffix}", metype=[11, 3] * 2)
    assert list(read_histograms(path)) == ["line"]
    assert list(read_histograms(path, elements=["line"])) == ["line"]
    with pytest.raises(DataError, match=r"row 0: 'map' is a profile \(metype 11\), which holds"):
        read_histograms(path, elements=["line", "map"])
    path = saved_dqmio(tmp_path / f"b{suffix}", metype=[11, 10] * 2)
    with pytest.raises(DataError, match="the file holds profiles only"):
        read_histograms(path)


def test_one_bin_along_y_is_a_histogram_of_one_axis(tmp_path: Path) -> None:
    frame = dqmio(Ybins=[3, 1, 3, 1]).drop(columns="metype")
    frame.to_parquet(tmp_path / "a.parquet")
    found = read_histograms(tmp_path / "a.parquet")
    assert found["line"].shape == (2,)
    assert found["map"].shape == (2, 3)


def test_frames_that_pandas_wrote_into_hdf5_are_tables(fixed: Save, tmp_path: Path) -> None:
    frame = pd.DataFrame({"run": [1, 1], "ls": [2, 1], "bin_0": [5, 6], "bin_1": [7, 8]})
    found = read_histograms(fixed(tmp_path / "frame.h5", frame))["frame"]
    assert found.counts.to_numpy().tolist() == [[6, 8], [5, 7]]


def test_several_files_are_joined(csv_file: Save, tmp_path: Path) -> None:
    paths = [csv_file(WIDE, "a.csv"), csv_file(WIDE.replace("\n7,", "\n6,"), "b.csv")]
    paths.append(saved_dqmio(tmp_path / "c.parquet"))
    found = read_histograms(paths)
    assert list(found) == ["q", "map", "line"]
    assert found["q"].counts.index.tolist() == [(6, 11), (6, 12), (7, 11), (7, 12)]
    assert found["q"].conditions["good"].tolist() == [0, 1, 0, 1]
    assert found["q"].source == ", ".join(map(str, paths))


def test_many_files_are_counted(csv_file: Save) -> None:
    texts = [WIDE.replace("\n7,", f"\n{run},") for run in range(5)]
    paths = [csv_file(text, f"{run}.csv") for run, text in enumerate(texts)]
    found = read_histograms(paths)["q"]
    assert len(found) == 10
    assert found.source == f"{paths[0]} and 4 other files"


def test_conditions_of_several_files_are_united(csv_file: Save) -> None:
    cells = [("flag", "2"), ("flag", "late"), ("pileup", "30"), ("empty", "")]
    paths = [
        csv_file(f"run,ls,hname,{name},bin_0\n{run},1,q,{value},5\n", f"{run}.csv")
        for run, (name, value) in enumerate(cells)
    ]
    found = read_histograms(paths)["q"].conditions
    assert list(found.columns) == ["flag", "pileup"]
    assert found["flag"].tolist()[:2] == ["2", "late"]
    assert found["flag"].isna().tolist() == [False, False, True, True]
    assert found["pileup"].tolist()[2] == 30


def test_large_tables_are_read_in_blocks(csv_file: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"{run},{ls},{name},{ls % 3 or 'x'},{ls},{run}" for ls in range(30, 0, -1)
             for run in (1, 2) for name in ("a", "b")]  # fmt: skip
    path = csv_file("run,ls,hname,flag,bin_0,bin_1\n" + "\n".join(lines) + "\n")
    whole = read_histograms(path)
    monkeypatch.setattr("skdqm.io._histogram_tables._VALUES", 7 * 6)
    for element, found in read_histograms(path).items():
        pd.testing.assert_frame_equal(found.counts, whole[element].counts)
        assert found.conditions["flag"].tolist()[:3] == ["1", "2", "x"]


def test_elements_are_chosen_in_order(tmp_path: Path) -> None:
    path = saved_dqmio(tmp_path / "a.parquet")
    assert list(read_histograms(path, elements=["line", "map"])) == ["line", "map"]
    assert list(read_histograms(path, elements=["line"])) == ["line"]
    with pytest.raises(
        DataError, match=r"a\.parquet: no element 'lime'; the file has 'line', 'map'"
    ):
        read_histograms(path, elements=["line", "lime"])


def test_elements_that_are_not_wanted_may_hold_anything(tmp_path: Path) -> None:
    changes = {"histo": [[0] * 6, None, [0] * 6, [-1.0, np.nan]], "Xmax": [4.0, -9.0] * 2}
    for name in ("a.parquet", "a.csv"):
        path = saved_dqmio(tmp_path / name, **changes)
        assert read_histograms(path, elements=["map"])["map"].counts.shape == (2, 6)
        with pytest.raises(DataError, match="row 1: histo"):
            read_histograms(path)


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> list[StoredHistogram]:
    """Put a list in the place of the reader of ROOT files."""
    stored: list[StoredHistogram] = []

    def stored_histograms(path: Path, elements: Any = None) -> Iterator[StoredHistogram]:
        assert path.suffix == ".root"
        yield from (one for one in stored if elements is None or one.element in elements)

    module = ModuleType("skdqm.io._root_histograms")
    module.stored_histograms = stored_histograms  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return stored


def test_root_files_give_the_same(root: list[StoredHistogram], tmp_path: Path) -> None:
    edges = (np.array([0.0, 2, 4]), np.array([-3.0, -1, 1, 3]))
    for lumisection, counts in ((2, np.arange(6.0)), (1, np.zeros(6))):
        root.append(
            StoredHistogram("map", 7, lumisection, counts.reshape(2, 3), counts.sum(), edges)
        )
    root.append(StoredHistogram("line", 7, 1, np.ones(2), 2.0, (np.array([0.0, 1, 2]),)))
    expected = read_histograms(saved_dqmio(tmp_path / "a.parquet"))["map"]
    assert_same(read_histograms(tmp_path / "a.root", elements=["map"])["map"], expected)
    assert list(read_histograms(tmp_path / "a.root")) == ["map", "line"]
    with pytest.raises(DataError, match="no element 'lime'; the file has others, which reading it"):
        read_histograms(tmp_path / "a.root", elements=["lime"])


def test_root_files_with_changing_bins_are_refused(
    root: list[StoredHistogram], tmp_path: Path
) -> None:
    for run, edges in ((1, [0.0, 1, 2]), (2, [0.0, 1, 3])):
        root.append(StoredHistogram("line", run, 1, np.ones(2), 2.0, (np.array(edges),)))
    with pytest.raises(
        DataError, match=r"a\.root: 'line' has other bins in lumisection 1 of run 2"
    ):
        read_histograms(tmp_path / "a.root")
    root[1] = root[0]._replace(run=2, counts=np.array([1.0, -2.0]))
    with pytest.raises(DataError, match=r"a\.root: row 1: bin 1 of 'line' is -2"):
        read_histograms(tmp_path / "a.root")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"elements": "q"}, r"elements='q' is one text; expected a list, \['q'\]"),
        ({"elements": []}, "expected one or more names"),
        ({"elements": ["q", "q"]}, "each once"),
        ({"elements": ["q", "q1"], "stack": "q"}, "elements 'q1' are layers of the stack 'q' too"),
        ({"flow": "yes"}, "flow='yes': expected one of"),
        ({"run": -1}, "run=-1: expected a whole number from 0"),
        ({"first_lumisection": 1.5}, r"first_lumisection=1\.5"),
    ],
)
def test_arguments_without_sense_are_refused(
    csv_file: Save, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        read_histograms(csv_file(WIDE), **arguments)


def test_no_file_is_refused() -> None:
    with pytest.raises(UsageError, match="path is empty"):
        read_histograms([])
