import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdqm.cli._model import Model, parts_of
from skdqm.cli._source import Source
from skdqm.detectors import AutoencoderDetector
from skdqm.exceptions import DataError, ModelFileError
from skdqm.persistence import save


@pytest.fixture
def nameless(tmp_path):
    """A bare detector, fitted on an array."""
    X = np.random.default_rng(0).normal(size=(50, 3))
    save(AutoencoderDetector(max_epochs=1, random_state=0).fit(X), tmp_path / "bare")
    return Model.open(tmp_path / "bare")


def test_a_pipeline_is_transformers_and_a_last_step():
    scaler, detector = StandardScaler(), AutoencoderDetector()
    transformers, last = parts_of(make_pipeline(scaler, detector))
    assert [step for _, step in transformers.steps] == [scaler]
    assert last is detector
    assert parts_of(make_pipeline(detector)) == (None, detector)
    assert parts_of(detector) == (None, detector)


def test_columns_are_matched_by_name_in_the_order_of_the_model(model, events, frame, tmp_path):
    X, _ = frame
    shuffled = X[sorted(X.columns)].assign(extra=1.0)
    shuffled.to_csv(tmp_path / "shuffled.csv", index=False)
    opened = Model.open(model)
    assert opened.columns_in(Source(tmp_path / "shuffled.csv")) == list(X.columns)


def test_missing_columns_are_listed(model, frame, tmp_path):
    frame[0].drop(columns=["mj1", "tau1j2"]).to_csv(tmp_path / "few.csv", index=False)
    with pytest.raises(DataError, match=r"few\.csv.* lacks: mj1, tau1j2"):
        Model.open(model).columns_in(Source(tmp_path / "few.csv"))


def test_a_model_without_names_takes_columns_by_their_place(nameless, readings):
    assert nameless.features is None
    assert nameless.columns_in(Source(readings)) == ["a", "b", "c"]
    rows = pd.DataFrame({"a": [0.0], "b": [1.0], "c": [2.0]})
    np.testing.assert_array_equal(nameless.transform(rows), [[0, 1, 2]])


def test_a_model_without_names_refuses_another_number_of_columns(nameless, events):
    with pytest.raises(DataError, match=r"found 14 features.* expects 3"):
        nameless.columns_in(Source(events))


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (StandardScaler(), "expected a detector"),
        (AutoencoderDetector(), "training has not ended"),
    ],
    ids=["no detector", "not fitted"],
)
def test_a_file_without_a_fitted_detector_is_refused(estimator, message, tmp_path):
    save(estimator, tmp_path / "m")
    with pytest.raises(ModelFileError, match=message):
        Model.open(tmp_path / "m")
