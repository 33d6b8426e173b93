"""Model files: whole, equal to the bit, and refused with one line when anything is wrong."""

import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import sklearn
import torch
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from skdqm.datasets import make_detector_data, make_lhco_events
from skdqm.exceptions import ModelFileError, UsageError
from skdqm.persistence import load, read_metadata, save
from skdqm.preprocessing import JetFeatures
from tests.instances import instance

X = make_detector_data(200, n_channels=6, random_state=0)[0]

TRANSFORMERS = [
    Binarizer(),
    MaxAbsScaler(),
    MinMaxScaler(feature_range=(-1, 1)),
    Normalizer(),
    PCA(3, whiten=True, random_state=0),
    PolynomialFeatures(2),
    PowerTransformer(),
    QuantileTransformer(n_quantiles=50),
    RobustScaler(),
    SimpleImputer(strategy="median"),
    StandardScaler(),
    TruncatedSVD(3, random_state=0),
    VarianceThreshold(),
    FeatureUnion([("scaled", StandardScaler()), ("pca", PCA(2))]),
    ColumnTransformer([("some", StandardScaler(), [0, 2])], remainder="passthrough"),
    Pipeline([("nothing", "passthrough"), ("scaled", StandardScaler())]),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.skdqm"


@pytest.fixture
def saved(path: Path) -> Path:
    save(instance("autoencoder").fit(X), path)
    return path


@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=lambda t: type(t).__name__)
def test_a_pipeline_scores_the_same_to_the_bit_after_loading(transformer: Any, path: Path) -> None:
    pipeline = make_pipeline(transformer, instance("autoencoder")).fit(X.to_numpy())
    save(pipeline, path)
    rows = X.to_numpy()[::-1]
    np.testing.assert_array_equal(load(path).score_samples(rows), pipeline.score_samples(rows))


def test_names_of_columns_are_still_checked_after_loading(path: Path) -> None:
    events, _ = make_lhco_events(100, 0, random_state=0)
    pipeline = make_pipeline(JetFeatures(), StandardScaler(), instance("autoencoder")).fit(events)
    save(pipeline, path)
    back = load(path)
    np.testing.assert_array_equal(back.score_samples(events), pipeline.score_samples(events))
    with pytest.raises(ValueError, match="pxj1"):
        back.score_samples(events.drop(columns="pxj1"))


def test_a_calibration_is_kept(path: Path) -> None:
    detector = instance("autoencoder").fit(X).calibrate(X, alarm_rate=0.05)
    save(detector, path)
    back = load(path)
    assert back.alarm_rate_interval_ == detector.alarm_rate_interval_
    np.testing.assert_array_equal(back.p_values(X), detector.p_values(X))


def test_an_unfitted_detector_can_be_saved(path: Path) -> None:
    save(instance("vae", beta=0.5), path)
    assert load(path).get_params() == instance("vae", beta=0.5).get_params()


def test_a_model_that_was_not_fitted_counts_no_columns_and_may_be_anywhere(path: Path) -> None:
    from pyod.models.hbos import HBOS

    save(make_pipeline(StandardScaler(), HBOS(n_bins=7)), path)
    assert load(path)[-1].n_bins == 7


def test_callbacks_are_code_and_are_left_out(path: Path) -> None:
    save(instance("autoencoder", callbacks=[]).fit(X), path)
    assert load(path).callbacks is None


def test_a_class_that_is_not_registered_is_refused(path: Path) -> None:
    with pytest.raises(UsageError, match="LinearRegression cannot be saved"):
        save(make_pipeline(LinearRegression()), path)
    assert not path.exists()


