"""Arrays of histograms in HDF5 and npz: what lies beside them or the caller says, and stacks."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from skdqm.exceptions import DataError
from skdqm.io import read_histograms

MAPS = np.arange(24.0).reshape(2, 3, 4)


@pytest.fixture
def maps(tmp_path: Path) -> Path:
    with h5py.File(tmp_path / "maps.h5", "w") as file:
        file["depth1"] = MAPS.astype(">f4")
        file["depth2"] = MAPS.astype(np.float32) * 2
    return tmp_path / "maps.h5"


def test_maps_get_run_and_lumisections_from_the_caller(maps: Path) -> None:
    found = read_histograms(maps, run=5, first_lumisection=10)
    assert found["depth1"].counts.index.tolist() == [(5, 10), (5, 11)]
    assert found["depth1"].shape == (3, 4)
    np.testing.assert_array_equal(found["depth1"].counts, MAPS.reshape(2, 12))
    assert found["depth1"].counts.loc[(5, 11), "depth1[0,3]"] == MAPS[1, 0, 3]
    assert found["depth1"].entries.tolist() == MAPS.sum(axis=(1, 2)).tolist()


def test_maps_without_run_say_what_to_give(maps: Path) -> None:
    with pytest.raises(
        DataError, match=r"run and lumisection of 'depth1'.*give run=\.\.\. and first"
    ):
        read_histograms(maps)
    with pytest.raises(DataError, match=r"says lumisection of .* give first_lumisection=\.\.\."):
        read_histograms(maps, run=1)


def test_maps_are_stacked_by_their_number(maps: Path) -> None:
    found = read_histograms(maps, run=5, first_lumisection=1, stack="depth")
    assert list(found) == ["depth"]
    assert found["depth"].shape == (2, 3, 4)
    assert found["depth"].edges[0].tolist() == [1, 2, 3]
    row = found["depth"].counts.loc[(5, 2)]
    assert row["depth[0,2,1]"] == MAPS[1, 2, 1]
    assert row["depth[1,2,1]"] == MAPS[1, 2, 1] * 2
    assert found["depth"].entries.tolist() == (3 * MAPS.sum(axis=(1, 2))).tolist()
    chosen = read_histograms(maps, run=5, first_lumisection=1, stack="depth", elements=["depth"])
    assert chosen["depth"].counts.equals(found["depth"].counts)
    layer = read_histograms(maps, run=5, first_lumisection=1, elements=["depth2"])
    assert list(layer) == ["depth2"]


def test_layers_that_do_not_fit_are_not_stacked(maps: Path) -> None:
    keys = {"run": 5, "first_lumisection": 1}
    with h5py.File(maps, "a") as file:
        file["depth4"] = MAPS
    with pytest.raises(DataError, match=r"found the numbers 1, 2, 4 behind 'depth'"):
        read_histograms(maps, stack="depth", **keys)
    with h5py.File(maps, "a") as file:
        file["depth3"] = MAPS[:, :2]
    with pytest.raises(DataError, match=r"'depth3' has other bins \(shape \(2, 4\)\)"):
        read_histograms(maps, stack="depth", **keys)
    with h5py.File(maps, "a") as file:
        del file["depth3"]
        file["depth3"] = np.concatenate([MAPS, MAPS])
    with pytest.raises(DataError, match="'depth3' has other lumisections than 'depth1'"):
        read_histograms(maps, stack="depth", **keys)
    with pytest.raises(DataError, match="no element is called 'height' and a number"):
        read_histograms(maps, stack="height", **keys)


def test_arrays_beside_maps_say_run_lumisection_and_conditions(tmp_path: Path) -> None:
    beside = {"run": [2, 1], "ls": [4, 5], "good": [True, False], "map_entries": [300, 80]}
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["tracks/map"] = MAPS
        file["note"] = ["late", "early"]
        file["matrix_without_rows"] = 3.0
        for name, values in beside.items():
            file[f"tracks/{name}"] = values
    np.savez(tmp_path / "a.npz", map=MAPS, note=["late", "early"], **beside)
    for path, element in {"a.h5": "tracks/map", "a.npz": "map"}.items():
        found = read_histograms(tmp_path / path)[element]
        assert found.counts.index.tolist() == [(1, 5), (2, 4)]
        np.testing.assert_array_equal(found.counts, MAPS[::-1].reshape(2, 12))
        assert found.entries.tolist() == [80, 300]
        assert found.conditions["good"].tolist() == [False, True]
        assert found.conditions["note"].tolist() == ["early", "late"]


def test_attributes_say_run_and_lumisections(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["run"] = 8
        file["map"] = MAPS
        file["map"].attrs["lumisection"] = [3, 2]
    assert read_histograms(tmp_path / "a.h5")["map"].counts.index.tolist() == [(8, 2), (8, 3)]


def test_lumisections_are_counted_within_each_run(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", h=np.ones((4, 2)), run=[3, 3, 1, 3])
    found = read_histograms(tmp_path / "a.npz", first_lumisection=0, run=99)["h"]
    assert found.counts.index.tolist() == [(1, 0), (3, 0), (3, 1), (3, 2)]


def test_the_nearest_run_counts(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["run"] = [9, 9]
        file["pixel/run"] = [1, 1]
        file["pixel/map"] = MAPS
        file["strip/map"] = MAPS
    found = read_histograms(tmp_path / "a.h5", first_lumisection=1)
    assert found["pixel/map"].counts.index.tolist() == [(1, 1), (1, 2)]
    assert found["strip/map"].counts.index.tolist() == [(9, 1), (9, 2)]
