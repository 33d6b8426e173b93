"""Masked channels: named in any way, zero in every row, and nothing else changed."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdqm.exceptions import UsageError
from skdqm.persistence import load, save
from skdqm.preprocessing import ChannelMask

NAMES = [f"map[{x},{y}]" for x in range(2) for y in range(3)]
X = pd.DataFrame(np.arange(1.0, 13).reshape(2, 6), columns=NAMES)
MASK = np.array([[False, True, False], [False, False, True]])


@parametrize_with_checks([ChannelMask(), ChannelMask([0], never_filled=True)])
def test_scikit_learn_checks(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize(
    "channels",
    [
        ["map[0,1]", "map[1,2]"],
        [1, 5],
        np.array([5, 1]),
        ["map[0,1]", 5],
        MASK,
        MASK.ravel(),
        MASK.ravel().tolist(),
        pd.Index(["map[0,1]", "map[1,2]"]),
    ],
    ids=str,
)
def test_channels_are_named_in_any_way(channels: Any) -> None:
    mask = ChannelMask(channels).fit(X)
    np.testing.assert_array_equal(mask.mask_, MASK.ravel())
    np.testing.assert_array_equal(mask.transform(X).iloc[0], [1, 0, 3, 4, 5, 0])


@pytest.mark.parametrize("channels", [None, [], np.zeros(6, dtype=bool)])
def test_without_channels_nothing_is_masked(channels: Any) -> None:
    pd.testing.assert_frame_equal(ChannelMask(channels).fit_transform(X), X)


def test_a_mask_of_the_shape_of_an_array_is_in_its_order() -> None:
    np.testing.assert_array_equal(ChannelMask(MASK).fit(X.to_numpy()).mask_, MASK.ravel())


def test_a_mask_of_the_shape_finds_columns_in_any_order() -> None:
    turned = X[NAMES[::-1]]
    np.testing.assert_array_equal(ChannelMask(MASK).fit(turned).mask_, MASK.ravel()[::-1])


@given(arrays(bool, (4, 6)), arrays(bool, 6))
def test_cells_never_filled_are_masked_too(filled: Any, channels: Any) -> None:
    mask = ChannelMask(channels, never_filled=True).fit(filled.astype(float))
    np.testing.assert_array_equal(mask.mask_, channels | ~filled.any(axis=0))
    np.testing.assert_array_equal(mask.transform(np.ones((1, 6)))[0], ~mask.mask_)


@pytest.mark.parametrize(
    ("channels", "message"),
    [
        (["map[0,1]", "map[9,9]"], r"channels='map\[9,9\]': no column has that name"),
        ([6], "channels=6: expected the number of a column, from 0 to 5"),
        ([-1], "channels=-1"),
        ([1.5], r"channels=1\.5"),
        (MASK.T, r"shape \(3, 2\); expected \(6,\), .* or \(2, 3\), the shape of the histogram"),
        (np.zeros(5, dtype=bool), r"shape \(5,\); expected \(6,\)"),
        ([[0, 1], [1, 2]], r"array of shape \(2, 2\) and type int64"),
    ],
)
def test_channels_that_do_not_exist_are_refused(channels: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ChannelMask(channels).fit(X)


def test_names_without_a_frame_are_refused() -> None:
    with pytest.raises(UsageError, match="found none with a name"):
        ChannelMask(["map[0,1]"]).fit(X.to_numpy())


def test_a_shaped_mask_for_several_histograms_goes_by_their_columns() -> None:
    both = X.rename(columns={"map[1,2]": "other[0]"})
    with pytest.raises(UsageError, match=r"shape \(2, 2\); expected \(6,\), one value"):
        ChannelMask(np.zeros((2, 2), dtype=bool)).fit(both)
    assert ChannelMask(MASK.ravel()).fit_transform(both).loc[0, "other[0]"] == 0


def test_a_frame_keeps_its_index_and_columns_and_is_not_changed() -> None:
    index = pd.MultiIndex.from_tuples([(1, 2), (1, 3)], names=["run", "lumisection"])
    frame = X.set_index(index)
    before = frame.copy()
    out = ChannelMask([1]).fit_transform(frame)
    pd.testing.assert_index_equal(out.index, index)
    pd.testing.assert_index_equal(out.columns, frame.columns)
    pd.testing.assert_frame_equal(frame, before)
    pandas = ChannelMask([1]).set_output(transform="pandas").fit_transform(frame)
    pd.testing.assert_frame_equal(pandas, out)
    polars = ChannelMask([1]).set_output(transform="polars").fit_transform(frame)
    assert polars.columns == NAMES


def test_a_mask_changed_by_who_gave_it_changes_nothing() -> None:
    given_mask = MASK.ravel().copy()
    mask = ChannelMask(given_mask).fit(X)
    given_mask[:] = True
    np.testing.assert_array_equal(mask.mask_, MASK.ravel())


@pytest.mark.parametrize("channels", [MASK, ["map[0,1]"], [2]], ids=str)
def test_it_is_pickled_cloned_and_kept_in_a_model_file(tmp_path: Path, channels: Any) -> None:
    mask = ChannelMask(channels, never_filled=True).fit(X)
    save(mask, tmp_path / "model")
    others = (load(tmp_path / "model"), pickle.loads(pickle.dumps(mask)), clone(mask).fit(X))
    for again in others:
        pd.testing.assert_frame_equal(again.transform(X), mask.transform(X))
