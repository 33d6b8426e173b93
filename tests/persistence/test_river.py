"""Anomaly models of river in model files: they go on as they were, and forgeries are refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from river import anomaly, compose, neighbors, optim, preprocessing
from river.anomaly import LODA, HalfSpaceTrees, LocalOutlierFactor, OneClassSVM

from skdqm.detectors import RiverDetector
from skdqm.exceptions import ModelFileError, UsageError
from skdqm.persistence import load, save
from skdqm.persistence._file import _read
from skdqm.persistence._river import make, take
from skdqm.persistence._tree import decode, encode

RNG = np.random.default_rng(0)
X, MORE, ROWS = (RNG.normal(size=(n, 4)) for n in (120, 80, 40))
TREES = HalfSpaceTrees(n_trees=3, height=4, window_size=50)

MODELS = {
    "the default": None,
    "trees": TREES,
    "trees with limits": HalfSpaceTrees(window_size=50, limits={0: (-1.0, 2.0), 3: (-5.0, 5.0)}),
    "trees of one level": HalfSpaceTrees(n_trees=1, height=1, window_size=50),
    "scaled trees": preprocessing.MinMaxScaler() | TREES,
    "projections": LODA(n_random_cuts=7),
    "neighbours": LocalOutlierFactor(5, neighbors.LazySearch(window_size=60)),
    "a machine": OneClassSVM(nu=0.2, optimizer=optim.SGD(0.1), intercept_lr=0.1),
    "a machine that clips much": OneClassSVM(clip_gradient=0.5),
    "a machine that clips nothing": OneClassSVM(clip_gradient=float("inf")),
    "a scaled machine": preprocessing.StandardScaler() | OneClassSVM(),
    "a centred machine": preprocessing.StandardScaler(with_std=False) | OneClassSVM(),
    "two scalers with names": compose.Pipeline(
        ("centre", preprocessing.StandardScaler()),
        ("range", preprocessing.MinMaxScaler()),
        ("trees", TREES),
    ),
    "a name": "loda",
}
each_model = pytest.mark.parametrize("name", MODELS)


def through_json(value: Any) -> Any:
    arrays: dict[str, Any] = {}
    tree = json.loads(json.dumps(encode(value, arrays), allow_nan=False))
    return decode(tree, arrays)


def fitted(model: Any) -> RiverDetector:
    return RiverDetector(model, scale=False, random_state=0).fit(X)


@each_model
def test_it_scores_and_goes_on_learning_to_the_bit(name: str, tmp_path: Path) -> None:
    detector = fitted(MODELS[name])
    save(detector, tmp_path / "model")
    back = load(tmp_path / "model")
    save(back, tmp_path / "again")
    assert _read(tmp_path / "again")[0]["sha256"] == _read(tmp_path / "model")[0]["sha256"]
    assert repr(back.model_) == repr(detector.model_)
    steps, expected = (list(getattr(each.model_, "steps", ())) for each in (back, detector))
    assert steps == expected
    np.testing.assert_array_equal(back.score_samples(ROWS), detector.score_samples(ROWS))
    for start in range(0, len(MORE), 20):
        block = MORE[start : start + 20]
        detector.partial_fit(block)
        back.partial_fit(block)
        np.testing.assert_array_equal(back.score_samples(ROWS), detector.score_samples(ROWS))
    assert back.predict(ROWS).tolist() == detector.predict(ROWS).tolist()


@each_model
def test_one_that_was_not_fitted_is_fitted_to_the_same(name: str, tmp_path: Path) -> None:
    save(RiverDetector(MODELS[name], random_state=0), tmp_path / "model")
    expected = RiverDetector(MODELS[name], random_state=0).fit(X).score_samples(ROWS)
    back = load(tmp_path / "model")
    assert repr(back.model) == repr(MODELS[name])
    np.testing.assert_array_equal(back.fit(X).score_samples(ROWS), expected)


@each_model
def test_it_is_fitted_anew_to_the_same(name: str) -> None:
    detector = fitted(MODELS[name])
    back = through_json(detector).fit(MORE)
    np.testing.assert_array_equal(back.score_samples(ROWS), detector.fit(MORE).score_samples(ROWS))


@given(
    st.integers(1, 4), st.integers(1, 5), st.integers(1, 30), st.integers(0, 70), st.integers(0, 9)
)
def test_trees_of_any_form_come_back_at_any_time(
    n_trees: int, height: int, window_size: int, n_learned: int, seed: int
) -> None:
    model = HalfSpaceTrees(n_trees, height, window_size, seed=seed)
    rows = [dict(enumerate(row)) for row in X.tolist()]
    for x in rows[:n_learned]:
        model.learn_one(x)
    back = through_json(model)
    for x in rows[n_learned : n_learned + 40]:
        assert back.score_one(x) == model.score_one(x)
        model.learn_one(x)
        back.learn_one(x)


@pytest.mark.parametrize("n_learned", [0, 1, 2])
def test_neighbours_of_the_first_rows_come_back(n_learned: int) -> None:
    model = LocalOutlierFactor(2)
    rows = [dict(enumerate(row)) for row in X.tolist()]
    for x in rows[:n_learned]:
        model.learn_one(x)
    back = through_json(model)
    for x in rows[n_learned:20]:
        model.learn_one(x)
        back.learn_one(x)
    assert back.score_one(rows[30]) == model.score_one(rows[30])


def test_a_column_that_never_changed_is_kept_with_its_scaler() -> None:
    constant = np.column_stack([X[:, 0], np.ones(len(X))])
    model = MODELS["a scaled machine"]
    detector = RiverDetector(model, scale=False, random_state=0).fit(constant)
    found = through_json(detector).score_samples(constant)
    np.testing.assert_array_equal(found, detector.score_samples(constant))


def test_nothing_in_the_file_is_a_class_of_python(tmp_path: Path) -> None:
    save(fitted(MODELS["two scalers with names"]), tmp_path / "model")
    content = (tmp_path / "model").read_bytes()
    assert b"river.HalfSpaceTrees" in content
    assert b"river.anomaly" not in content


UNUSUAL: dict[str, tuple[Any, str]] = {
    "a model of a column": (
        anomaly.StandardAbsoluteDeviation(),
        "StandardAbsoluteDeviation cannot be saved: of river, a model file holds HalfSpaceTrees",
    ),
    "a filter": (anomaly.QuantileFilter(TREES, q=0.9), "QuantileFilter cannot be saved"),
    "a search in a graph": (
        LocalOutlierFactor(5, neighbors.SWINN()),
        "LocalOutlierFactor cannot be saved: .* only with a LazySearch of Euclidean distances",
    ),
    "another distance": (
        LocalOutlierFactor(5, neighbors.LazySearch(dist_func=max)),
        "only with a LazySearch of Euclidean distances",
    ),
    "another optimizer": (
        OneClassSVM(optimizer=optim.Adam()),
        "OneClassSVM cannot .* a SGD as optimizer",
    ),
    "another rate": (
        OneClassSVM(optimizer=optim.SGD(optim.schedulers.InverseScaling(0.1))),
        "OneClassSVM cannot be saved: .* only with a constant rate",
    ),
    "a window that scales": (
        preprocessing.StandardScaler(window_size=9) | OneClassSVM(),
        "StandardScaler cannot be saved: .* only with window_size=None",
    ),
    "another window that scales": (
        preprocessing.MinMaxScaler(window_size=9) | OneClassSVM(),
        "MinMaxScaler cannot be saved: .* only with window_size=None",
    ),
    "a function": (compose.FuncTransformer(dict) | OneClassSVM(), "FuncTransformer cannot be sav"),
}


@pytest.mark.parametrize("case", UNUSUAL)
def test_what_a_file_does_not_hold_is_refused_with_a_way_out(case: str, tmp_path: Path) -> None:
    model, message = UNUSUAL[case]
    with pytest.raises(UsageError, match=message) as caught:
        save(RiverDetector(model), tmp_path / "model")
    assert "pickle keeps it" in str(caught.value)
    assert not (tmp_path / "model").exists()


def test_rows_of_different_features_are_refused() -> None:
    model = LocalOutlierFactor(2)
    model.learn_one({0: 1.0})
    model.learn_one({1: 1.0})
    with pytest.raises(UsageError, match=r"LocalOutlierFactor cannot .* rows of the same features"):
        encode(model, {})


# What a forger may do to the parts of a model.
Change = Callable[[dict[str, Any]], object]


def put(name: str, value: Any) -> Change:
    return lambda parts: parts.update({name: value})


def first(name: str, value: Any) -> Change:
    def change(parts: dict[str, Any]) -> None:
        parts[name].flat[0] = value

    return change


def past_the_last(name: str) -> Change:
    return lambda parts: first(name, len(parts["names"]))(parts)


def without_nodes(n_trees: int, height: int) -> Change:
    """Return a change to trees of no inner nodes, whose arrays fit."""

    def change(parts: dict[str, Any]) -> None:
        n_nodes = n_trees * (2 ** (height + 1) - 1)
        kept = {name: parts[name][:n_nodes] for name in ("mass", "mass_to_come")}
        none = {name: parts[name][:0] for name in ("feature", "threshold")}
        parts.update(n_trees=n_trees, height=height, **kept, **none)

    return change


def shorter(name: str) -> Change:
    return lambda parts: parts.update({name: parts[name][:-1]})


def retyped(name: str, dtype: str) -> Change:
    return lambda parts: parts.update({name: parts[name].astype(dtype)})


FORGERIES: dict[str, dict[str, Change]] = {
    "trees": {
        "more levels than memory holds": put("height", 60),
        "no levels": without_nodes(3, 0),
        "no trees": without_nodes(0, 4),
        "more levels than there are nodes": put("height", 5),
        "more trees than there are nodes": put("n_trees", 10**9),
        "trees that are no number": put("n_trees", "3"),
        "half a window": put("window_size", 50.5),
        "half a level": put("height", 4.0),
        "a feature beyond the end": past_the_last("feature"),
        "a feature before the beginning": first("feature", -1),
        "a threshold that is none": first("threshold", np.nan),
        "a mass below zero": first("mass", -1),
        "masses of another type": retyped("mass", "f8"),
        "too few masses": shorter("mass_to_come"),
        "names of the same": put("names", [0, 0, 0, 0]),
        "names that are none": put("names", [[1], 2, 3, 4]),
        "a window that never ends": put("counter", 50),
        "a count that is none": put("counter", "0"),
        "a window that is neither": put("first_window", 2),
        "a nested setting": put("seed", [1]),
        "limits that are none": put("limits", {0: 3}),
        "limits that are no numbers": put("limits", {0: ("low", "high")}),
    },
    "projections": {
        "more cuts than there are": put("n_random_cuts", 10**9),
        "a feature beyond the end": past_the_last("chosen"),
        "a weight that is none": first("weight", np.inf),
        "more bins than there are": first("n_filled", 9),
        "more bins than there may be": put("n_bins", 1),
        "fewer than no bins": first("n_filled", -1),
        "too few edges": shorter("left"),
        "counts of too few": shorter("n_rows"),
        "cuts in one row": lambda parts: parts.update(chosen=parts["chosen"].ravel()),
    },
    "neighbours": {
        "more rows than the window has": put("window_size", 3),
        "rows of another width": put("rows", np.ones((9, 3))),
        "rows of another type": retyped("rows", "f4"),
        "rows that are not finite": first("rows", np.nan),
        "a window that is none": put("window_size", "60"),
        "neighbours that are none": put("n_neighbors", [5]),
        "half a neighbour": put("n_neighbors", 2.5),
        "no number of neighbours": put("n_neighbors", None),
        "more neighbours than a C long counts": put("n_neighbors", 2**63),
    },
    "a machine": {
        "a rate that is none": put("rate", [0.1]),
        "too few weights": shorter("weight"),
        "weights that are not finite": first("weight", np.nan),
        "an intercept that is none": put("intercept", "1"),
        "an intercept that makes all scores NaN": put("intercept", np.nan),
        "no rate": put("rate", None),
        "a clip that turns around": put("clip_gradient", -1.0),
        "a clip of everything": put("clip_gradient", 0.0),
        "half an iteration": put("n_iterations", 0.5),
    },
}


@pytest.mark.parametrize(
    ("name", "forgery"), [(name, forgery) for name, all_ in FORGERIES.items() for forgery in all_]
)
def test_a_forged_model_is_refused(name: str, forgery: str) -> None:
    kind, parts = take(fitted(MODELS[name]).model_)
    parts = through_json(parts)
    make(kind, dict(parts))
    FORGERIES[name][forgery](parts)
    with pytest.raises((ModelFileError, TypeError, KeyError)):
        make(kind, parts)


FORGED_SCALERS: dict[str, Change] = {
    "too few means": shorter("mean"),
    "no variance": lambda parts: parts.pop("variance"),
    "rows that are not finite": first("n_rows", np.inf),
    "fewer than no rows": first("n_rows", -1.0),
    "a variance whose root is not real": first("variance", -1.0),
    "names of nothing": put("names", "abcd"),
}


@pytest.mark.parametrize("forgery", FORGED_SCALERS)
def test_a_forged_scaler_is_refused(forgery: str) -> None:
    kind, parts = take(fitted(MODELS["a scaled machine"]).model_["StandardScaler"])
    FORGED_SCALERS[forgery](parts)
    with pytest.raises((ModelFileError, KeyError)):
        make(kind, parts)


@pytest.mark.parametrize(
    "steps", [[], [("a", 1.0)], [(1, preprocessing.StandardScaler())], [print], "ab"]
)
def test_a_pipeline_of_anything_else_is_refused(steps: Any) -> None:
    with pytest.raises((ModelFileError, TypeError, IndexError)):
        make("river.Pipeline", {"steps": steps})


@pytest.mark.parametrize(
    "name", ["river.ADWIN", "HalfSpaceTrees", "StandardScaler", "os.system", "river.river.LODA"]
)
def test_a_model_of_another_name_is_refused(name: str) -> None:
    with pytest.raises((ModelFileError, UsageError)):
        decode({"river_model": [name, {"n_bins": 3, "n_random_cuts": 3, "seed": 1}]}, {})


@pytest.mark.parametrize("name", ["river.HalfSpaceTrees", "river.ADWIN", "river.Pipeline"])
def test_a_model_is_no_estimator_that_takes_any_attribute(name: str) -> None:
    content = {"class": name, "parameters": {}, "state": {"trees": 3}}
    with pytest.raises(ModelFileError, match="expected an estimator"):
        decode({"estimator": content}, {})


FORGED_DETECTORS: dict[str, tuple[str, Any]] = {
    "a model of another kind": ("model_", 3.0),
    "a scaler for a model": ("model_", preprocessing.StandardScaler()),
    "narrow widths": ("_width", np.ones(3)),
    "widths that make rows wider": ("_location", np.zeros((7, 1, 4))),
    "bounds of too few": ("_bounds", np.zeros((2, 3))),
}


@pytest.mark.parametrize("forgery", FORGED_DETECTORS)
def test_a_detector_whose_parts_do_not_fit_is_refused(forgery: str, tmp_path: Path) -> None:
    detector = fitted(TREES)
    setattr(detector, *FORGED_DETECTORS[forgery])
    save(detector, tmp_path / "model")
    with pytest.raises(ModelFileError, match="cannot be loaded") as caught:
        load(tmp_path / "model")
    assert "\n" not in str(caught.value)
