"""Objects of compiled classes as plain data, and the checks under which they are built again.

Compiled code does not look where it reads: a forged number would read foreign memory, or never come
to an end. So whatever reaches it from a file is measured first.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skdqm.exceptions import ModelFileError, UsageError

Parts = dict[str, Any]
LEAF = -1


class Kind(NamedTuple):
    """How objects of one compiled class are taken apart and built.

    Attributes
    ----------
    module, name : str
        Where scikit-learn keeps the class.
    take : callable
        Maps an object to its parts: numbers, arrays and objects of other kinds.
    build : callable
        Maps the class and the parts to an object, or raises.
    """

    module: str
    name: str
    take: Callable[[Any], Parts]
    build: Callable[[Any, Parts], Any]


def kind_of(value: object) -> str | None:
    """Return the name of the kind that an object is of, None if it is of none."""
    cls = type(value)
    return _NAMES.get((cls.__module__, cls.__qualname__))


def take(kind: str, value: Any) -> Parts:
    """Return the parts of an object.

    Parameters
    ----------
    kind : str
        What :func:`kind_of` says.
    value : object
        The object.

    Returns
    -------
    parts : dict
        What :func:`build` takes.
    """
    return _KINDS[kind].take(value)


def build(kind: str, parts: Parts) -> Any:
    """Build an object from its parts.

    Parameters
    ----------
    kind : str
        What :func:`kind_of` said.
    parts : dict
        What :func:`take` returned.

    Returns
    -------
    value : object
        An object that computes as the first one did.

    Raises
    ------
    ModelFileError
        When the parts do not fit together.
    """
    if kind not in _KINDS:
        raise ModelFileError(f"the model holds an unknown kind of compiled object, {kind!r}")
    found = _KINDS[kind]
    return found.build(getattr(import_module(found.module), found.name), parts)


def demand(fits: bool, what: str) -> None:  # noqa: FBT001 (reads as a sentence)
    """Refuse a file in which something does not fit.

    Parameters
    ----------
    fits : bool
        Whether it does.
    what : str
        What was expected.

    Raises
    ------
    ModelFileError
        When it does not.
    """
    if not fits:
        raise ModelFileError(f"a forged or damaged part: expected {what}")


def _take_tree(tree: Any) -> Parts:
    _, (n_features, n_classes, _), state = tree.__reduce__()
    nodes = state["nodes"]
    return {
        "n_features": int(n_features),
        "n_classes": np.asarray(n_classes),
        "nodes": {name: np.ascontiguousarray(nodes[name]) for name in nodes.dtype.names},
        "values": state["values"],
    }


def _build_tree(cls: Any, parts: Parts) -> Any:
    n_features, n_classes, values = parts["n_features"], parts["n_classes"], parts["values"]
    demand(_is_count(n_features), "a tree of at least one feature")
    fits = n_classes.dtype == np.intp and n_classes.ndim == 1 and n_classes.min() > 0
    demand(bool(fits), "numbers of classes of a tree")
    nodes = _packed(cls, parts["nodes"])
    shape = (len(nodes), len(n_classes), n_classes.max())
    demand(values.dtype == np.float64 and values.shape == shape, "a value for every node")
    depth = _checked_depth(nodes, n_features)
    tree = cls(n_features, n_classes, len(n_classes))
    values = np.ascontiguousarray(values)
    state = {"max_depth": depth, "node_count": len(nodes), "nodes": nodes, "values": values}
    tree.__setstate__(state)
    return tree


def _packed(cls: Any, columns: dict[str, NDArray[Any]]) -> NDArray[Any]:
    """Return nodes as scikit-learn has them, from one array for each of their fields."""
    smallest = cls(1, np.ones(1, dtype=np.intp), 1)
    dtype = smallest.__reduce__()[2]["nodes"].dtype
    demand(set(columns) == set(dtype.names), f"nodes of {', '.join(dtype.names)}")
    nodes = np.zeros(columns["feature"].shape, dtype)
    for name, column in columns.items():
        same = column.dtype == dtype[name] and column.shape == nodes.shape
        demand(same, f"the {name} of every node")
        nodes[name] = column
    demand(nodes.ndim == 1 and len(nodes) > 0, "a row of nodes")
    return nodes


def _checked_depth(nodes: NDArray[Any], n_features: int) -> int:
    """Return the depth of a tree in which every path leads down and ends."""
    left, right, feature = nodes["left_child"], nodes["right_child"], nodes["feature"]
    inner = np.flatnonzero(left != LEAF)
    demand(bool((right[left == LEAF] == LEAF).all()), "leaves without children")
    for child in (left[inner], right[inner]):
        within = (child > inner) & (child < len(nodes))
        demand(bool(within.all()), "children of a tree behind their parents")
    used = feature[inner]
    demand(bool(((used >= 0) & (used < n_features)).all()), "features that a tree has")
    return _depth(inner.tolist(), left.tolist(), right.tolist())


def _depth(inner: list[int], left: list[int], right: list[int]) -> int:
    depth = [0] * len(left)
    for parent in inner:
        for child in (left[parent], right[parent]):
            depth[child] = max(depth[child], depth[parent] + 1)
    return max(depth)


def _take_neighbours(tree: Any) -> Parts:
    state = tree.__getstate__()
    metric = next(part for part in state if hasattr(part, "pairwise"))
    weights = tree.sample_weight
    return {
        "data": np.asarray(tree.data),
        "leaf_size": int(state[4]),
        "metric": metric,
        "sample_weight": None if weights is None else np.asarray(weights),
    }


def _build_neighbours(cls: Any, parts: Parts) -> Any:
    data, weights = parts["data"], parts["sample_weight"]
    demand(data.dtype == np.float64 and data.ndim == 2 and data.size > 0, "rows to search")
    # Their number decides how much memory the tree takes.
    demand(_is_count(parts["leaf_size"]), "leaves of at least one row")
    if weights is not None:
        fits = weights.dtype == np.float64 and weights.shape == (len(data),)
        demand(fits, "a weight for every row")
    metric = parts["metric"]
    demand(kind_of(metric) in _METRICS, "a metric")
    return cls(data, leaf_size=parts["leaf_size"], metric=metric, sample_weight=weights)


def _take_power(metric: Any) -> Parts:
    power, weights, _ = metric.__getstate__()
    if np.size(weights):
        raise UsageError("a metric with weights cannot be saved; pickle keeps it")
    return {"p": float(power)}


def _build_power(cls: Any, parts: Parts) -> Any:
    demand(isinstance(parts["p"], float) and parts["p"] > 0, "the power of a metric")
    return cls(parts["p"])


def _is_count(value: object) -> bool:
    return isinstance(value, int) and 0 < value < 2**31


_PLAIN_METRICS = ("EuclideanDistance64", "ManhattanDistance64", "ChebyshevDistance64")
_METRICS = {
    **{
        name: Kind("sklearn.metrics._dist_metrics", name, lambda _: {}, lambda cls, _: cls())
        for name in _PLAIN_METRICS
    },
    "MinkowskiDistance64": Kind(
        "sklearn.metrics._dist_metrics", "MinkowskiDistance64", _take_power, _build_power
    ),
}
_KINDS = {
    **_METRICS,
    "Tree": Kind("sklearn.tree._tree", "Tree", _take_tree, _build_tree),
    "KDTree": Kind("sklearn.neighbors._kd_tree", "KDTree", _take_neighbours, _build_neighbours),
    "BallTree": Kind(
        "sklearn.neighbors._ball_tree", "BallTree", _take_neighbours, _build_neighbours
    ),
    "Hinge": Kind(
        "sklearn.linear_model._sgd_fast",
        "Hinge",
        lambda hinge: {"threshold": float(hinge.__reduce__()[1][0])},
        lambda cls, parts: cls(float(parts["threshold"])),
    ),
}
_NAMES = {(kind.module, kind.name): name for name, kind in _KINDS.items()}
