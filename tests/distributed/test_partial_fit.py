"""Learning from partitions, computed in this process."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import IsolationForest

from skdqm.detectors import HistogramDetector
from skdqm.distributed import partial_fit
from skdqm.exceptions import CalibrationWarning, DataError, UsageError
from tests.distributed.conftest import small_autoencoder

dask = pytest.importorskip("dask", reason="Dask is not installed")
da = pytest.importorskip("dask.array")
db = pytest.importorskip("dask.bag")
dd = pytest.importorskip("dask.dataframe")


@pytest.fixture(autouse=True, params=["synchronous", "threads"])
def scheduler(request):
    with dask.config.set(scheduler=request.param):
        yield


def taught(detector, parts):
    for part in parts:
        detector.partial_fit(part)
    return detector


def test_partitions_are_learned_in_their_order_to_the_bit(frame):
    rows = dd.from_pandas(frame, npartitions=4)
    learned = partial_fit(small_autoencoder(), rows)
    expected = taught(small_autoencoder(), [part.compute() for part in rows.partitions])
    np.testing.assert_array_equal(learned.score_samples(frame), expected.score_samples(frame))
    assert learned.offset_ == expected.offset_
    assert list(learned.feature_names_in_) == list(frame.columns)


def test_blocks_go_on_where_the_detector_is_and_leave_it(nameless, frame):
    X = frame.to_numpy()
    before = nameless.score_samples(X)
    learned = partial_fit(nameless, da.from_array(X, chunks=(250, 2)))
    expected = taught(small_autoencoder().fit(frame.to_numpy()), [X[:250], X[250:500], X[500:]])
    np.testing.assert_array_equal(learned.score_samples(X), expected.score_samples(X))
    np.testing.assert_array_equal(nameless.score_samples(X), before)


def test_empty_partitions_teach_nothing(frame):
    rows = dd.from_pandas(frame, npartitions=3)
    late = rows.map_partitions(lambda part: part[part.index >= 1400])
    learned = partial_fit(small_autoencoder(), late)
    assert len(learned.history_) == 1
    expected = taught(small_autoencoder(), [frame[400:]])
    np.testing.assert_array_equal(learned.score_samples(frame), expected.score_samples(frame))


@pytest.mark.parametrize("as_bag", [False, True])
def test_files_are_learned_in_their_order_without_their_labels(files, frame, as_bag):
    detector = partial_fit(small_autoencoder(), db.from_sequence(files) if as_bag else files)
    backwards = frame[::-1][sorted(frame.columns, reverse=True)].assign(run=7.0)
    expected = taught(small_autoencoder(), [backwards[i : i + 200] for i in (0, 200, 400)])
    np.testing.assert_array_equal(
        detector.score_samples(backwards), expected.score_samples(backwards)
    )


def test_warnings_of_learning_reach_the_caller_once(named, frame):
    with pytest.warns(CalibrationWarning) as said:
        learned = partial_fit(named, dd.from_pandas(frame, npartitions=3))
    assert len(said) == 1
    assert not hasattr(learned, "calibration_scores_")
    assert hasattr(named, "calibration_scores_")


def test_a_partition_that_cannot_be_learned_is_named(frame):
    bad = frame.copy()
    bad.iloc[250, 1] = np.inf
    with pytest.raises(DataError, match=r"partition 1, rows 1200 to 1399: .*infinity"):
        partial_fit(small_autoencoder(), dd.from_pandas(bad, npartitions=3))


def test_other_columns_are_refused(named):
    rows = dd.from_pandas(pd.DataFrame({"a": [1.0]}), npartitions=1)
    with pytest.raises(DataError, match="needs columns that are missing"):
        partial_fit(named, rows)


def test_a_detector_that_cannot_learn_in_parts_is_refused(frame):
    with pytest.raises(UsageError, match="cannot learn in parts"):
        partial_fit(IsolationForest(), dd.from_pandas(frame, npartitions=1))


def test_a_collection_is_asked_for(frame):
    with pytest.raises(UsageError, match="found DataFrame, expected a dask"):
        partial_fit(HistogramDetector(), frame)
