"""The protocol: against its text on small arrays, and against published figures on real sets."""

from pathlib import Path

import numpy as np
import pytest

from skdqm.benchmark import tabular
from skdqm.benchmark._adbench import open_folder, open_set, split
from skdqm.benchmark._published import published_for, read_published
from skdqm.exceptions import DataError, UsageError

# Between 1,000 and 50,000 rows nothing is drawn: every seed has the same rows.
FIXED = ["6_cardio", "7_Cardiotocography", "20_letter", "41_Waveform", "44_Wilt", "47_yeast"]


def numbered(n_rows, anomalies):
    """Rows that hold their own numbers."""
    return np.arange(n_rows, dtype=float)[:, None], np.isin(np.arange(n_rows), anomalies) * 1


def original(values, train):
    """Undo the scaling."""
    return np.rint(values[:, 0] * train.std() + train.mean()).astype(int)


def test_the_first_half_of_the_normal_rows_is_learned_in_the_order_of_the_file():
    X, y = numbered(1001, anomalies=[0, 500, 1000])
    rows = split(X, y, seed=3)
    normal = [row for row in range(1001) if row not in (0, 500, 1000)]
    train = X[normal[:499]]
    assert original(rows.train, train).tolist() == normal[:499]
    assert original(rows.test, train).tolist() == [*normal[499:], 0, 500, 1000]
    assert rows.labels.tolist() == [0] * 499 + [1] * 3


def test_what_is_learned_has_mean_zero_and_deviation_one():
    rows = split(*numbered(1200, [5]), seed=0)
    assert rows.train.mean() == pytest.approx(0)
    assert rows.train.std() == pytest.approx(1)


def test_small_sets_are_drawn_with_replacement_as_numpy_draws():
    X, y = numbered(100, range(0, 100, 10))
    np.random.seed(4)  # noqa: NPY002 (what the protocol says)
    drawn = np.random.choice(100, 1000, replace=True)  # noqa: NPY002
    rows = split(X, y, seed=4)
    assert len(rows.train) + len(rows.test) == 1000
    assert rows.labels.sum() == y[drawn].sum()
    train = X[drawn][y[drawn] == 0][: len(rows.train)]
    np.testing.assert_array_equal(original(rows.train, train), train[:, 0])


def test_large_sets_are_drawn_without_replacement():
    X, y = numbered(3000, range(0, 3000, 10))
    rows = split(X, y, seed=0, max_rows=2000)
    everything = np.concatenate([rows.train, rows.test])
    assert len(np.unique(everything)) == 2000


def test_a_draw_without_anomalies_is_refused():
    with pytest.raises(DataError, match="drew 20 normal rows and 0 anomalies"):
        split(*numbered(3000, [7]), seed=0, max_rows=20)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"X": np.ones((9, 2))}, "found no labels; expected the arrays X and y"),
        ({"y": np.arange(9) % 2}, "found no labels; expected the arrays X and y"),
        ({"X": np.ones((9, 2)), "y": np.zeros(9)}, r"the labels are \[0\]"),
        ({"X": np.ones((9, 2)), "y": np.arange(9)}, "expected 0 for normal rows and 1"),
        ({"X": np.full((9, 2), np.nan), "y": np.arange(9) % 2}, "NaN"),
        ({"X": np.ones((9, 2)), "y": np.arange(5) % 2}, "holds 5 labels"),
    ],
)
def test_files_that_are_no_labelled_tables_are_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "1_wrong.npz", **arrays)
    with pytest.raises(DataError, match=message):
        open_folder(tmp_path)


def test_folders_without_sets_are_refused(tmp_path):
    with pytest.raises(UsageError, match="found no npz file"):
        open_folder(tmp_path)
    with pytest.raises(UsageError, match="no such folder"):
        open_folder(tmp_path / "absent")


def test_other_data_under_the_same_name_is_told_apart(tmp_path, make_set):
    definitions = []
    for seed in range(2):
        make_set(tmp_path / "1_set.npz", seed=seed)
        definitions.append(open_set(tmp_path / "1_set.npz").definition())
    assert definitions[0] != definitions[1]


def test_nearest_neighbours_reproduce_the_published_figures(shared_data, tmp_path):
    published = read_published(Path(shared_data("published_results")))
    for name in FIXED:
        (tmp_path / f"{name}.npz").symlink_to(shared_data(f"adbench/{name}.npz"))
    found = tabular(tmp_path, contenders=["pyod:KNN"], seeds=1).results.set_index("dataset")
    for metric in ("auroc", "aupr"):
        expected = published_for(published[metric], FIXED)["published:kNN"]
        np.testing.assert_array_equal(found.loc[FIXED, metric].round(4), expected.round(4))
