"""The steps of a Pipeline: what a search over steps leaves out does nothing."""

import numpy as np
import pytest
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skdqm._pipeline import name_of, parts_of, through
from skdqm.detectors import HistogramDetector
from skdqm.inspection import FeatureScoresDisplay

X = np.random.default_rng(0).normal(5, 2, size=(60, 3))


@pytest.mark.parametrize("left_out", [None, "passthrough"])
def test_a_step_left_out_is_no_step(left_out):
    scaler, detector = StandardScaler(), HistogramDetector()
    pipeline = Pipeline([("left_out", left_out), ("scaler", scaler), ("detector", detector)])
    pipeline.fit(X)
    steps, last = parts_of(pipeline)
    assert steps == [("scaler", scaler)]
    assert last is detector
    np.testing.assert_array_equal(through(steps, X), scaler.transform(X))
    assert name_of(1, steps, X) == "x1"


def test_a_display_of_a_pipeline_with_a_step_left_out_shows_what_one_without_it_shows():
    bare = HistogramDetector().fit(X)
    pipeline = Pipeline([("scaler", "passthrough"), ("detector", HistogramDetector())]).fit(X)
    shown, expected = (
        FeatureScoresDisplay.from_estimator(each, X).feature_scores for each in (pipeline, bare)
    )
    np.testing.assert_array_equal(shown, expected)


def test_a_detector_alone_has_no_steps():
    detector = HistogramDetector()
    assert parts_of(detector) == ([], detector)
