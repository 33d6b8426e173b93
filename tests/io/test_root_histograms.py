"""Histograms in ROOT files."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skdqm.exceptions import DataError
from skdqm.io import read, read_histograms
from skdqm.io._root_histograms import stored_histograms

uproot = pytest.importorskip("uproot")

X, Y, Z = np.array([0.0, 1, 3]), np.array([-3.0, -1, 1, 4]), np.array([0.0, 0.5])


def save(path: Path, **objects: Any) -> Path:
    with uproot.recreate(path) as file:
        for name, value in objects.items():
            file[name] = value
    return path


def profile() -> Any:
    from uproot.writing import identify

    axis = identify.to_TAxis("xaxis", "", 2, 0, 2)
    four = np.ones(4)
    return identify.to_TProfile(
        None, "", four, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, four, four, four, axis
    )


def line(counts: list[float], entries: float) -> Any:
    """Make a histogram that says its entries, with 100 in underflow and overflow."""
    from uproot.writing import identify

    data = np.array([100.0, *counts, 100.0])
    axis = identify.to_TAxis("xaxis", "", len(counts), 0, len(counts))
    return identify.to_TH1x(None, "", data, entries, 0.0, 0.0, 0.0, 0.0, data, axis)


def test_histograms_of_one_two_and_three_axes(tmp_path: Path) -> None:
    cube = np.arange(6.0).reshape(2, 3, 1)
    path = save(
        tmp_path / "a.root",
        run7_ls2_line=(np.array([3, 4]), X),
        run7_ls1_map=(cube[:, :, 0], X, Y),
        run7_ls1_cube=(cube, X, Y, Z),
    )
    found = {one.element: one for one in stored_histograms(path)}
    assert list(found) == ["line", "map", "cube"]
    assert (found["line"].run, found["line"].lumisection, found["line"].entries) == (7, 2, 7)
    np.testing.assert_array_equal(found["line"].counts, [3, 4])
    np.testing.assert_array_equal(found["cube"].counts, cube)
    for ours, expected in zip(found["cube"].edges, (X, Y, Z), strict=True):
        np.testing.assert_array_equal(ours, expected)
    np.testing.assert_array_equal(found["map"].counts, cube[:, :, 0])


def test_entries_are_those_of_the_file_or_else_the_sum(tmp_path: Path) -> None:
    path = save(
        tmp_path / "a.root",
        run1_ls1_q=line([3, 4], 207),
        run1_ls2_q=line([3, 4], 0),
        run1_ls3_q=line([0, 0], 0),
    )
    found = list(stored_histograms(path))
    assert [one.entries for one in found] == [207, 7, 0]
    assert [one.counts.tolist() for one in found] == [[3, 4], [3, 4], [0, 0]]


def test_folders_of_cms_tell_the_run_and_the_element(tmp_path: Path) -> None:
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        for run in (1, 2):
            file[f"DQMData/Run {run}/Pixel/Run summary/Barrel/charge"] = (np.ones(2), X)
            file[f"DQMData/Run {run}/Pixel/Run summary/Barrel/mean"] = profile()
    found = read_histograms(path)
    assert list(found) == ["Pixel/Barrel/charge"]
    assert found["Pixel/Barrel/charge"].counts.index.tolist() == [(1, 0), (2, 0)]
    assert len(list(stored_histograms(path, ["Pixel/Barrel/charge"]))) == 2


def test_profiles_are_refused_when_asked_for_or_alone(tmp_path: Path) -> None:
    path = save(tmp_path / "a.root", run1_ls1_mean=profile(), run1_ls1_q=(np.ones(2), X))
    assert [one.element for one in stored_histograms(path)] == ["q"]
    with pytest.raises(DataError, match=r"a\.root: 'run1_ls1_mean' is a profile \(TProfile\)"):
        list(stored_histograms(path, ["q", "mean"]))
    path = save(tmp_path / "b.root", run1_ls1_mean=profile())
    with pytest.raises(DataError, match=r"b\.root: the file holds profiles only"):
        read_histograms(path)


def test_a_name_without_run_is_refused_unless_it_is_not_asked_for(tmp_path: Path) -> None:
    path = save(tmp_path / "a.root", run1_ls1_q=(np.ones(2), X), summary=(np.ones(2), X))
    with pytest.raises(DataError, match=r"a\.root: histogram 'summary' does not say its run"):
        read_histograms(path)
    assert list(read_histograms(path, elements=["q"])) == ["q"]
    with pytest.raises(DataError, match="'summary' does not say its run"):
        read_histograms(path, elements=["summary"])


def test_only_the_elements_asked_for_are_read(tmp_path: Path) -> None:
    path = save(
        tmp_path / "a.root", run1_ls1_q=(np.ones(2), X), run1_ls1_fq=(np.ones(3), np.arange(4.0))
    )
    assert [one.element for one in stored_histograms(path, ["q"])] == ["q"]
    assert list(read_histograms(path, elements=["fq", "q"])) == ["fq", "q"]
    assert list(stored_histograms(path, ["other"])) == []


def test_of_several_cycles_the_newest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        file["run1_ls1_q"] = (np.array([1.0, 1.0]), X)
        file["run1_ls1_q"] = (np.array([5.0, 6.0]), X)
    assert [one.counts.tolist() for one in stored_histograms(path)] == [[5, 6]]


def test_layers_are_stacked(tmp_path: Path) -> None:
    path = save(
        tmp_path / "a.root", run1_ls1_depth1=(np.ones(2), X), run1_ls1_depth2=(np.ones(2), X)
    )
    assert read_histograms(path, stack="depth", elements=["depth"])["depth"].shape == (2, 2)


def test_files_of_trees_and_of_histograms_name_each_other(tmp_path: Path) -> None:
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        file.mktree("t", {"x": "f8"})
    with pytest.raises(DataError, match=r"no histogram \(TH1, TH2 or TH3\); .*'t \(TTree\)'"):
        read_histograms(path)
    path = save(tmp_path / "b.root", one=(np.ones(2), X), two=(np.ones(2), X))
    message = "no tree; .*holds histograms, 'one', 'two', which skdqm.io.read_histograms reads"
    with pytest.raises(DataError, match=message):
        read(path)
    with pytest.raises(DataError, match=r"no tree under key 'one'; .*holds histograms"):
        read(path, key="one")
    path = save(tmp_path / "c.root", text="hello")
    with pytest.raises(DataError, match=r"no tree; .*the file holds 'text \(TObjString\)'"):
        read(path)


def test_a_folder_called_root_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.root").mkdir()
    for path in (tmp_path / "a.root", tmp_path / "missing.root"):
        with pytest.raises(DataError, match=rf"{path.name}: cannot open"):
            list(stored_histograms(path))


def test_a_copy_without_run_is_passed_over_where_others_say_theirs(tmp_path: Path) -> None:
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        file["run1_ls1_charge"] = (np.ones(2), X)
        file["reference/charge"] = (np.ones(3), np.arange(4.0))
        file["reference/mean/charge"] = profile()
    assert read_histograms(path, elements=["charge"])["charge"].shape == (2,)
    with pytest.raises(DataError, match="'reference/charge' does not say its run"):
        read_histograms(path, elements=["charge", "reference/charge"])


def test_whole_runs_and_lumisections_of_one_element_are_not_mixed(tmp_path: Path) -> None:
    path = save(
        tmp_path / "a.root",
        run1_q=(np.ones(2), X),
        run1_ls1_q=(np.ones(2), X),
        run1_ls1_p=(np.ones(2), X),
    )
    with pytest.raises(DataError, match=r"a\.root: 'q' has histograms of whole runs.*choose"):
        read_histograms(path)
    assert read_histograms(path, elements=["p"])["p"].counts.index.tolist() == [(1, 1)]


@pytest.mark.parametrize("flow", ["keep", "drop"])
def test_root_is_read_without_underflow_and_overflow(tmp_path: Path, flow: Any) -> None:
    path = save(tmp_path / "a.root", run1_ls1_q=line([3, 4], 207))
    found = read_histograms(path, flow=flow)["q"]
    assert found.counts.to_numpy().tolist() == [[3, 4]]
    assert found.entries.tolist() == [207]
