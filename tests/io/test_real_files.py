"""The readers on files that physicists published; each test skips where the file is absent."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from skdqm.exceptions import DataError
from skdqm.io import describe, iter_batches, read

Find = Callable[[str], Path]


def test_lhco_features_have_their_known_number_of_signal_events(shared_data: Find) -> None:
    found = read(shared_data("lhco/lhco_rd_v1_dev20k.features.h5"), key="df")
    assert found.X.shape == (20_000, 14)
    assert found.y is not None
    assert found.y.sum() == 1787


def test_lhco_batches_equal_the_whole(shared_data: Find) -> None:
    path = shared_data("lhco/lhco_rd_v1_dev20k.features.h5")
    batches = [batch.X for batch in iter_batches(path, 7001)]
    pd.testing.assert_frame_equal(pd.concat(batches), read(path).X, check_index_type=False)


def test_lhco_raw_events_take_the_last_column_as_label(shared_data: Find) -> None:
    path = shared_data("lhco/events_anomalydetection_tiny.h5")
    summary = describe(path)
    assert (summary.kind, summary.n_rows, summary.label) == ("events", 1000, "2100")
    batches = list(iter_batches(path, 400))
    assert [batch.X.shape for batch in batches] == [(400, 2100), (400, 2100), (200, 2100)]
    assert sum(int(batch.y.sum()) for batch in batches if batch.y is not None) == 93


def test_pixel_histograms_are_chosen_by_name(shared_data: Find) -> None:
    path = shared_data("dqm/cms_pixel_2017B/chargeInner_PXLayer_1_perLS_dev.csv.gz")
    with pytest.raises(DataError, match="'hname', 'src' are not numbers"):
        read(path)
    bins = [f"bin_{i}" for i in range(100)]
    found = read(path, columns=bins, label="good")
    assert found.X.shape[1] == 100
    assert found.y is not None
    assert set(found.y.tolist()) <= {0, 1}


def test_muon_pairs_have_no_label(shared_data: Find) -> None:
    found = read(shared_data("cms_opendata_csv/Zmumu_Run2011A.csv"))
    assert found.X.shape == (10_583, 14)
    assert found.y is None


@pytest.mark.parametrize("name", ["47_yeast", "8_celeba", "32_shuttle"])
def test_adbench_sets_have_labels(shared_data: Find, name: str) -> None:
    path = shared_data(f"adbench/{name}.npz")
    found = read(path)
    with np.load(path) as archive:
        np.testing.assert_array_equal(found.X.to_numpy(), archive["X"])
        np.testing.assert_array_equal(found.y, archive["y"])


def test_lumisection_table_in_parquet(shared_data: Find) -> None:
    found = read(shared_data("dqm/cms_oms_2024/pixel_norm_Run2024E-v1.parquet"))
    assert found.X.shape == (30_424, 6)


def test_occupancy_maps_are_images_chosen_by_name(shared_data: Find) -> None:
    path = shared_data("dqm/cms_hcal_2017/HCAL_digi+rechit_occ_run306138_10LS.hdf5")
    with pytest.raises(DataError, match="14 tables found: 'DigiTask_Occupancy_depth_depth1'"):
        read(path)
    key = "DigiTask_Occupancy_depth_depth2"
    assert describe(path, key=key).image_shape == (1, 72, 84)
    with h5py.File(path) as file:
        maps = file[key][:]
    np.testing.assert_array_equal(read(path, key=key).X.to_numpy(), maps.reshape(len(maps), -1))


def test_fashion_images_have_their_labels(shared_data: Find) -> None:
    path = shared_data("fashion_mnist/train-images-idx3-ubyte.gz")
    summary = describe(path)
    assert (summary.n_rows, summary.image_shape, summary.label) == (60_000, (1, 28, 28), "label")
    counts = np.zeros(10, dtype=int)
    for batch in iter_batches(path):
        assert batch.y is not None
        assert batch.X.to_numpy().max() == 255
        counts += np.bincount(batch.y, minlength=10)
    assert counts.tolist() == [6000] * 10
