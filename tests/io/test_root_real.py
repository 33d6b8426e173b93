"""ROOT files that physicists published; each test skips where the file is absent."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skdqm.exceptions import DataError
from skdqm.io import describe, iter_batches, read, read_histograms

uproot = pytest.importorskip("uproot")
ak = pytest.importorskip("awkward")

Find = Callable[[str], Path]
ZMUMU = "root/uproot-Zmumu.root"
NTUPLE = "root/Run2012BC_DoubleMuParked_Muons_1000evts_rntuple_v1-0-0-0.root"


def test_muon_pairs_are_what_uproot_reads(shared_data: Find) -> None:
    path = shared_data(ZMUMU)
    found = read(path, carry=["Type", "Event"])
    assert found.X.shape == (2304, 19)
    assert found.carried is not None
    with uproot.open(path) as file:
        expected = file["events"].arrays(library="np")
    for name in found.X:
        np.testing.assert_array_equal(found.X[name], expected[name])
    for name in found.carried:
        np.testing.assert_array_equal(found.carried[name], expected[name])


@pytest.mark.parametrize("pack", ["lz4", "lzma", "zstd", "uncompressed"])
def test_the_table_is_the_same_in_every_compression(shared_data: Find, pack: str) -> None:
    expected = read(shared_data(ZMUMU), carry="all")
    path = shared_data(f"root/uproot-Zmumu-{pack}.root")
    found = read(path, carry="all")
    pd.testing.assert_frame_equal(found.X, expected.X)
    pd.testing.assert_frame_equal(found.carried, expected.carried)
    batches = [batch.X for batch in iter_batches(path, 500)]
    assert [len(batch) for batch in batches] == [500, 500, 500, 500, 304]
    pd.testing.assert_frame_equal(pd.concat(batches), expected.X, check_index_type=False)


def test_leading_muons_of_an_ntuple(shared_data: Find) -> None:
    path = shared_data(NTUPLE)
    summary = describe(path)
    assert (summary.n_rows, summary.columns) == (1000, ("nMuon",))
    assert "Muon_pt" in summary.lists
    names = ["pt", "eta", "phi", "mass", "charge"]
    found = read(path, columns=["nMuon", *(f"Muon_{name}[2]" for name in names)]).X
    with uproot.open(path) as file:
        expected = file["Events"].arrays()
    np.testing.assert_array_equal(found["nMuon"], expected["nMuon"])
    for name in names:
        padded = ak.fill_none(ak.pad_none(expected[f"Muon_{name}"], 2, clip=True), 0)
        np.testing.assert_array_equal(found[[f"Muon_{name}_0", f"Muon_{name}_1"]], padded)


def test_every_type_of_a_flat_tree(shared_data: Find) -> None:
    path = shared_data("root/uproot-small-flat-tree.root")
    found = read(path, carry=["Str"])
    assert found.X.shape == (100, 67)
    assert found.carried is not None
    assert found.carried["Str"].iloc[7] == "evt-007"
    lists = [name for name in describe(path).lists if name.startswith("Slice")]
    assert len(lists) == 6
    with uproot.open(path) as file:
        tree = file["tree"]
        for name in lists:
            padded = ak.fill_none(ak.pad_none(tree[name].array(), 12, clip=True), 0)
            np.testing.assert_array_equal(read(path, columns=[f"{name}[12]"]).X, padded)


def test_members_of_objects_in_nested_directories(shared_data: Find) -> None:
    path = shared_data("root/uproot-nesteddirs.root")
    with pytest.raises(DataError, match="3 trees found: 'one/two/tree', 'one/tree', 'three/tree'"):
        read(path)
    found = read(path, key="three/tree").X
    assert found.shape == (100, 92)
    assert {"I16", "P3.Py", "ArrayF64_9"} < set(found.columns)
    assert "StlVecF64" in describe(path, key="three/tree").lists
    with uproot.open(path) as file:
        expected = file["three/tree/evt/P3/P3.Py"].array(library="np")
    np.testing.assert_array_equal(found["P3.Py"], expected)


REFUSED = {
    "root/uproot-empty.root": "no rows",
    "root/uproot-histograms.root": "holds histograms, 'one', 'two', 'three'",
    "dqm/cms_pixel_2023C_dqmio/charge_PXLayer_1.root": "holds histograms",
}


@pytest.mark.parametrize(("name", "message"), REFUSED.items())
def test_what_is_no_table_is_refused_in_one_line(
    shared_data: Find, name: str, message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(shared_data(name))
    assert "\n" not in str(caught.value)


def test_histograms_without_run_are_refused(shared_data: Find) -> None:
    with pytest.raises(DataError, match="histogram 'one' does not say its run; understood are"):
        read_histograms(shared_data("root/uproot-histograms.root"))


def test_lumisections_without_beam_have_no_entries(shared_data: Find) -> None:
    folder = "dqm/cms_pixel_2023C_dqmio/"
    (found,) = read_histograms(shared_data(f"{folder}charge_PXLayer_1.root")).values()
    assert found.counts.index.tolist() == [(367094, number) for number in range(1, 46)]
    assert not found.entries.any()
