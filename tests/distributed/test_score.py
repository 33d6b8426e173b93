"""Scores and verdicts of dask collections, computed in this process."""

import sys
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdqm.detectors import HistogramDetector
from skdqm.distributed import score, verdicts
from skdqm.exceptions import DataError, MissingDependencyError, UsageError

dask = pytest.importorskip("dask", reason="Dask is not installed")
da = pytest.importorskip("dask.array")
db = pytest.importorskip("dask.bag")
dd = pytest.importorskip("dask.dataframe")


@pytest.fixture(autouse=True, params=["synchronous", "threads"])
def scheduler(request):
    with dask.config.set(scheduler=request.param):
        yield


def test_nothing_is_computed_before_it_is_asked_for(named, frame):
    def forbidden(part):
        raise AssertionError

    rows = dd.from_pandas(frame, npartitions=2).map_partitions(forbidden, meta=frame[:0])
    assert score(named, rows).npartitions == 2
    assert verdicts(named, rows).npartitions == 2


def test_a_frame_keeps_its_index_and_gets_the_bits_of_one_process(named, frame):
    rows = dd.from_pandas(frame, npartitions=5)
    expected = named.verdicts(frame)
    assert list(expected.columns) == ["anomaly_score", "verdict", "p_value"]
    pd.testing.assert_frame_equal(verdicts(named, rows).compute(), expected, check_exact=True)
    scores = score(named, rows)
    pd.testing.assert_series_equal(scores.compute(), expected["anomaly_score"], check_exact=True)
    assert scores.divisions == rows.divisions


def test_promised_columns_and_types_are_those_that_come(named, nameless, frame):
    for lazy, n_columns in (
        (verdicts(named, dd.from_pandas(frame, npartitions=2)), 3),
        (verdicts(nameless, da.from_array(frame.to_numpy(), chunks=(250, -1))), 2),
    ):
        assert len(lazy.columns) == n_columns
        pd.testing.assert_series_equal(lazy.dtypes, lazy.compute().dtypes)


@pytest.mark.parametrize("chunks", [(600, 4), (250, 4), (250, (1, 3))])
def test_blocks_of_an_array_stay_its_blocks(nameless, frame, chunks):
    X = frame.to_numpy()
    scores = score(nameless, da.from_array(X, chunks=chunks))
    assert scores.chunks == (da.from_array(X, chunks=chunks).chunks[0],)
    np.testing.assert_array_equal(scores.compute(), -nameless.score_samples(X))
    found = verdicts(nameless, da.from_array(X, chunks=chunks)).compute()
    pd.testing.assert_frame_equal(found, nameless.verdicts(X), check_exact=True)


def test_blocks_may_be_of_unknown_length_or_empty(nameless, frame):
    X = frame.to_numpy()
    rows = da.from_array(X, chunks=(100, -1))
    chosen = X[:, 0] > np.quantile(X[:, 0], 0.9)
    some = rows[da.from_array(chosen, chunks=100)]
    assert np.isnan(some.shape[0])
    expected = -nameless.score_samples(X)[chosen]
    np.testing.assert_array_equal(score(nameless, some).compute(), expected)
    np.testing.assert_array_equal(verdicts(nameless, some)["anomaly_score"].compute(), expected)
    assert score(nameless, rows[rows[:, 0] > np.inf]).compute().shape == (0,)


def test_empty_partitions_give_no_rows_of_the_same_kind(named, frame):
    rows = dd.from_pandas(frame, npartitions=3)
    none = verdicts(named, rows[rows[frame.columns[0]] > np.inf]).compute()
    expected = named.verdicts(frame)
    assert len(none) == 0
    pd.testing.assert_series_equal(none.dtypes, expected.dtypes)
    late = rows.map_partitions(lambda part: part[part.index > 1450])
    pd.testing.assert_frame_equal(verdicts(named, late).compute(), expected[451:])


@given(st.lists(st.integers(1, 599), max_size=6, unique=True))
def test_cuts_change_nothing(frame, cuts):
    detector = HistogramDetector().fit(frame.to_numpy())
    edges = [0, *sorted(cuts), 600]
    chunks = tuple(stop - start for start, stop in pairwise(edges))
    scores = score(detector, da.from_array(frame.to_numpy(), chunks=(chunks, 4)))
    np.testing.assert_array_equal(
        scores.compute(scheduler="synchronous"), -detector.score_samples(frame.to_numpy())
    )


def test_columns_are_found_by_name_and_others_are_not_touched(named, frame):
    other = frame[sorted(frame.columns, reverse=True)].assign(comment="?")
    found = score(named, dd.from_pandas(other, npartitions=2)).compute()
    np.testing.assert_array_equal(found, -named.score_samples(frame))


def test_missing_columns_are_named_before_any_work(named, frame):
    rows = dd.from_pandas(frame.rename(columns={frame.columns[0]: "other"}), npartitions=2)
    with pytest.raises(DataError, match=f"missing: '{frame.columns[0]}'; found 'other'"):
        score(named, rows)


