"""Whether the parts of a loaded estimator fit together, where compiled code relies on it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from skdqm.persistence._compiled import demand

KERNELS = ("linear", "poly", "rbf", "sigmoid")
# What metrics take and check. Others, such as squared norms, are read without counting.
METRIC_PARAMETERS = {"p", "w", "V", "VI"}


def check_fit(name: str, estimator: Any) -> None:
    """Refuse an estimator whose arrays have other shapes than its compiled code takes for granted.

    Parameters
    ----------
    name : str
        What the registry calls it.
    estimator : object
        The estimator, fitted or not.

    Raises
    ------
    ModelFileError
        When something does not fit.
    """
    attribute, check = _CHECKS.get(name, ("", None))
    if check is not None and hasattr(estimator, attribute):
        check(estimator)


def _check_forest(forest: Any) -> None:
    """Trees read the columns that the forest hands them without counting."""
    pairs = list(zip(forest.estimators_, forest.estimators_features_, strict=True))
    for tree, features in pairs:
        fits = tree.tree_.n_features == len(features) <= forest.n_features_in_
        demand(fits, "trees of as many features as they are given")


def _check_tree(tree: Any) -> None:
    demand(tree.tree_.n_features == tree.n_features_in_, "a tree of as many features as it takes")


def _check_support_vectors(machine: Any) -> None:
    n = len(machine.support_)
    shapes = {
        "support_vectors_": (n, machine.n_features_in_),
        "_dual_coef_": (1, n),
        "_intercept_": (1,),
        "_n_support": (2,),
        "_probA": (0,),
        "_probB": (0,),
    }
    for name, shape in shapes.items():
        demand(np.shape(getattr(machine, name)) == shape, f"{name} of shape {shape}")
    demand(machine.kernel in KERNELS and machine._sparse is False, "a kernel of dense rows")  # noqa: SLF001
    demand(tuple(machine.shape_fit_)[1:] == (machine.n_features_in_,), "features of one number")


def _check_neighbours(search: Any) -> None:
    rows = search._fit_X  # noqa: SLF001
    shape = (search.n_samples_fit_, search.n_features_in_)
    demand(np.shape(rows) == shape, f"rows of shape {shape} to search")
    tree = search._tree  # noqa: SLF001
    demand(tree is None or np.shape(tree.data) == shape, f"a tree of shape {shape}")
    known = set(search.effective_metric_params_) <= METRIC_PARAMETERS
    demand(known, f"no parameters of a metric but {', '.join(sorted(METRIC_PARAMETERS))}")


def _check_weights(machine: Any) -> None:
    """Learning goes on in these arrays without counting."""
    shape = (machine.n_features_in_,)
    for name in ("coef_", "_standard_coef", "_average_coef"):
        weights = getattr(machine, name, None)
        demand(weights is None or np.shape(weights) == shape, f"{name} of shape {shape}")


def _check_clusters(clusters: Any) -> None:
    shape = (clusters.n_clusters, clusters.n_features_in_)
    demand(np.shape(clusters.cluster_centers_) == shape, f"centres of shape {shape}")


def _check_pyod(detector: Any) -> None:
    """Other models of PyOD that files hold are of numpy and scikit-learn, which look themselves."""
    shape = (detector.n_features_in_,)
    for name in ("_low", "_high"):
        demand(np.shape(getattr(detector, name)) == shape, f"{name} of shape {shape}")
    check = _TRUSTING.get(type(detector.model_).__name__)
    if check is not None:
        check(detector.model_, detector.n_features_in_)


def _check_histograms(model: Any, n_features: int) -> None:
    automatic = isinstance(model.n_bins, str)
    columns = (lambda each: each) if automatic else np.transpose
    heights, edges = columns(model.hist_), columns(model.bin_edges_)
    demand(len(heights) == len(edges) == n_features, "a histogram of every feature")
    pairs = zip(heights, edges, strict=True)
    demand(all(len(low) == len(high) + 1 for high, low in pairs), "edges of every bin")
    demand(automatic or len(model.hist_) == model.n_bins, "as many bins as said")


def _check_sample(model: Any, n_features: int) -> None:
    demand(np.shape(model.subset)[1:] == (n_features,), "rows of as many features as it takes")


def _check_river(detector: Any) -> None:
    shape = (detector.n_features_in_,)
    for name in ("_location", "_width"):
        demand(np.shape(getattr(detector, name)) == shape, f"{name} of shape {shape}")
    demand(np.shape(detector._bounds) == (2, *shape), "bounds of every feature")  # noqa: SLF001
    model = detector.model_
    known = type(model).__module__.startswith("river.") and hasattr(model, "score_one")
    demand(known, "an anomaly model of river")


def check_place(name: str, value: Any) -> None:
    """Refuse a model that takes rows of any width outside of the detector that counts for it.

    Parameters
    ----------
    name : str
        What the registry calls the estimator.
    value : object
        Something that it holds.

    Raises
    ------
    ModelFileError
        When that is, or contains, such a model, fitted.
    """
    if isinstance(value, (list, tuple, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            check_place(name, item)
    elif name != "pyod" and type(value).__name__ in _TRUSTING:
        fitted = {"hist_", "subset"} & set(vars(value))
        demand(not fitted, f"a {type(value).__name__} inside of a PyODDetector")


# Models whose compiled code takes the number of features for granted.
_TRUSTING: dict[str, Callable[[Any, int], None]] = {
    "HBOS": _check_histograms,
    "Sampling": _check_sample,
}
# The attribute that only a fitted estimator has, and the check.
_CHECKS: dict[str, tuple[str, Callable[[Any], None]]] = {
    "ExtraTreeRegressor": ("tree_", _check_tree),
    "IsolationForest": ("estimators_", _check_forest),
    "KMeans": ("cluster_centers_", _check_clusters),
    "LocalOutlierFactor": ("_fit_X", _check_neighbours),
    "NearestNeighbors": ("_fit_X", _check_neighbours),
    "OneClassSVM": ("support_", _check_support_vectors),
    "SGDOneClassSVM": ("coef_", _check_weights),
    "pyod": ("model_", _check_pyod),
    "river": ("model_", _check_river),
}
