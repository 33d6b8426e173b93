"""Half-space trees of river: arrays over the nodes of all trees, depth first."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from skdqm.persistence._compiled import demand
from skdqm.persistence._river_parts import (
    Parts,
    checked_column,
    checked_counts,
    checked_names,
    checked_seed,
)

COUNTS = ("n_trees", "height", "window_size")
# A tree of more levels has more nodes than memory holds.
HIGHEST = 30


def take_trees(model: Any) -> Parts:
    """Take the trees apart, if there are any yet."""
    limits = {name: (float(low), float(high)) for name, (low, high) in model.limits.items()}
    settings = {name: getattr(model, name) for name in (*COUNTS, "seed")}
    parts = {**settings, "limits": limits}
    return {**parts, **_take_nodes(model)} if model.trees else parts


def _take_nodes(model: Any) -> Parts:
    nodes = list(_nodes(model))
    inner = [node for node in nodes if hasattr(node, "feature")]
    names = list(dict.fromkeys(node.feature for node in inner))
    places = {name: place for place, name in enumerate(names)}
    return {
        "names": names,
        "feature": np.array([places[node.feature] for node in inner], dtype=np.int64),
        "threshold": np.array([node.threshold for node in inner], dtype=np.float64),
        "mass": np.array([node.r_mass for node in nodes], dtype=np.int64),
        "mass_to_come": np.array([node.l_mass for node in nodes], dtype=np.int64),
        "counter": int(model.counter),
        "first_window": bool(model._first_window),  # noqa: SLF001 (river has no other way)
    }


def make_trees(cls: Any, parts: Parts) -> Any:
    """Grow trees of any kind, and set their nodes to what they were."""
    model = cls(**checked_counts(parts, COUNTS), **checked_seed(parts))
    if "names" in parts:
        _check_nodes(parts)
        # The trees of any row have the right form.
        model.learn_one({0: 0.0})
        _set_nodes(model, parts)
        model.counter = parts["counter"]
        model._first_window = parts["first_window"]
        model.limits.clear()
    limits = {name: (low, high) for name, (low, high) in parts["limits"].items()}
    fits = all(isinstance(edge, float) for pair in limits.values() for edge in pair)
    demand(fits, "numbers for limits")
    model.limits.update(limits)
    return model


def _check_nodes(parts: Parts) -> None:
    n_trees, height, window = parts["n_trees"], parts["height"], parts["window_size"]
    demand(0 < height <= HIGHEST and n_trees > 0, f"trees of a height from 1 to {HIGHEST}")
    inner = n_trees * (2**height - 1)
    names = checked_names(parts["names"])
    feature = checked_column(parts, "feature", np.int64, inner)
    demand(bool(((feature >= 0) & (feature < len(names))).all()), "features that have a name")
    checked_column(parts, "threshold", np.float64, inner)
    for name in ("mass", "mass_to_come"):
        mass = checked_column(parts, name, np.int64, n_trees * (2 ** (height + 1) - 1))
        demand(bool((mass >= 0).all()), "masses that are not below zero")
    demand(0 <= parts["counter"] < window, "a number of rows that does not fill the window")
    demand(isinstance(parts["first_window"], bool), "a window that is the first or not")


def _set_nodes(model: Any, parts: Parts) -> None:
    features = [parts["names"][place] for place in parts["feature"].tolist()]
    splits = zip(features, parts["threshold"].tolist(), strict=True)
    masses = zip(parts["mass"].tolist(), parts["mass_to_come"].tolist(), strict=True)
    for node, (mass, mass_to_come) in zip(_nodes(model), masses, strict=True):
        node.r_mass, node.l_mass = mass, mass_to_come
        if hasattr(node, "feature"):
            node.feature, node.threshold = next(splits)


def _nodes(model: Any) -> Iterator[Any]:
    return (node for tree in model.trees for node in tree.iter_dfs())