@pytest.mark.parametrize("width", [3, 5])
def test_wrong_numbers_of_columns_are_refused(nameless, width):
    rows = np.ones((10, width))
    with pytest.raises(DataError, match=f"found {width} columns, expected the 4"):
        score(nameless, da.from_array(rows, chunks=(5, -1)))
    frame = pd.DataFrame(rows, columns=list("abcde")[:width])
    with pytest.raises(DataError, match=f"found {width} columns, expected the 4"):
        verdicts(nameless, dd.from_pandas(frame, npartitions=2))


def test_a_width_that_nobody_knows_is_checked_with_the_rows(nameless):
    rows = da.map_blocks(
        lambda block: np.ones((5, 3)), da.ones((2, 1), chunks=1), chunks=((np.nan,) * 2, (np.nan,))
    )
    with pytest.raises(DataError, match=r"block [01]: found 3 columns, expected the 4"):
        score(nameless, rows).compute()


def test_names_that_an_array_lacks_are_said_once(named, frame):
    with pytest.warns(UserWarning, match="taken in its order") as said:
        scores = score(named, da.from_array(frame.to_numpy(), chunks=(200, -1))).compute()
    assert len(said) == 1
    np.testing.assert_array_equal(scores, -named.score_samples(frame))


def test_an_error_names_the_partition_and_its_rows(named, nameless, frame):
    bad = frame.copy()
    bad.iloc[450, 2] = np.nan
    lazy = verdicts(named, dd.from_pandas(bad, npartitions=3))
    with pytest.raises(DataError, match=r"^partition 2, rows 1400 to 1599: .* contains NaN\.$"):
        lazy.compute()
    with pytest.raises(DataError, match=r"^block 4: .* contains NaN\.$"):
        score(nameless, da.from_array(bad.to_numpy(), chunks=(100, -1))).compute()


def test_files_are_partitions_in_their_order(named, files, frame):
    lazy = verdicts(named, files)
    assert lazy.npartitions == 3
    expected = named.verdicts(frame[::-1])
    for i in range(3):
        part = lazy.partitions[i].compute()
        assert part.index.tolist() == list(range(200))
        np.testing.assert_array_equal(part, expected[200 * i : 200 * (i + 1)])
    np.testing.assert_array_equal(score(named, files).compute(), expected["anomaly_score"])


def test_a_bag_of_files_gives_a_bag_of_results(named, files, frame):
    bag = db.from_sequence(files, npartitions=2)
    expected = named.verdicts(frame[::-1])
    np.testing.assert_array_equal(pd.concat(verdicts(named, bag).compute()), expected)
    scores = score(named, bag).compute()
    assert [scores[i].name for i in range(3)] == ["anomaly_score"] * 3


def test_a_file_that_cannot_be_scored_is_named(named, files, tmp_path):
    with pytest.raises(DataError, match=r"lost\.csv: cannot open"):
        score(named, [*files, tmp_path / "lost.csv"]).compute()
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"bad\.csv: .*channel"):
        score(named, [tmp_path / "bad.csv"]).compute()


def test_a_pipeline_gives_verdicts_with_the_index_of_its_rows(frame):
    pipeline = make_pipeline(StandardScaler(), HistogramDetector()).fit(frame)
    found = verdicts(pipeline, dd.from_pandas(frame, npartitions=2)).compute()
    assert found.index.equals(frame.index)
    np.testing.assert_array_equal(found["anomaly_score"], -pipeline.score_samples(frame))
    np.testing.assert_array_equal(found["verdict"], pipeline.predict(frame))


def test_a_detector_of_another_package_is_scored_and_labelled(frame):
    forest = IsolationForest(n_estimators=5, random_state=0).fit(frame)
    found = verdicts(forest, dd.from_pandas(frame, npartitions=2)).compute()
    np.testing.assert_array_equal(found["anomaly_score"], -forest.score_samples(frame))
    np.testing.assert_array_equal(found["verdict"], forest.predict(frame))


@pytest.mark.parametrize(
    ("data", "found"), [(np.ones((3, 4)), "ndarray"), ([np.ones(4)], "ndarray"), ([], "list")]
)
def test_what_is_no_collection_of_dask_is_refused(nameless, data, found):
    with pytest.raises(UsageError, match=f"found {found}, expected a dask Array"):
        score(nameless, data)


@pytest.mark.parametrize("item", [3, {"a": 1.0}, None])
def test_what_is_no_name_of_a_file_in_a_bag_is_refused(nameless, item):
    bag = db.from_sequence([item])
    with pytest.raises(UsageError, match="expected rows, or the name of a file"):
        score(nameless, bag).compute(scheduler="sync")


def test_an_array_of_another_shape_is_refused(nameless):
    with pytest.raises(DataError, match="3 dimensions, expected rows and columns"):
        score(nameless, da.ones((4, 4, 4)))


def test_a_detector_that_was_not_fitted_is_refused(frame):
    with pytest.raises(NotFittedError):
        score(HistogramDetector(), dd.from_pandas(frame, npartitions=2))


def test_without_dask_the_extra_is_named(nameless, monkeypatch):
    monkeypatch.setitem(sys.modules, "dask", None)
    with pytest.raises(MissingDependencyError, match=r"skdqm\[dask\]"):
        score(nameless, ["a.csv"])
