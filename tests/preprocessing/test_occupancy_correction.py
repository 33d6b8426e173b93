"""Corrected maps: flat where nothing is wrong, whatever a few bad rows held."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdqm.datasets import make_lumisections
from skdqm.exceptions import DataError
from skdqm.persistence import load, save
from skdqm.preprocessing import OccupancyCorrection

USUAL = np.array([20.0, 50.0, 100.0, 400.0, 0.0, 45.0])


def maps(n: int = 300, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    return rng.poisson(USUAL * rng.uniform(0.5, 2, (n, 1))).astype(float)


@parametrize_with_checks([OccupancyCorrection()])
def test_scikit_learn_checks(estimator: Any, check: Any) -> None:
    check(estimator)


def test_a_usual_map_comes_out_flat_with_the_total_that_it_had() -> None:
    corrected = OccupancyCorrection().fit(maps())
    out = corrected.transform([USUAL])[0]
    np.testing.assert_allclose(out[USUAL > 0], USUAL.sum() / 5, rtol=0.05)
    assert corrected.relative_occupancy_[USUAL > 0].mean() == pytest.approx(1)


def test_cells_that_were_never_filled_do_not_exist() -> None:
    corrected = OccupancyCorrection().fit(maps())
    assert corrected.relative_occupancy_[4] == 0
    assert corrected.transform(np.full((1, 6), 100.0))[0, 4] == 0


@given(st.lists(st.integers(0, 299), min_size=1, max_size=9, unique=True), st.integers(0, 5))
def test_a_channel_that_is_hot_in_some_rows_changes_nothing(rows: list[int], channel: int) -> None:
    hot = maps()
    hot[rows, channel] = 10 * hot[rows, channel] + 1e5
    found = OccupancyCorrection().fit(hot).relative_occupancy_
    # What never counts but when it is noisy is no cell that one can correct.
    cells = np.delete(np.arange(6), [4]) if channel == 4 else np.arange(6)
    expected = OccupancyCorrection().fit(maps()).relative_occupancy_
    ratio = found[cells] / found[3]
    np.testing.assert_allclose(ratio, (expected / expected[3])[cells], rtol=0.05)


def test_a_channel_that_is_dead_in_some_rows_changes_nothing() -> None:
    dead = maps()
    dead[100:109, 3] = 0
    np.testing.assert_allclose(
        OccupancyCorrection().fit(dead).relative_occupancy_,
        OccupancyCorrection().fit(maps()).relative_occupancy_,
        rtol=0.05,
    )


def test_a_cell_of_few_counts_keeps_them_all() -> None:
    rng = np.random.default_rng(0)
    means = np.geomspace(0.005, 10, 40)
    counts = rng.poisson(means, size=(4000, 40))
    found = OccupancyCorrection().fit(counts).relative_occupancy_
    expected = counts.sum(axis=0) / counts.sum() * np.count_nonzero(counts.any(axis=0))
    np.testing.assert_allclose(found, expected, rtol=0.01)


def test_each_histogram_is_flat_by_itself() -> None:
    X, _ = make_lumisections(
        2, 40, shape={"small": (4, 4), "large": (6, 8)}, fault_fraction=0, random_state=0
    )
    X["small[0,0]"] += 1
    together = OccupancyCorrection().fit_transform(X)
    alone = OccupancyCorrection().fit_transform(X.filter(like="small"))
    pd.testing.assert_frame_equal(together[alone.columns], alone)


def test_training_rows_without_data_give_zeros() -> None:
    out = OccupancyCorrection().fit(np.zeros((3, 4))).transform(np.ones((2, 4)))
    np.testing.assert_array_equal(out, 0)


def test_contents_too_large_for_numbers_are_refused() -> None:
    corrected = OccupancyCorrection().fit([[1e-9, 1.0], [1e-9, 1.0]])
    with pytest.raises(DataError, match="too large"):
        corrected.transform([[1e308, 1.0]])


def test_rows_do_not_depend_on_their_neighbours() -> None:
    corrected = OccupancyCorrection().fit(maps())
    together = corrected.transform(maps(50, seed=1))
    for row in range(0, 50, 7):
        alone = corrected.transform(maps(50, seed=1)[[row]])
        np.testing.assert_array_equal(alone[0], together[row])


def test_a_frame_keeps_its_index_and_columns() -> None:
    X, _ = make_lumisections(2, 20, shape=(4, 4), random_state=0)
    out = OccupancyCorrection().fit_transform(X)
    pd.testing.assert_index_equal(out.index, X.index)
    pd.testing.assert_index_equal(out.columns, X.columns)
    pandas = OccupancyCorrection().set_output(transform="pandas").fit_transform(X)
    pd.testing.assert_frame_equal(pandas, out)
    polars = OccupancyCorrection().set_output(transform="polars").fit_transform(X)
    np.testing.assert_array_equal(polars.to_numpy(), out)


def test_it_is_pickled_cloned_and_kept_in_a_model_file(tmp_path: Path) -> None:
    X = maps(20)
    corrected = OccupancyCorrection().fit(X)
    save(corrected, tmp_path / "model")
    others = (
        load(tmp_path / "model"),
        pickle.loads(pickle.dumps(corrected)),
        clone(corrected).fit(X),
    )
    for again in others:
        np.testing.assert_array_equal(again.transform(X), corrected.transform(X))


def test_columns_that_are_no_cells_stay() -> None:
    names = [f"map[{cell}]" for cell in range(len(USUAL))]
    X = pd.DataFrame(maps(20), columns=names)
    out = OccupancyCorrection().fit_transform(X.assign(pileup=40.0, lumi=0.5))
    assert (out[["pileup", "lumi"]] == [40, 0.5]).all(axis=None)
    pd.testing.assert_frame_equal(out[names], OccupancyCorrection().fit_transform(X))
