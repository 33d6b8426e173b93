"""Compiled objects in model files: equal to the bit, and never built from what does not fit."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import IsolationForest
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import SGDOneClassSVM
from sklearn.metrics import DistanceMetric
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import BallTree, KDTree, KernelDensity, LocalOutlierFactor, NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

from skdqm.datasets import make_detector_data
from skdqm.detectors import PyODDetector, QuantumAutoencoderDetector
from skdqm.exceptions import ModelFileError, UsageError
from skdqm.persistence import load, save
from skdqm.persistence._tree import decode, encode
from skdqm.registry import _PYOD_MEMBERS

X, _ = make_detector_data(300, n_channels=6, random_state=0)
X = X.to_numpy()
ROWS = X[::-1] * 1.01

DETECTORS = [
    EllipticEnvelope(random_state=0),
    GaussianMixture(2, random_state=0),
    IsolationForest(n_estimators=10, random_state=0),
    IsolationForest(n_estimators=10, max_features=3, max_samples=50, random_state=0),
    KernelDensity(),
    LocalOutlierFactor(novelty=True),
    LocalOutlierFactor(novelty=True, algorithm="brute"),
    OneClassSVM(),
    OneClassSVM(kernel="poly", degree=2),
    SGDOneClassSVM(random_state=0),
    make_pipeline(Nystroem(n_components=20, random_state=0), SGDOneClassSVM(random_state=0)),
]


def through_file(value: Any) -> Any:
    arrays: dict[str, Any] = {}
    return decode(json.loads(json.dumps(encode(value, arrays))), arrays)


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda d: type(d).__name__)
def test_outlier_detectors_of_scikit_learn_score_the_same_to_the_bit(
    detector: Any, tmp_path: Path
) -> None:
    save(detector.fit(X), tmp_path / "model")
    back = load(tmp_path / "model")
    np.testing.assert_array_equal(back.score_samples(ROWS), detector.score_samples(ROWS))
    if hasattr(detector, "predict"):
        np.testing.assert_array_equal(back.predict(ROWS), detector.predict(ROWS))


@pytest.mark.parametrize("name", _PYOD_MEMBERS)
def test_models_of_pyod_score_the_same_to_the_bit(name: str, tmp_path: Path) -> None:
    detector = PyODDetector(name, random_state=0).fit(X)
    save(detector, tmp_path / "model")
    back = load(tmp_path / "model")
    np.testing.assert_array_equal(back.score_samples(ROWS), detector.score_samples(ROWS))


def test_the_given_model_is_kept_with_its_parameters(tmp_path: Path) -> None:
    from pyod.models.knn import KNN

    save(PyODDetector(KNN(n_neighbors=3)), tmp_path / "model")
    assert load(tmp_path / "model").get_params()["model__n_neighbors"] == 3


def test_histograms_of_different_numbers_of_bins_come_back(tmp_path: Path) -> None:
    from pyod.models.hbos import HBOS

    detector = PyODDetector(HBOS(n_bins="auto")).fit(X)
    save(detector, tmp_path / "model")
    back = load(tmp_path / "model")
    np.testing.assert_array_equal(back.score_samples(ROWS), detector.score_samples(ROWS))


@pytest.mark.parametrize("name", ["LUNAR", "KPCA"])
def test_a_model_that_is_no_plain_data_is_refused_with_a_way_out(name: str, tmp_path: Path) -> None:
    detector = PyODDetector(name, random_state=0).fit(X)
    with pytest.raises(UsageError, match=f"{name} cannot be saved.*pickle keeps it"):
        save(detector, tmp_path / "model")


@pytest.mark.parametrize("cls", [KDTree, BallTree])
@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev", "minkowski"])
def test_trees_of_neighbours_find_the_same(cls: Any, metric: str) -> None:
    options = {"p": 3} if metric == "minkowski" else {}
    tree = cls(X, leaf_size=7, metric=metric, **options)
    back = through_file(tree)
    for mine, theirs in zip(back.query(ROWS, 5), tree.query(ROWS, 5), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    for mine, theirs in zip(back.get_arrays(), tree.get_arrays(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_weights_of_rows_are_kept() -> None:
    density = KernelDensity().fit(X, sample_weight=np.arange(1.0, len(X) + 1))
    np.testing.assert_array_equal(
        through_file(density).score_samples(ROWS), density.score_samples(ROWS)
    )


def test_a_metric_with_weights_is_refused() -> None:
    metric = DistanceMetric.get_metric("minkowski", p=3, w=np.ones(6))
    with pytest.raises(UsageError, match="pickle keeps it"):
        encode(metric, {})


def test_a_metric_of_another_kind_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^model\['deep'\].* cannot be saved"):
        encode({"deep": BallTree(X[:, :2], metric="haversine")}, {})


def test_nearest_neighbours_and_clusters_come_back() -> None:
    search, clusters = NearestNeighbors().fit(X), KMeans(3, random_state=0).fit(X)
    np.testing.assert_array_equal(
        through_file(search).kneighbors(ROWS)[0], search.kneighbors(ROWS)[0]
    )
    np.testing.assert_array_equal(through_file(clusters).predict(ROWS), clusters.predict(ROWS))


# A forest of one tree, and what a forger may do to its parts.
Nodes = dict[str, Any]


def set_first(name: str, value: float) -> Callable[[Nodes], None]:
    def change(parts: Nodes) -> None:
        parts["nodes"][name][0] = value

    return change


def set_part(name: str, value: Any) -> Callable[[Nodes], None]:
    def change(parts: Nodes) -> None:
        parts[name] = value

    return change


def shorten(parts: Nodes) -> None:
    parts["nodes"]["feature"] = parts["nodes"]["feature"][:-1]


def drop(parts: Nodes) -> None:
    del parts["nodes"]["threshold"]


def close_a_loop(parts: Nodes) -> None:
    left = parts["nodes"]["left_child"]
    left[np.flatnonzero(left > 0)[-1]] = 0


def half_a_leaf(parts: Nodes) -> None:
    nodes = parts["nodes"]
    nodes["right_child"][np.flatnonzero(nodes["left_child"] == -1)[0]] = 1


FORGED_TREES = {
    "a child beyond the end": set_first("left_child", 10**6),
    "a child just beyond the end": lambda parts: set_first(
        "left_child", len(parts["nodes"]["left_child"])
    )(parts),
    "a child before the beginning": set_first("right_child", -5),
    "a node that is its own child": set_first("left_child", 0),
    "a loop": close_a_loop,
    "a leaf with a child": half_a_leaf,
    "a feature beyond the end": set_first("feature", 6),
    "a feature before the beginning": set_first("feature", -3),
    "a field too short": shorten,
    "a field missing": drop,
    "no nodes": lambda parts: parts.update(
        nodes={name: field[:0] for name, field in parts["nodes"].items()},
        values=parts["values"][:0],
    ),
    "fields of another type": lambda parts: parts["nodes"].update(
        feature=parts["nodes"]["feature"].astype(float)
    ),
    "values of too few nodes": lambda parts: parts.update(values=parts["values"][1:]),
    "values of another type": lambda parts: parts.update(values=parts["values"].astype("f4")),
    "classes of another number": set_part("n_classes", np.array([1, 1])),
    "classes below zero": set_part("n_classes", np.array([-1])),
    "no classes": lambda parts: parts.update(
        n_classes=np.array([0]), values=parts["values"][:, :, :0]
    ),
    "classes that are no whole numbers": set_part("n_classes", np.array([1.0])),
    "classes in a table": set_part("n_classes", np.array([[1]])),
    "no features": set_part("n_features", 0),
    "more features than an index counts": set_part("n_features", 2**31),
    "features that are no number": set_part("n_features", "6"),
}


@pytest.mark.parametrize("forgery", FORGED_TREES)
def test_a_forged_decision_tree_is_refused(forgery: str) -> None:
    from skdqm.persistence._compiled import build, kind_of, take

    tree = IsolationForest(n_estimators=1, random_state=0).fit(X).estimators_[0].tree_
    kind = kind_of(tree)
    assert kind is not None
    parts = through_file(take(kind, tree))
    build(kind, parts)
    FORGED_TREES[forgery](parts)
    with pytest.raises((ModelFileError, AttributeError, KeyError)):
        build(kind, parts)


def test_a_decision_tree_comes_back_with_its_depth() -> None:
    from skdqm.persistence._compiled import build, kind_of, take

    tree = IsolationForest(n_estimators=1, random_state=0).fit(X).estimators_[0].tree_
    kind = kind_of(tree)
    assert kind is not None
    found = build(kind, through_file(take(kind, tree)))
    assert (found.max_depth, found.node_count) == (tree.max_depth, tree.node_count)


FORGED_SEARCHES = {
    "weights of too few rows": set_part("sample_weight", np.ones(3)),
    "leaves of no rows": set_part("leaf_size", 0),
    "leaves of more rows than an index counts": set_part("leaf_size", 2**31),
    "rows of another type": set_part("data", np.ones((5, 2), dtype="f4")),
    "no rows": set_part("data", np.ones((0, 2))),
    "a metric that is none": set_part("metric", "euclidean"),
}


@pytest.mark.parametrize("forgery", FORGED_SEARCHES)
def test_a_forged_tree_of_neighbours_is_refused(forgery: str) -> None:
    from skdqm.persistence._compiled import build, take

    parts = take("KDTree", KDTree(X))
    FORGED_SEARCHES[forgery](parts)
    with pytest.raises(ModelFileError):
        build("KDTree", parts)


@pytest.mark.parametrize("leaf_size", [1, 100])
def test_leaves_of_one_row_and_of_many_come_back(leaf_size: int) -> None:
    tree = KDTree(X, leaf_size=leaf_size)
    np.testing.assert_array_equal(through_file(tree).get_arrays()[3], tree.get_arrays()[3])


@pytest.mark.parametrize("rows", [X[:, :1], np.ones((5, 2))], ids=["one feature", "one leaf"])
def test_the_smallest_decision_trees_come_back(rows: Any) -> None:
    forest = IsolationForest(n_estimators=2, random_state=0).fit(rows)
    np.testing.assert_array_equal(
        through_file(forest).score_samples(rows), forest.score_samples(rows)
    )


def test_a_tree_of_one_number_comes_back() -> None:
    assert np.asarray(through_file(KDTree([[3.0]])).data).tolist() == [[3.0]]


@pytest.mark.parametrize("power", [0.5, 1.5, 3.0])
def test_the_power_of_a_metric_is_kept(power: float) -> None:
    metric = DistanceMetric.get_metric("minkowski", p=power)
    np.testing.assert_array_equal(
        through_file(metric).pairwise(ROWS[:9]), metric.pairwise(ROWS[:9])
    )


@pytest.mark.parametrize("power", [0.0, -1.0, np.nan, 3, "3", None])
def test_a_forged_power_of_a_metric_is_refused(power: Any) -> None:
    from skdqm.persistence._compiled import build

    with pytest.raises(ModelFileError, match="expected the power of a metric"):
        build("MinkowskiDistance64", {"p": power})


def forge(name: str, value: Any) -> Callable[[Any], None]:
    return lambda estimator: setattr(estimator, name, value)


def widen_the_trees(forest: Any) -> None:
    forest.estimators_ = IsolationForest(n_estimators=2).fit(np.tile(X, 2)).estimators_


def model_of(name: str) -> Any:
    return PyODDetector(name, random_state=0).fit(X)


FORGED_ESTIMATORS: dict[str, tuple[Callable[[], Any], Callable[[Any], None]]] = {
    "a forest with wider trees": (
        lambda: IsolationForest(n_estimators=2).fit(X),
        widen_the_trees,
    ),
    "a forest that takes fewer columns": (
        lambda: IsolationForest(n_estimators=2).fit(X),
        forge("n_features_in_", 2),
    ),
    "too few coefficients": (lambda: OneClassSVM().fit(X), forge("_dual_coef_", np.ones((1, 2)))),
    "narrow vectors": (lambda: OneClassSVM().fit(X), forge("n_features_in_", 9)),
    "a precomputed kernel": (lambda: OneClassSVM().fit(X), forge("kernel", "precomputed")),
    "sparse vectors": (lambda: OneClassSVM().fit(X), forge("_sparse", True)),
    "probabilities": (lambda: OneClassSVM().fit(X), forge("_probA", np.ones(1))),
    "fewer rows than said": (
        lambda: LocalOutlierFactor(novelty=True).fit(X),
        forge("n_samples_fit_", 10**6),
    ),
    "a tree of other rows": (lambda: NearestNeighbors().fit(X), forge("_tree", KDTree(X[:9]))),
    "squared norms of too few rows": (
        lambda: NearestNeighbors(algorithm="brute").fit(X),
        forge("effective_metric_params_", {"Y_norm_squared": np.zeros(1)}),
    ),
    "a forest of fewer sets of columns than trees": (
        lambda: IsolationForest(n_estimators=2).fit(X),
        lambda forest: forest.estimators_features_.pop(),
    ),
    "too few weights": (
        lambda: SGDOneClassSVM().fit(X),
        forge("coef_", np.zeros(2)),
    ),
    "too few weights to learn": (
        lambda: SGDOneClassSVM(average=True).fit(X),
        forge("_standard_coef", np.zeros(2)),
    ),
    "averages of too few weights": (
        lambda: SGDOneClassSVM(average=True).fit(X),
        forge("_average_coef", np.zeros(0)),
    ),
    "limits that make rows wider": (
        lambda: model_of("HBOS"),
        forge("_low", np.zeros((7, 1, 6))),
    ),
    "narrow centres": (lambda: KMeans(2).fit(X), forge("cluster_centers_", np.ones((2, 1)))),
    "narrow histograms": (lambda: model_of("HBOS"), forge("n_features_in_", 60)),
    "short histograms": (
        lambda: model_of("HBOS"),
        lambda detector: setattr(detector.model_, "hist_", np.ones((2, 6))),
    ),
    "more bins than there are": (
        lambda: model_of("HBOS"),
        lambda detector: setattr(detector.model_, "n_bins", 50),
    ),
    "a narrow sample": (
        lambda: model_of("Sampling"),
        lambda detector: setattr(detector.model_, "subset", np.ones((20, 2))),
    ),
}


@pytest.mark.parametrize("forgery", FORGED_ESTIMATORS)
def test_an_estimator_whose_parts_do_not_fit_is_refused_in_one_line(
    forgery: str, tmp_path: Path
) -> None:
    make, change = FORGED_ESTIMATORS[forgery]
    estimator = make()
    change(estimator)
    save(estimator, tmp_path / "model")
    with pytest.raises(ModelFileError, match="cannot be loaded") as caught:
        load(tmp_path / "model")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["HBOS", "Sampling"])
def test_a_fitted_model_that_counts_no_columns_is_refused_elsewhere(
    name: str, tmp_path: Path
) -> None:
    pipeline = make_pipeline(StandardScaler(), model_of(name).model_)
    save(pipeline, tmp_path / "model")
    with pytest.raises(ModelFileError, match=f"expected a {name} inside of a PyODDetector"):
        load(tmp_path / "model")


def test_a_forged_number_of_qubits_takes_no_memory() -> None:
    pytest.importorskip("pennylane")
    detector = QuantumAutoencoderDetector(n_qubits=1, max_epochs=1, random_state=0).fit(X)
    arrays: dict[str, Any] = {}
    tree = encode(detector, arrays)
    state = tree["estimator"]["state"]
    state["_design_"] = encode({**detector._design_, "latent_dim": 40}, arrays)
    weights = {name: tensor.numpy() for name, tensor in detector.net_.module_.state_dict().items()}
    weights["encoder.4.weight"] = np.zeros((40, 32), dtype="f4")
    weights["encoder.4.bias"] = np.zeros(40, dtype="f4")
    weights["decoder.0.weight"] = np.zeros((32, 40), dtype="f4")
    weights["circuit.layer.weights"] = np.zeros((2, 40, 3), dtype="f4")
    state["_module"] = encode(weights, arrays)
    with pytest.raises(ModelFileError, match="40 qubits, expected 10 at most"):
        decode(tree, arrays)


def test_a_kind_that_is_unknown_is_refused() -> None:
    with pytest.raises(ModelFileError, match="unknown kind of compiled object"):
        decode({"compiled": ["os.system", {}]}, {})
