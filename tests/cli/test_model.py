import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdqm._pipeline import parts_of
from skdqm.cli._model import Model
from skdqm.cli._source import Source
from skdqm.detectors import AutoencoderDetector
from skdqm.exceptions import DataError, ModelFileError, UsageError
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
    assert [step for _, step in transformers] == [scaler]
    assert last is detector
    assert parts_of(make_pipeline(detector)) == ([], detector)
    assert parts_of(detector) == ([], detector)


def test_columns_are_matched_by_name_in_the_order_of_the_model(model, events, frame, tmp_path):
    X, _ = frame
    shuffled = X[sorted(X.columns)].assign(extra=1.0)
    shuffled.to_csv(tmp_path / "shuffled.csv", index=False)
    opened = Model.open(model)
    assert opened.columns_in(Source(tmp_path / "shuffled.csv")) == list(X.columns)


def test_missing_columns_are_listed(model, frame, tmp_path):
    frame[0].drop(columns=["mj1", "tau1j2"]).to_csv(tmp_path / "few.csv", index=False)
    with pytest.raises(DataError, match=r"few\.csv.* lacks: 'mj1', 'tau1j2'"):
        Model.open(model).columns_in(Source(tmp_path / "few.csv"))


def test_a_model_without_names_takes_columns_by_their_place(nameless, readings):
    assert nameless.features is None
    assert nameless.columns_in(Source(readings)) == ["a", "b", "c"]
    rows = pd.DataFrame({"a": [0.0], "b": [1.0], "c": [2.0]})
    np.testing.assert_array_equal(nameless.transform(rows, readings), [[0, 1, 2]])


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


@pytest.fixture
def abc(readings, tmp_path):
    """A model of the columns a, b and c whose file says that its label was called bad."""
    detector = AutoencoderDetector(max_epochs=1, random_state=0).fit(pd.read_csv(readings))
    save(detector, tmp_path / "abc", metadata={"label": "bad"})
    return Model.open(tmp_path / "abc")


def table(tmp_path, names):
    pd.DataFrame(1.0, index=range(3), columns=names).to_csv(tmp_path / "t.csv", index=False)
    return tmp_path / "t.csv"


@pytest.mark.parametrize(
    ("names", "label", "expected"),
    [
        ("abc", "auto", None),
        (["a", "b", "c", "label"], "auto", "label"),
        (["a", "b", "c", "label", "bad"], "auto", "bad"),
        (["a", "b", "c", "label", "bad"], "label", "label"),
        (["a", "b", "c", "label"], "none", None),
    ],
)
def test_the_label_is_that_of_the_training_or_looks_like_one(abc, tmp_path, names, label, expected):
    source = Source(table(tmp_path, list(names)), label)
    assert abc.settle_label(source).label_name() == expected


def test_a_feature_is_never_the_label(abc, tmp_path):
    path = table(tmp_path, ["a", "b", "c"])
    with pytest.raises(UsageError, match="'a' is a feature of the model and cannot be the label"):
        abc.settle_label(Source(path, "a"))
    detector = AutoencoderDetector(max_epochs=1).fit(
        pd.DataFrame(np.random.default_rng(0).normal(size=(30, 2)), columns=["a", "signal"])
    )
    save(detector, tmp_path / "signal")
    opened = Model.open(tmp_path / "signal")
    source = opened.settle_label(Source(table(tmp_path, ["a", "signal"])))
    assert source.label_name() is None
    assert opened.columns_in(source) == ["a", "signal"]


def test_two_possible_labels_are_not_guessed(abc, tmp_path):
    path = table(tmp_path, ["a", "b", "c", "label", "target"])
    with pytest.raises(DataError, match=r"label, target all look like a label.*--label"):
        abc.settle_label(Source(path))


def test_a_label_that_is_not_there_is_refused(abc, tmp_path):
    with pytest.raises(DataError, match="no column 'truth'"):
        abc.settle_label(Source(table(tmp_path, ["a", "b", "c"]), "truth"))
