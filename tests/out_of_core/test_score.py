import tracemalloc

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdqm.detectors import HistogramDetector
from skdqm.exceptions import DataError
from skdqm.io import iter_batches
from skdqm.out_of_core import calibrate, score

X = np.random.default_rng(0).normal(size=(1000, 3))


@pytest.fixture(scope="module")
def pipeline():
    return make_pipeline(StandardScaler(), HistogramDetector()).fit(X)


def test_batches_put_together_are_the_verdicts_of_memory(pipeline):
    expected = pipeline[-1].verdicts(pipeline[0].transform(X))
    found = pd.concat(score(pipeline, [X[:300], X[300:301], X[301:]]))
    pd.testing.assert_frame_equal(found, expected)


def test_a_calibrated_detector_gives_p_values():
    detector = calibrate(HistogramDetector().fit(X[:500]), X[500:])
    (frame,) = score(detector, X)
    np.testing.assert_array_equal(frame["p_value"], detector.p_values(X))


def test_rows_of_a_file_have_their_number_also_behind_dropped_ones(tmp_path):
    rows = pd.DataFrame(X[:10].copy(), columns=["a", "b", "c"])
    detector = HistogramDetector().fit(rows)
    rows.loc[3, "a"] = np.nan
    rows.to_csv(tmp_path / "rows.csv", index=False)
    batches = score(detector, iter_batches(tmp_path / "rows.csv", 4, nonfinite="drop"))
    assert [frame.index.tolist() for frame in batches] == [[0, 1, 2], [4, 5, 6, 7], [8, 9]]


def test_frames_keep_their_index():
    frame = pd.DataFrame(X, index=[f"row {number}" for number in range(1000)])
    detector = HistogramDetector().fit(frame)
    frames = [frame[:2], frame[2:4]]
    assert pd.concat(score(detector, frames)).index.tolist() == list(frame.index[:4])


def test_detectors_of_other_packages_give_scores_of_the_same_direction():
    forest = IsolationForest(random_state=0).fit(X)
    (frame,) = score(forest, X)
    np.testing.assert_array_equal(frame["anomaly_score"], -forest.score_samples(X))
    np.testing.assert_array_equal(frame["verdict"], forest.predict(X))


def test_an_unfitted_detector_is_refused_before_the_first_batch():
    with pytest.raises(NotFittedError):
        score(make_pipeline(StandardScaler(), HistogramDetector()), X)


def test_no_rows_are_an_error(pipeline):
    with pytest.raises(DataError, match="no rows"):
        list(score(pipeline, []))


def test_memory_does_not_grow_with_the_rows(pipeline):
    def peak(n_blocks):
        tracemalloc.start()
        rng = np.random.default_rng(0)
        flagged = 0
        for frame in score(pipeline, (rng.normal(size=(2000, 3)) for _ in range(n_blocks))):
            flagged += int((frame["verdict"] == -1).sum())
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert flagged
        return found

    assert peak(100) < 1.2 * peak(10)
