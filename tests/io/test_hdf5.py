from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from skdqm.exceptions import DataError
from skdqm.io import describe, iter_batches, read

Save = Callable[..., Path]


@pytest.mark.parametrize("pack", ["none", "zlib", "blosc"])
@pytest.mark.parametrize("text", ["bytes", "str"])
def test_fixed_frame_comes_back_in_the_order_of_its_columns(
    tmp_path: Path, fixed: Save, jets: pd.DataFrame, pack: str, text: str
) -> None:
    found = read(fixed(tmp_path / "a.h5", jets, pack=pack, text=text))
    assert list(found.X.columns) == ["pt", "tau21", "eta", "n_tracks"]
    np.testing.assert_array_equal(found.X.to_numpy(), jets.drop(columns="label").to_numpy())
    assert found.y is not None
    np.testing.assert_array_equal(found.y, jets["label"])


@pytest.mark.parametrize("data_columns", [False, True])
@pytest.mark.parametrize("pack", ["none", "zlib", "blosc"])
def test_table_frame_comes_back_in_the_order_of_its_columns(
    tmp_path: Path, table: Save, jets: pd.DataFrame, data_columns: bool, pack: str
) -> None:
    found = read(table(tmp_path / "a.h5", jets, pack=pack, data_columns=data_columns))
    assert list(found.X.columns) == ["pt", "tau21", "eta", "n_tracks"]
    np.testing.assert_array_equal(found.X.to_numpy(), jets.drop(columns="label").to_numpy())


def test_float32_stays_and_integers_become_float64(
    tmp_path: Path, fixed: Save, jets: pd.DataFrame
) -> None:
    dtypes = read(fixed(tmp_path / "a.h5", jets)).X.dtypes
    assert dtypes.astype(str).to_dict() == {
        "pt": "float64",
        "tau21": "float32",
        "eta": "float64",
        "n_tracks": "float64",
    }


def test_raw_lhco_layout_with_numbered_columns_is_read_in_chunks(
    tmp_path: Path, fixed: Save
) -> None:
    events = pd.DataFrame(np.arange(50.0).reshape(10, 5), columns=[str(i) for i in range(5)])
    events["4"] = [0.0, 1.0] * 5
    path = fixed(tmp_path / "raw.h5", events)
    batches = list(iter_batches(path, 4, label="4"))
    assert [len(batch) for batch in batches] == [4, 4, 2]
    assert list(batches[1].X.index) == [4, 5, 6, 7]
    assert batches[2].y is not None
    assert batches[2].y.tolist() == [0, 1]


def test_two_frames_need_a_key(tmp_path: Path, fixed: Save, jets: pd.DataFrame) -> None:
    path = fixed(tmp_path / "a.h5", jets, key="train")
    fixed(path, jets.head(3), key="deep/test")
    with pytest.raises(DataError, match=r"2 tables found: 'deep/test', 'train'; choose .*--key"):
        read(path)
    assert len(read(path, key="/deep/test")) == 3
    assert describe(path, key="train").n_rows == 8


def test_unknown_key_lists_what_is_there(tmp_path: Path, fixed: Save, jets: pd.DataFrame) -> None:
    path = fixed(tmp_path / "a.h5", jets)
    with pytest.raises(DataError, match=r"under key 'no'.*the file holds 'df \(pandas frame\)'"):
        read(path, key="no")


