from functools import cache

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)

from skdqm.datasets import make_lhco_events
from skdqm.detectors import AutoencoderDetector, VAEDetector
from skdqm.detectors._neural import NeuralDetector
from skdqm.export import to_onnx
from skdqm.preprocessing import ChannelMask, JetFeatures
from skdqm.registry import detector_class, detector_names
from tests.export.exported import CASES, N_ROWS, apart, fitted, rows_of, run_onnx

QUICK = {"hidden_layer_sizes": (8,), "max_epochs": 2, "random_state": 0}


def test_every_neural_detector_is_among_the_cases():
    neural = {n for n in detector_names() if issubclass(detector_class(n), NeuralDetector)}
    assert neural == {case.name for case in CASES}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return a function that gives the detector of a case and its file, made once."""

    @cache
    def write(place):
        path = tmp_path_factory.mktemp("case") / "model.onnx"
        detector = fitted(CASES[place])
        to_onnx(detector, path)
        return detector, path

    return lambda case: write([str(each) for each in CASES].index(str(case)))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_scores_and_flags_are_those_of_the_detector(case, written):
    detector, path = written(case)
    rows = rows_of(case.rows, N_ROWS, 1)
    scores, flags = run_onnx(path, rows)
    known = -detector.score_samples(rows)
    assert (scores.dtype, flags.dtype) == (np.float64, bool)
    assert apart(scores, known) <= 1e-5
    near = np.abs(known + detector.offset_) <= 1e-5 * max(1, abs(detector.offset_))
    assert (near | (flags == (detector.predict(rows) == -1))).all()
    assert flags.any()


PIPELINES = [
    [JetFeatures(), StandardScaler()],
    [JetFeatures(dijet=True), RobustScaler()],
    [MinMaxScaler(feature_range=(-1, 0.3), clip=True)],
    [MaxAbsScaler(), "passthrough", StandardScaler(with_mean=False)],
    [ChannelMask(channels=[3]), StandardScaler(with_std=False), RobustScaler(with_scaling=False)],
]


@pytest.mark.parametrize("steps", PIPELINES, ids=str)
def test_steps_before_the_detector_are_in_the_graph(steps, tmp_path):
    events, _ = make_lhco_events(500, 0, random_state=0)
    others, _ = make_lhco_events(900, 100, random_state=1)
    pipeline = make_pipeline(*steps, VAEDetector(**QUICK)).fit(events)
    to_onnx(pipeline, tmp_path / "model.onnx")
    scores, flags = run_onnx(tmp_path / "model.onnx", others.to_numpy())
    assert apart(scores, -pipeline.score_samples(others)) <= 1e-5
    assert (flags == (pipeline.predict(others) == -1)).all()


def test_odd_jets_score_as_in_the_package(tmp_path):
    events, _ = make_lhco_events(500, 0, random_state=0)
    pipeline = make_pipeline(JetFeatures(dijet=True), StandardScaler(), VAEDetector(**QUICK))
    pipeline.fit(events.to_numpy())
    odd = events.to_numpy()[:8].copy()
    odd[0] = 0  # no jets at all
    odd[1, :7] = 0  # one jet
    odd[2, [0, 1]] = 0  # along the beam
    odd[3] *= 1e150  # squares overflow
    odd[4, 3] = -1  # a mass below zero
    odd[5, 4] = 0  # a ratio without a denominator
    odd[6, :2] = 1e-200
    to_onnx(pipeline, tmp_path / "model.onnx")
    scores, _ = run_onnx(tmp_path / "model.onnx", odd)
    assert apart(scores, -pipeline.score_samples(odd)) <= 1e-5


def test_digits_of_large_values_are_kept(tmp_path):
    rows = 1e9 + np.random.default_rng(0).normal(size=(300, 4))
    pipeline = make_pipeline(StandardScaler(), AutoencoderDetector(**QUICK)).fit(rows)
    to_onnx(pipeline, tmp_path / "model.onnx")
    scores, _ = run_onnx(tmp_path / "model.onnx", rows)
    assert apart(scores, -pipeline.score_samples(rows)) <= 1e-5


@pytest.mark.parametrize("case", [case for case in CASES if case.rows != "readings"], ids=str)
def test_what_is_no_count_or_no_number_is_flagged(case, written):
    detector, path = written(case)
    rows = rows_of(case.rows, 3, 1) + 0.5
    rows[0, 1] = np.nan
    rows[1, 3] = -5
    scores, flags = run_onnx(path, rows)
    assert np.isnan(scores[0])
    assert flags[0]
    if detector.takes_counts or case.parameters.get("weight", 1) == 0:
        assert np.isnan(scores[1])
        assert flags[1]


def test_infinity_is_flagged(written):
    detector, path = written(CASES[0])
    rows = rows_of("readings", 2, 1)
    rows[:, 2] = [np.inf, -np.inf]
    scores, flags = run_onnx(path, rows)
    assert (scores > -detector.offset_).all()
    assert flags.all()