def test_a_failed_save_leaves_the_old_file(saved: Path) -> None:
    before = saved.read_bytes()
    with pytest.raises(UsageError):
        save(instance("autoencoder", random_state=np.random.RandomState(0)), saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_metadata_can_be_read_without_the_model(path: Path) -> None:
    save(instance("autoencoder"), path, metadata={"source": "run 297047"})
    metadata = read_metadata(path)
    assert metadata["source"] == "run 297047"
    assert {"skdqm", "scikit-learn", "numpy"} <= set(metadata["versions"])
    assert metadata["versions"]["torch"] == str(torch.__version__)


def change_header(path: Path, **changes: Any) -> None:
    """Write the file again with another header, as a forger would."""
    from skdqm.persistence import _file

    header, arrays = _file._read(path)
    header.update({name: value for name, value in changes.items() if value is not None})
    header["sha256"] = changes.get("sha256") or _file._digest(header, arrays)
    path.write_bytes(safetensors.numpy.save(arrays, header))


def test_a_changed_letter_of_the_metadata_is_noticed(path: Path) -> None:
    save(instance("autoencoder"), path, metadata={"source": "run 297047"})
    path.write_bytes(path.read_bytes().replace(b"run 297047", b"run 297048"))
    with pytest.raises(ModelFileError):
        load(path)


def test_a_changed_shape_of_an_array_is_noticed(saved: Path) -> None:
    from skdqm.persistence import _file

    header, arrays = _file._read(saved)
    flat = {name: array.ravel() for name, array in arrays.items()}
    saved.write_bytes(safetensors.numpy.save(flat, header))
    with pytest.raises(ModelFileError, match="its checksum does not fit"):
        load(saved)


def test_another_scikit_learn_is_warned_of(saved: Path) -> None:
    change_header(saved, versions=json.dumps({"scikit-learn": "0.24.2"}))
    with pytest.warns(InconsistentVersionWarning, match=r"a skdqm model file .*0\.24\.2") as caught:
        load(saved)
    (warning,) = caught
    assert warning.message.original_sklearn_version == "0.24.2"
    assert warning.message.current_sklearn_version == sklearn.__version__


@pytest.mark.skipif("MUTANT_UNDER_TEST" in os.environ, reason="mutmut calls in between")
def test_the_warning_names_the_line_that_loads(saved: Path) -> None:
    change_header(saved, versions=json.dumps({"scikit-learn": "0.24.2"}))
    with pytest.warns(InconsistentVersionWarning) as caught:
        load(saved)
    assert caught[0].filename == __file__


def test_an_unknown_scikit_learn_is_warned_of(saved: Path) -> None:
    change_header(saved, versions="{}")
    with pytest.warns(InconsistentVersionWarning):
        load(saved)


DAMAGES: dict[str, Any] = {
    "empty": lambda data: b"",
    "one byte": lambda data: data[:1],
    "half": lambda data: data[: len(data) // 2],
    "last byte missing": lambda data: data[:-1],
    "a byte more": lambda data: data + b"x",
    "a flipped weight": lambda data: data[:-100] + bytes([data[-100] ^ 1]) + data[-99:],
    "a flipped letter": lambda data: data.replace(b"squared", b"squares"),
    "another parameter": lambda data: data.replace(b"max_epochs", b"min_epochs"),
    "a pickle": lambda data: pickle.dumps({"model": 1}),
    "json": lambda data: b'{"model": 1}',
    "text": lambda data: b"This is not a model.\n" * 50,
    "zeros": lambda data: bytes(len(data)),
    "foreign tensors": lambda data: safetensors.numpy.save({"w": np.ones(3)}),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("reader", [load, read_metadata])
def test_a_damaged_file_is_refused_in_one_line(damage: str, reader: Any, saved: Path) -> None:
    saved.write_bytes(DAMAGES[damage](saved.read_bytes()))
    with pytest.raises(ModelFileError) as caught:
        reader(saved)
    assert str(saved) in str(caught.value)
    assert "\n" not in str(caught.value)


FORGERIES: dict[str, dict[str, str]] = {
    "a later format": {"format_version": "99"},
    "an unknown class": {"tree": '{"estimator": {"class": "os.system", "parameters": {}}}'},
    "an unknown kind": {"tree": '{"pickle": "gASV"}'},
    "a missing array": {"tree": '{"array": {"name": "nowhere", "order": "C"}}'},
    "no tree": {"tree": "not json"},
    "no estimator": {"tree": "3"},
    "a list of nothing": {"tree": '{"list": []}'},
    "versions of another kind": {"versions": "[]"},
    "a method as state": {
        "tree": '{"estimator": {"class": "autoencoder", "parameters": {}, '
        '"state": {"score_samples": 5}}}'
    },
    "numbers that are none": {
        "tree": '{"estimator": {"class": "autoencoder", "parameters": {}, '
        '"state": {"offset_": {"float": "nan"}}}}'
    },
    "deep nesting": {"tree": '{"list": [' * 5000 + "]}" * 5000},
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_file_is_refused_in_one_line(forgery: str, saved: Path) -> None:
    change_header(saved, **FORGERIES[forgery])
    with pytest.raises(ModelFileError) as caught:
        load(saved)
    assert str(saved) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("part", ["metadata", "versions"])
def test_forged_metadata_is_refused_in_one_line(part: str, saved: Path) -> None:
    change_header(saved, **{part: "not json"})
    with pytest.raises(ModelFileError, match="cannot be loaded") as caught:
        read_metadata(saved)
    assert str(saved) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_forged_width_takes_no_memory_before_it_is_refused(saved: Path) -> None:
    from skdqm.persistence import _file

    tree = _file._read(saved)[0]["tree"]
    forged = tree.replace('["hidden_layer_sizes", {"list": [16]}]', "X", 1)
    assert forged != tree
    huge = '["hidden_layer_sizes", {"list": [1000000, 1000000]}]'
    change_header(saved, tree=forged.replace("X", huge, 1))
    with pytest.raises(ModelFileError, match=r"size mismatch|Missing key"):
        load(saved)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ModelFileError, match="not a regular file"):
        load(tmp_path / "pipe")


@pytest.mark.parametrize("kind", ["missing", "folder"])
def test_a_path_that_is_no_file_is_refused(kind: str, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="cannot be read"):
        load(tmp_path if kind == "folder" else tmp_path / "nowhere.skdqm")
