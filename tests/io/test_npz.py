from pathlib import Path

import numpy as np
import pytest

from skdqm.exceptions import DataError, UsageError
from skdqm.io import describe, iter_batches, read


def test_adbench_layout(tmp_path: Path) -> None:
    X = np.arange(6.0).reshape(3, 2)
    np.savez(tmp_path / "a.npz", X=X, y=np.array([0, 1, 0]))
    found = read(tmp_path / "a.npz")
    np.testing.assert_array_equal(found.X.to_numpy(), X)
    assert list(found.X.columns) == ["x0", "x1"]
    assert found.y is not None
    assert found.y.tolist() == [0, 1, 0]


def test_names_come_from_an_array_of_texts(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=np.zeros((3, 2)), feature_names=np.array(["pt", "eta"]))
    assert describe(tmp_path / "a.npz").columns == ("pt", "eta")


def test_header_is_enough_to_describe(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=np.zeros((3, 2)), y=np.zeros(3, dtype=int))
    summary = describe(tmp_path / "a.npz")
    assert (summary.format, summary.n_rows, summary.label) == ("npz", 3, "y")


def test_one_dimensional_arrays_are_named_columns(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", pt=np.ones(3, np.float32), n=np.arange(3), target=np.arange(3))
    found = read(tmp_path / "a.npz")
    assert found.X.dtypes.astype(str).to_dict() == {"pt": "float32", "n": "float64"}
    assert found.y is not None
    assert found.y.tolist() == [0, 1, 2]


def test_array_y_among_coordinates_is_no_label(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.arange(3), y=np.arange(3), z=np.arange(3))
    assert read(tmp_path / "a.npz").y is None


def test_key_chooses_among_matrices(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", wires=np.zeros((3, 2)), times=np.zeros((3, 4)))
    with pytest.raises(DataError, match="2 tables found: 'wires', 'times'"):
        read(tmp_path / "a.npz")
    assert read(tmp_path / "a.npz", key="times").X.shape == (3, 4)


def test_two_label_arrays_are_not_guessed(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, X=np.zeros((3, 2)), y=np.zeros(3, int), target=np.ones(3, int))
    with pytest.raises(DataError, match="'y', 'target' all look like a label"):
        read(path)
    assert describe(path).label is None
    found = read(path, label="target", columns=["x0"])
    assert found.y is not None
    assert found.y.tolist() == [1, 1, 1]


@pytest.mark.parametrize("name", ["y", "label"])
def test_a_column_of_labels_is_flattened(tmp_path: Path, name: str) -> None:
    np.savez(tmp_path / "a.npz", events=np.zeros((3, 2)), **{name: np.array([[0], [1], [0]])})
    found = read(tmp_path / "a.npz")
    assert found.y is not None
    assert found.y.tolist() == [0, 1, 0]


def test_labels_of_another_length_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=np.zeros((3, 2)), y=np.zeros(2, int))
    with pytest.raises(DataError, match="'y' holds 2 labels and 'X' has 3 rows"):
        read(tmp_path / "a.npz")


def test_matrices_of_any_name_have_the_same_column_names(tmp_path: Path) -> None:
    np.savez(tmp_path / "train.npz", X_train=np.zeros((3, 2)))
    np.save(tmp_path / "test.npy", np.zeros((3, 2)))
    names = describe(tmp_path / "train.npz").columns
    assert names == describe(tmp_path / "test.npy").columns == ("x0", "x1")


def test_pickled_arrays_next_to_numbers_do_no_harm(tmp_path: Path) -> None:
    junk = np.array([{}, None, "x"], dtype=object)
    np.savez(tmp_path / "a.npz", X=np.zeros((3, 2)), inputs=junk, columns=junk[:2])
    assert read(tmp_path / "a.npz").X.shape == (3, 2)


def test_pickled_column_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", pt=np.zeros(3), junk=np.array([{}, None, "x"], dtype=object))
    with pytest.raises(DataError, match="'junk' hold pickled objects"):
        read(tmp_path / "a.npz")


@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_matrix_is_mapped(tmp_path: Path, order: str) -> None:
    matrix = np.asarray(np.arange(10.0).reshape(5, 2), order=order)  # type: ignore[call-overload]
    np.save(tmp_path / "a.npy", matrix)
    batches = [batch.X.to_numpy() for batch in iter_batches(tmp_path / "a.npy", 2)]
    np.testing.assert_array_equal(np.concatenate(batches), matrix)


def test_npy_records_have_names(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([(1.0, 0)], dtype=[("pt", "f4"), ("label", "u1")]))
    found = read(tmp_path / "a.npy")
    assert found.X.to_dict("list") == {"pt": [1.0]}
    assert found.y is not None
    assert found.y.tolist() == [0]


def test_npy_column_is_no_table(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros(5))
    with pytest.raises(DataError, match=r"the file holds 'array \(5,\) float64'"):
        read(tmp_path / "a.npy")


def test_key_makes_no_sense_for_a_single_table(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((5, 2)))
    with pytest.raises(UsageError, match="key 'X' chooses a table in HDF5 or npz, not in npy"):
        read(tmp_path / "a.npy", key="X")
