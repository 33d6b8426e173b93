import json
import sys
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    PowerTransformer,
    StandardScaler,
)
from torch import nn

import skdqm
from skdqm.datasets import make_lhco_events
from skdqm.detectors import AutoencoderDetector, ContrastiveDetector, VAEDetector
from skdqm.exceptions import MissingDependencyError, ModelFileError, UsageError
from skdqm.export import to_onnx
from skdqm.preprocessing import JetFeatures, NormalScores
from tests.export.exported import apart, rows_of, run_onnx
from tests.instances import instance

QUICK = {"hidden_layer_sizes": (8,), "max_epochs": 2, "random_state": 0}


@pytest.fixture(scope="module")
def detector():
    return AutoencoderDetector(**QUICK).fit(rows_of("readings", 400, 0))


@pytest.fixture(scope="module")
def session(detector, tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    to_onnx(detector, path)
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


@given(
    st.integers(1, 40).flatmap(
        lambda n: arrays(np.float64, (n, 16), elements=st.floats(-1e200, 1e200))
    )
)
@settings(max_examples=100)
def test_any_number_of_any_finite_rows_scores_as_the_detector_does(detector, session, rows):
    scores, flags = session.run(None, {"features": rows})
    known = -detector.score_samples(pd.DataFrame(rows).to_numpy())
    assert scores.shape == flags.shape == (len(rows),)
    assert apart(scores, known) <= 1e-5


def test_the_file_says_what_it_is(tmp_path):
    events, _ = make_lhco_events(600, 0, random_state=0)
    pipeline = make_pipeline(JetFeatures(), StandardScaler(), VAEDetector(**QUICK))
    pipeline.fit(events[:400])
    pipeline[-1].calibrate(pipeline[:-1].transform(events[400:]), alarm_rate=0.05)
    to_onnx(pipeline, tmp_path / "model.onnx", opset=20, metadata={"model": "jets.skdqm"})
    model = onnx.load(tmp_path / "model.onnx")
    facts = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(facts["feature_names"]) == list(events.columns)
    assert float(facts["threshold"]) == -pipeline[-1].offset_
    assert json.loads(facts["alarm_rate"]) == 0.05
    assert json.loads(facts["steps"]) == ["JetFeatures", "StandardScaler"]
    assert (facts["detector"], facts["skdqm"]) == ("vae", skdqm.__version__)
    assert (facts["task"], facts["model"]) == ("anomaly detection", "jets.skdqm")
    assert model.opset_import[0].version == 20


def test_inputs_and_outputs_have_names_types_and_any_number_of_rows(session):
    (taken,) = session.get_inputs()
    scores, flags = session.get_outputs()
    assert (taken.name, taken.type, taken.shape) == ("features", "tensor(double)", ["n_rows", 16])
    assert (scores.name, scores.type) == ("anomaly_score", "tensor(double)")
    assert (flags.name, flags.type) == ("is_anomaly", "tensor(bool)")
    assert scores.shape == flags.shape == ["n_rows"]


def test_without_names_the_file_has_none(session):
    assert session.get_modelmeta().custom_metadata_map["feature_names"] == "null"


def test_an_encoder_of_the_user_is_exported_too(tmp_path):
    rows = rows_of("readings", 300, 0)
    detector = ContrastiveDetector(encoder=nn.Linear(16, 4), max_epochs=2, random_state=0)
    to_onnx(detector.fit(rows), tmp_path / "model.onnx")
    scores, _ = run_onnx(tmp_path / "model.onnx", rows)
    assert apart(scores, -detector.score_samples(rows)) <= 1e-5


class Looping(nn.Module):
    """An encoder whose path depends on its input."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(16, 4)

    def forward(self, rows):
        return self.linear(rows) if rows.sum() > 0 else -self.linear(rows)


def test_an_encoder_that_cannot_be_traced_is_refused(tmp_path):
    rows = rows_of("readings", 300, 0)
    detector = ContrastiveDetector(encoder=Looping(), max_epochs=2, random_state=0).fit(rows)
    with pytest.raises(UsageError, match=r"cannot trace .* ContrastiveDetector"):
        to_onnx(detector, tmp_path / "model.onnx")


@pytest.mark.parametrize("name", ["adaptive_threshold", "ensemble", "neighbors", "persistence"])
def test_other_detectors_are_refused_by_name(name, tmp_path):
    detector = instance(name).fit(rows_of("readings", 200, 0))
    with pytest.raises(UsageError, match=f"{type(detector).__name__} cannot be exported"):
        to_onnx(detector, tmp_path / "model.onnx")


def test_a_detector_of_another_package_is_refused(tmp_path):
    forest = IsolationForest(n_estimators=2).fit(rows_of("readings", 50, 0))
    with pytest.raises(UsageError, match="IsolationForest cannot be exported"):
        to_onnx(forest, tmp_path / "model.onnx")


@pytest.mark.parametrize("step", [NormalScores(), PowerTransformer()])
def test_a_step_that_cannot_be_exported_is_named(step, tmp_path):
    pipeline = make_pipeline(StandardScaler(), step, AutoencoderDetector(**QUICK))
    pipeline.fit(rows_of("readings", 300, 0))
    named = type(step).__name__
    with pytest.raises(UsageError, match=f"step '{named.lower()}', a {named}, .* 'JetFeatures'"):
        to_onnx(pipeline, tmp_path / "model.onnx")


def test_an_unfitted_detector_is_refused(tmp_path):
    with pytest.raises(NotFittedError):
        to_onnx(AutoencoderDetector(), tmp_path / "model.onnx")


def test_a_folder_that_is_not_there_is_refused(detector, tmp_path):
    with pytest.raises(UsageError, match="does not exist"):
        to_onnx(detector, tmp_path / "none" / "model.onnx")


def test_a_graph_with_other_scores_leaves_no_file_and_keeps_the_old_one(
    detector, tmp_path, monkeypatch
):
    path = tmp_path / "model.onnx"
    path.write_text("before")
    real = onnxruntime.InferenceSession

    def wrong(*args, **options):
        session = real(*args, **options)
        return SimpleNamespace(run=lambda *a: [1.001 * session.run(*a)[0]])

    monkeypatch.setattr(onnxruntime, "InferenceSession", wrong)
    with pytest.raises(ModelFileError, match=r"model\.onnx was not written.*0\.001 apart"):
        to_onnx(detector, path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_exporting_changes_neither_the_detector_nor_its_training(tmp_path):
    rows = rows_of("readings", 300, 0)
    one, other = (AutoencoderDetector(**QUICK).fit(rows) for _ in range(2))
    to_onnx(one, tmp_path / "model.onnx")
    scores = [each.partial_fit(rows).score_samples(rows) for each in (one, other)]
    assert (scores[0] == scores[1]).all()


@pytest.mark.parametrize("package", ["onnx", "onnxscript", "onnxruntime"])
def test_a_missing_package_is_named_with_the_extra(detector, package, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependencyError, match=rf"'{package}'.*skdqm\[onnx\]"):
        to_onnx(detector, tmp_path / "model.onnx")
