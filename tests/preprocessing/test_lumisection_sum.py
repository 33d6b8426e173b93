"""Sums of lumisections: by number, within runs, exact, one row for each."""

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

from skdqm.exceptions import DataError, MissingRunsWarning, UsageError
from skdqm.persistence import load, save
from skdqm.preprocessing import LumisectionSum


def table(places: list[tuple[int, int]], **columns: Any) -> pd.DataFrame:
    index = pd.MultiIndex.from_tuples(places, names=["run", "lumisection"])
    return pd.DataFrame(columns or {"a[0]": 10.0 ** np.arange(len(places))}, index)


TABLE = table([(7, 1), (7, 2), (7, 3), (7, 6), (8, 7)])


@pytest.mark.filterwarnings("ignore::skdqm.exceptions.MissingRunsWarning")
@parametrize_with_checks([LumisectionSum(), LumisectionSum(1)])
def test_scikit_learn_checks(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize(
    ("n", "expected"),
    [
        (1, [1, 10, 100, 1000, 10000]),
        (2, [1, 11, 110, 1000, 10000]),
        (3, [1, 11, 111, 1000, 10000]),
        (4, [1, 11, 111, 1100, 10000]),
        (99, [1, 11, 111, 1111, 10000]),
    ],
)
def test_gaps_shorten_the_sum_and_runs_end_it(n: int, expected: list[float]) -> None:
    assert LumisectionSum(n).fit_transform(TABLE)["a[0]"].tolist() == expected


PLACES = st.lists(
    st.tuples(st.integers(1, 3), st.integers(1, 12)), min_size=1, max_size=20, unique=True
)


@given(PLACES, st.integers(2, 6), st.randoms(use_true_random=False))
def test_it_is_the_sum_that_one_would_write_down(
    places: list[tuple[int, int]], n: int, random: Any
) -> None:
    random.shuffle(places)
    values = [float(random.randrange(2**48)) for _ in places]
    X = table(places, counts=values, pileup=values)
    out = LumisectionSum(n, mean_of=["pileup"]).fit_transform(X)
    pd.testing.assert_index_equal(out.index, X.index)
    for (run, number), row in zip(places, out.to_numpy(), strict=True):
        inside = [
            value
            for (other, before), value in zip(places, values, strict=True)
            if other == run and number - n < before <= number
        ]
        assert row[0] == sum(inside)
        assert row[1] == pytest.approx(sum(inside) / len(inside))


def test_small_counts_after_large_ones_keep_their_digits() -> None:
    X = table([(1, i) for i in range(6)], a=[2.0**53, 1.0, 2.0, 4.0, 8.0, 16.0])
    assert LumisectionSum(2).fit_transform(X)["a"].tolist()[2:] == [3, 6, 12, 24]


@pytest.mark.parametrize("values_at_once", [1, 3])
def test_blocks_of_rows_join_without_a_seam(
    monkeypatch: pytest.MonkeyPatch, values_at_once: int
) -> None:
    expected = LumisectionSum(3).fit_transform(TABLE)
    monkeypatch.setattr("skdqm.preprocessing._tables.VALUES_AT_ONCE", values_at_once)
    pd.testing.assert_frame_equal(LumisectionSum(3).fit_transform(TABLE), expected)


def test_rows_without_a_lumisection_stay_and_say_so() -> None:
    for X in (TABLE.to_numpy(), TABLE.droplevel("lumisection"), TABLE.reset_index(drop=True)):
        summed = LumisectionSum().fit(X)
        with pytest.warns(MissingRunsWarning, match="expected a pandas data frame") as caught:
            out = summed.transform(X)
        assert caught[0].filename == __file__
        np.testing.assert_array_equal(out, X)
        assert type(out) is type(X)
    assert not np.shares_memory(out, X)


def test_one_lumisection_needs_no_index() -> None:
    X = TABLE.to_numpy()
    np.testing.assert_array_equal(LumisectionSum(1).fit_transform(X), X)


def test_what_comes_out_has_the_index_and_columns_that_went_in() -> None:
    X = TABLE.rename(columns={"a[0]": 5})
    out = LumisectionSum().fit_transform(X)
    pd.testing.assert_index_equal(out.index, X.index)
    pd.testing.assert_index_equal(out.columns, X.columns)
    pandas = LumisectionSum().set_output(transform="pandas").fit_transform(TABLE)
    pd.testing.assert_frame_equal(pandas, LumisectionSum().fit_transform(TABLE))
    polars = LumisectionSum().set_output(transform="polars").fit_transform(TABLE)
    assert polars.columns == ["a[0]"]


def test_rows_that_went_in_are_not_changed() -> None:
    before = TABLE.copy()
    LumisectionSum().fit_transform(TABLE)
    pd.testing.assert_frame_equal(TABLE, before)


def test_a_lumisection_that_is_there_twice_is_refused() -> None:
    with pytest.raises(DataError, match=r"found 1 rows .* first run 7, lumisection 2"):
        LumisectionSum().fit_transform(table([(7, 2), (8, 2), (7, 2)]))


def test_lumisections_that_are_no_whole_numbers_are_refused() -> None:
    index = pd.MultiIndex.from_tuples([(1, 0.5), (1, 1.0)], names=["run", "lumisection"])
    with pytest.raises(DataError, match=r"of type float64, such as 0\.5"):
        LumisectionSum().fit_transform(pd.DataFrame({"a": [1, 2]}, index))


def test_columns_to_average_must_exist() -> None:
    with pytest.raises(UsageError, match="mean_of='pileup': no column has that name"):
        LumisectionSum(mean_of=["pileup"]).fit(TABLE)
    with pytest.raises(ValueError, match="mean_of"):
        LumisectionSum(mean_of="pileup").fit(TABLE)


def test_sums_too_large_for_numbers_are_refused() -> None:
    with pytest.raises(DataError, match="too large"):
        LumisectionSum().fit_transform(table([(1, 1), (1, 2)], a=[1.7e308, 1.7e308]))


def test_parameters_changed_after_the_fit_change_nothing() -> None:
    summed = LumisectionSum().fit(TABLE)
    before = summed.transform(TABLE)
    summed.set_params(n_lumisections=9, mean_of=["a[0]"])
    pd.testing.assert_frame_equal(summed.transform(TABLE), before)


def test_it_is_pickled_cloned_and_kept_in_a_model_file(tmp_path: Path) -> None:
    summed = LumisectionSum(2, mean_of=["a[0]"]).fit(TABLE)
    save(summed, tmp_path / "model")
    others = (
        load(tmp_path / "model"),
        pickle.loads(pickle.dumps(summed)),
        clone(summed).fit(TABLE),
    )
    for again in others:
        pd.testing.assert_frame_equal(again.transform(TABLE), summed.transform(TABLE))
