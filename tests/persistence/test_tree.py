"""Trees: every value that an estimator may hold comes back as it was."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from river.drift import ADWIN, KSWIN, PageHinkley
from river.drift.binary import DDM

from skdqm.continual import ContinualDetector
from skdqm.drift import DriftMonitor
from skdqm.exceptions import ModelFileError, UsageError
from skdqm.persistence._tree import decode, encode

leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=4)
    ),
    max_leaves=10,
)
numbers = hnp.arrays(
    st.sampled_from([np.dtype(name) for name in ("f8", "f4", "i8", "u1", "?", ">f8")]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)


def through_json(value: Any) -> Any:
    arrays: dict[str, Any] = {}
    tree = json.loads(json.dumps(encode(value, arrays), allow_nan=False))
    return decode(tree, arrays)


@given(values)
def test_plain_values_come_back_with_their_types(value: Any) -> None:
    back = through_json(value)
    assert back == value
    assert type(back) is type(value)


@given(numbers)
def test_arrays_come_back_to_the_bit(value: Any) -> None:
    back = through_json(value)
    np.testing.assert_array_equal(back, value)
    assert back.dtype == value.dtype.newbyteorder("=")
    assert back.shape == value.shape


@pytest.mark.parametrize("value", [float("inf"), float("-inf")])
def test_infinite_parameters_survive_json(value: float) -> None:
    assert through_json(value) == value


def test_nan_parameters_survive_json() -> None:
    assert np.isnan(through_json(float("nan")))


@pytest.mark.parametrize(
    "value", [np.float64(1.5), np.int64(3), np.bool_(True)], ids=["float", "int", "bool"]
)
def test_numpy_numbers_keep_their_type(value: Any) -> None:
    back = through_json(value)
    assert back == value
    assert type(back) is type(value)


def test_the_order_of_memory_is_kept() -> None:
    assert through_json(np.asfortranarray(np.ones((3, 2)))).flags.f_contiguous


def test_names_of_features_come_back_as_objects() -> None:
    back = through_json(np.array(["pt", "eta"], dtype=object))
    assert back.dtype == object
    assert back.tolist() == ["pt", "eta"]


def test_types_and_slices_come_back() -> None:
    assert through_json(np.float32) is np.float32
    assert through_json(np.dtype("f4")) == np.dtype("f4")
    assert through_json(slice(1, None, 2)) == slice(1, None, 2)


@pytest.mark.parametrize(
    "value", [print, object(), {1, 2}, np.array([1j]), np.array([object()]), lambda: 0]
)
def test_what_is_not_plain_data_is_refused_with_the_place(value: Any) -> None:
    with pytest.raises(UsageError, match=r"model\['deep'\]\[0\] cannot be saved"):
        encode({"deep": [value]}, {})


@pytest.mark.parametrize("tree", [{}, {"a": 1, "b": 2}, {"pickle": "gASV"}])
def test_unknown_kinds_of_value_are_refused(tree: Any) -> None:
    with pytest.raises(ModelFileError):
        decode(tree, {})


def test_an_array_has_one_place_so_that_a_small_file_takes_little_memory() -> None:
    named = {"array": {"name": "array0", "order": "C"}}
    with pytest.raises(ModelFileError, match="an array that has no other place"):
        decode({"list": [named, named]}, {"array0": np.zeros(3)})


@pytest.mark.parametrize("kind", ["dtype", "type"])
@pytest.mark.parametrize("name", ["O", "V1000000000", "f8,f8"])
def test_types_of_anything_but_numbers_are_refused(kind: str, name: str) -> None:
    with pytest.raises(ModelFileError, match="a type of numbers"):
        decode({kind: name}, {})


@pytest.mark.parametrize("attribute", ["__class__", "contamination"])
def test_a_file_cannot_overwrite_what_is_not_state(attribute: str) -> None:
    content = {"class": "autoencoder", "parameters": {"contamination": 0.1}}
    tree = {"estimator": {**content, "state": {attribute: 1}}}
    with pytest.raises(ModelFileError, match="must not"):
        decode(tree, {})


@pytest.mark.parametrize(
    "river",
    [ADWIN(delta=0.01, clock=1), KSWIN(alpha=0.01, seed=3), PageHinkley(threshold=9.0), DDM()],
)
def test_drift_detectors_of_river_come_back_with_their_settings(river: Any) -> None:
    monitor = DriftMonitor(river, block_size=8).fit(np.random.default_rng(0).normal(size=200))
    monitor.update(np.random.default_rng(1).normal(size=100))
    back = through_json(monitor)
    assert str(back.detector) == str(river)
    rest = np.random.default_rng(2).normal(1, 1, size=400)
    assert back.update(rest).drift_positions_ == monitor.update(rest).drift_positions_
    assert through_json(ContinualDetector(drift=monitor)).drift.detector is not river


def test_nothing_but_a_drift_detector_is_made_of_settings() -> None:
    with pytest.raises(ModelFileError, match="expected a drift detector of river"):
        decode({"river": ["StandardScaler", {}]}, {})
