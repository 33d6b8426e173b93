import json
import sys
import warnings

import numpy as np
import pytest
import torch

from skdqm.detectors import AutoencoderDetector, GraphAutoencoderDetector
from skdqm.exceptions import ModelFileError, UsageError
from skdqm.export import _torch, to_torch
from tests.export.exported import CASES, apart, fitted, rows_of
from tests.instances import instance

FEW = [case for case in CASES if case.parameters in ({}, {"score": "knn"}, {"n_members": 3})]


@pytest.fixture(scope="module")
def detector():
    return AutoencoderDetector(max_epochs=2, random_state=0).fit(rows_of("readings", 300, 0))


def run(path, rows):
    with warnings.catch_warnings():
        # torch reads its own file by a function that it deprecates.
        warnings.filterwarnings("ignore", category=FutureWarning)
        scores, flags = torch.export.load(path).module()(torch.from_numpy(rows))
    return scores.numpy(), flags.numpy()


@pytest.mark.parametrize("case", FEW, ids=str)
def test_scores_and_flags_are_those_of_the_detector(case, tmp_path):
    detector = fitted(case)
    to_torch(detector, tmp_path / "model.pt2")
    rows = rows_of(case.rows, 1_000, 1)
    scores, flags = run(tmp_path / "model.pt2", rows)
    assert apart(scores, -detector.score_samples(rows)) <= 1e-5
    assert (flags == (detector.predict(rows) == -1)).all()
    assert len(run(tmp_path / "model.pt2", rows[:1])[0]) == 1


def test_the_file_says_what_it_is(detector, tmp_path):
    to_torch(detector, tmp_path / "model.pt2", metadata={"model": "m.skdqm"})
    extra = {_torch.FACTS: ""}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning)
        torch.export.load(tmp_path / "model.pt2", extra_files=extra)
    facts = json.loads(extra[_torch.FACTS])
    assert (facts["detector"], facts["model"]) == ("autoencoder", "m.skdqm")
    assert float(facts["threshold"]) == -detector.offset_


def test_it_needs_none_of_the_packages_for_onnx(detector, tmp_path, monkeypatch):
    for package in ("onnx", "onnxscript", "onnxruntime"):
        monkeypatch.setitem(sys.modules, package, None)
    to_torch(detector, tmp_path / "model.pt2")
    assert (tmp_path / "model.pt2").exists()


def test_what_is_not_like_the_model_is_not_written(detector, tmp_path, monkeypatch):
    monkeypatch.setattr("skdqm.export._check.TOLERANCE", -1.0)
    with pytest.raises(ModelFileError, match=r"model\.pt2 was not written"):
        to_torch(detector, tmp_path / "model.pt2")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_exported_is_refused(tmp_path):
    detector = instance("neighbors").fit(rows_of("readings", 100, 0))
    with pytest.raises(UsageError, match="NeighborsDetector cannot be exported"):
        to_torch(detector, tmp_path / "model.pt2")


def test_nodes_of_equal_weight_are_told_apart_by_their_features(tmp_path):
    rows = np.round(rows_of("particles", 400, 0), 0)  # most weights and places are alike
    detector = GraphAutoencoderDetector(
        graph_shape=(8, 3), coordinates=(0,), hidden_channels=(8,), max_epochs=2, random_state=0
    ).fit(rows)
    to_torch(detector, tmp_path / "model.pt2")
    assert apart(run(tmp_path / "model.pt2", rows)[0], -detector.score_samples(rows)) <= 1e-5