def test_matrix_takes_names_and_labels_from_its_siblings(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = np.arange(6.0).reshape(3, 2)
        file["feature_names"] = ["pt", "eta"]
        file["y"] = [0, 1, 0]
    found = read(tmp_path / "a.h5")
    assert list(found.X.columns) == ["pt", "eta"]
    assert found.y is not None
    assert found.y.tolist() == [0, 1, 0]


def test_matrix_takes_names_from_an_attribute(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = np.zeros((3, 2))
        file["data"].attrs["columns"] = ["pt", "eta"]
    assert describe(tmp_path / "a.h5").columns == ("pt", "eta")


def test_matrix_without_names_numbers_its_columns(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["occupancy"] = np.zeros((3, 2))
    assert list(read(tmp_path / "a.h5").X.columns) == ["x0", "x1"]


def test_x_wins_among_several_matrices(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["X"] = np.ones((3, 2))
        file["weights"] = np.zeros((3, 4))
    assert read(tmp_path / "a.h5").X.shape == (3, 2)
    assert read(tmp_path / "a.h5", key="weights").X.shape == (3, 4)


def test_group_of_equally_long_arrays_is_a_table(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["jets/pt"] = [1.0, 2.0]
        file["jets/n"] = np.array([True, False])
        file["jets/is_signal"] = [1, 0]
    found = read(tmp_path / "a.h5")
    assert found.X.to_dict("list") == {"n": [1.0, 0.0], "pt": [1.0, 2.0]}
    assert found.y is not None
    assert found.y.tolist() == [1, 0]


def test_records_are_a_table(tmp_path: Path) -> None:
    rows = np.array([(1.0, [2, 3]), (4.0, [5, 6])], dtype=[("pt", ">f8"), ("tau", "i4", (2,))])
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["jets"] = rows
    found = read(tmp_path / "a.h5")
    assert found.X.to_dict("list") == {"pt": [1.0, 4.0], "tau_0": [2.0, 5.0], "tau_1": [3.0, 6.0]}


def test_dates_and_pickles_are_refused_only_when_asked_for(
    tmp_path: Path, fixed: Save, jets: pd.DataFrame
) -> None:
    path = fixed(tmp_path / "a.h5", jets)
    with h5py.File(path, "a") as file:
        file["df/block2_values"].attrs["value_type"] = np.bytes_("datetime64[ns]")
    with pytest.raises(DataError, match="'n_tracks', 'label' hold datetime64"):
        read(path)
    assert len(read(path, columns=["eta", "pt"], label=None)) == 8


def test_pickled_code_in_the_column_names_is_not_run(
    tmp_path: Path, table: Save, jets: pd.DataFrame
) -> None:
    path = table(tmp_path / "a.h5", jets)
    trap = tmp_path / "trap"
    code = f"cos\nmkdir\n(V{trap}\ntR.".encode()
    with h5py.File(path, "a") as file:
        file["df/table"].attrs["values_block_0_kind"] = np.bytes_(code)
    with pytest.raises(DataError, match="pickle with opcode GLOBAL"):
        read(path)
    assert not trap.exists()


def test_multi_index_columns_ask_to_be_flattened(
    tmp_path: Path, fixed: Save, jets: pd.DataFrame
) -> None:
    path = fixed(tmp_path / "a.h5", jets)
    with h5py.File(path, "a") as file:
        file["df"].attrs["axis0_variety"] = np.bytes_("multi")
    with pytest.raises(DataError, match="MultiIndex"):
        read(path)


def test_frame_without_rows_says_so(tmp_path: Path, fixed: Save, jets: pd.DataFrame) -> None:
    path = fixed(tmp_path / "a.h5", jets.head(1))
    with h5py.File(path, "a") as file:  # what pandas writes in place of zero rows
        file["df/block0_values"].attrs["shape"] = np.bytes_(b"(I3\nI0\ntp0\n.")
    with pytest.raises(DataError, match="no rows"):
        read(path)


def test_an_array_of_five_dimensions_is_listed_not_guessed(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["DigiOccupancy"] = np.zeros((2, 7, 72, 84, 1), dtype=np.float32)
    with pytest.raises(DataError, match=r"'DigiOccupancy \(2, 7, 72, 84, 1\) float32'"):
        read(tmp_path / "a.h5")


def test_columns_of_different_lengths_are_no_table(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["pt"] = np.zeros(3)
        file["eta"] = np.zeros(4)
    with pytest.raises(DataError, match="no table of numbers"):
        read(tmp_path / "a.h5")
