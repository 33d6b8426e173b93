"""Histograms of CMS: what is known of each file comes out of the reader."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from skdqm.io import join_histograms, read_histograms, write_histograms

Find = Callable[[str], Path]
TWINS = {
    "charge_PXLayer_1": (45, (100,)),
    "clusterposition_xy_ontrack_PXDisk_p1": (5, (200, 200)),
    "clusterposition_zphi_ontrack_PXLayer_1": (5, (300, 200)),
}


def test_pixel_charge_has_flow_labels_and_entries(shared_data: Find) -> None:
    path = shared_data("dqm/cms_pixel_2017B/chargeInner_PXLayer_1_perLS_dev.csv.gz")
    started = time.perf_counter()
    charge = read_histograms(path)["chargeInner_PXLayer_1"]
    assert time.perf_counter() - started < 5  # 0.05 s on a quiet machine
    assert charge.counts.shape == (2552, 102)
    assert charge.counts.index.is_monotonic_increasing
    assert list(charge.conditions.columns) == ["good", "good_pixel", "author_y", "src"]
    np.testing.assert_array_equal(charge.entries, charge.counts.sum(axis=1))
    inner = read_histograms(path, flow="drop")["chargeInner_PXLayer_1"]
    assert inner.shape == (100,)
    np.testing.assert_array_equal(inner.counts, charge.counts.iloc[:, 1:-1])


@pytest.mark.parametrize("name", TWINS)
def test_parquet_holds_what_the_root_file_holds(shared_data: Find, name: str) -> None:
    uproot = pytest.importorskip("uproot")
    n_rows, shape = TWINS[name]
    folder = "dqm/cms_pixel_2023C_dqmio/"
    (found,) = read_histograms(shared_data(f"{folder}{name}.parquet")).values()
    assert (len(found), found.shape) == (n_rows, shape)
    with uproot.open(shared_data(f"{folder}{name}.root")) as file:
        for (run, lumisection), counts in found.counts.iterrows():
            histogram = file[f"run{run}_ls{lumisection}_{found.element};1"]
            np.testing.assert_array_equal(counts, histogram.values().ravel())
    for axis, edges in enumerate(found.edges):
        np.testing.assert_array_equal(edges, histogram.axis(axis).edges())


@pytest.mark.parametrize("name", TWINS)
def test_root_reads_as_parquet_does(shared_data: Find, name: str) -> None:
    pytest.importorskip("uproot")
    pytest.importorskip("skdqm.io._root_histograms")
    folder = "dqm/cms_pixel_2023C_dqmio/"
    (one,) = read_histograms(shared_data(f"{folder}{name}.parquet")).values()
    (other,) = read_histograms(shared_data(f"{folder}{name}.root")).values()
    assert one.counts.index.equals(other.counts.index)
    assert one.counts.columns.equals(other.counts.columns)
    np.testing.assert_array_equal(one.counts, other.counts)
    np.testing.assert_array_equal(one.entries, other.entries)
    for ours, theirs in zip(one.edges, other.edges, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_hcal_depths_are_one_map(shared_data: Find, tmp_path: Path) -> None:
    path = shared_data("dqm/cms_hcal_2017/HCAL_digi+rechit_occ_run306138_10LS.hdf5")
    stack = ["DigiTask_Occupancy_depth_depth", "RecHitTask_Occupancy_depth_depth"]
    found = read_histograms(path, stack=stack, run=306138, first_lumisection=1)
    assert list(found) == stack
    assert {one.shape for one in found.values()} == {(7, 72, 84)}
    assert join_histograms(found).shape == (10, 2 * 7 * 72 * 84)
    write_histograms(found, tmp_path / "a.parquet")
    for name, one in read_histograms(tmp_path / "a.parquet").items():
        assert one.counts.index.equals(found[name].counts.index)
        assert one.counts.columns.equals(found[name].counts.columns)
        np.testing.assert_array_equal(one.counts, found[name].counts)
        assert one.edges[0].tolist() == list(range(1, 9))


@pytest.mark.parametrize(
    ("name", "n_rows"),
    [
        ("hot_tower_injected", 24),
        ("missing_module_injected", 10),
        ("missing_module_injected_rawcounts", 19),
    ],
)
def test_ecal_maps_are_whole(shared_data: Find, name: str, n_rows: int) -> None:
    path = shared_data(f"dqm/cms_ecal_2016/EB_rechit_occ_run276582_{name}.hdf5")
    (found,) = read_histograms(path, run=276582, first_lumisection=1).values()
    assert (len(found), found.shape) == (n_rows, (170, 360))


def test_muon_timing_by_run(shared_data: Find) -> None:
    path = shared_data("dqm/cms_csc_2017/csc_2017_perrun.npz")
    found = read_histograms(path, first_lumisection=0)
    assert {name: one.shape for name, one in found.items()} == {
        "wire_tbin_p11b": (17,),
        "segment_time": (200,),
    }
    assert found["segment_time"].conditions["bad_nsegments"].dtype == bool
