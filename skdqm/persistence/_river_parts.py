"""What models of river but trees are made of, and the checks of what files say of them."""

from collections.abc import Hashable, Sequence
from itertools import accumulate, pairwise
from math import isfinite
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdqm.exceptions import UsageError
from skdqm.persistence._compiled import demand

Parts = dict[str, Any]


def only_with(fits: bool, model: Any, what: str) -> None:  # noqa: FBT001 (reads as a sentence)
    """Refuse to save a model of a kind that files do not hold."""
    if not fits:
        raise UsageError(
            f"river's {type(model).__name__} cannot be saved: a model file holds it only with "
            f"{what}; pickle keeps it, for readers who trust its writer"
        )


def checked_settings(parts: Parts, names: Sequence[str]) -> Parts:
    """Return settings from a file, which are finite numbers."""
    settings = {name: parts[name] for name in names}
    fits = all(isinstance(value, Real) and isfinite(value) for value in settings.values())
    demand(fits, f"finite numbers for {', '.join(names)}")
    return settings


def checked_counts(parts: Parts, names: Sequence[str]) -> Parts:
    """Return settings from a file that count something."""
    settings = {name: parts[name] for name in names}
    fits = all(isinstance(n, Integral) and 0 <= int(n) < 2**31 for n in settings.values())
    demand(fits, f"whole numbers for {', '.join(names)}")
    return settings


def checked_seed(parts: Parts) -> Parts:
    """Return the seed from a file, which may be none."""
    seed = parts["seed"]
    demand(seed is None or isinstance(seed, Integral), "a whole number for seed, or none")
    return {"seed": seed}


def checked_names(names: Any) -> list[Hashable]:
    """Return names of features from a file."""
    fits = isinstance(names, list) and all(isinstance(name, (int, str)) for name in names)
    demand(fits and len(set(names)) == len(names), "features with names of their own")
    return list(names)


def checked_column(parts: Parts, name: str, dtype: Any, *shape: int) -> NDArray[Any]:
    """Return an array from a file, of a type and a shape that others have set."""
    array = parts[name]
    fits = isinstance(array, np.ndarray) and array.dtype == dtype and array.shape == shape
    demand(fits, f"{name} of shape {shape}")
    demand(bool(np.isfinite(array).all()), f"{name} that are finite")
    return np.asarray(array)


def _named(parts: Parts, *names: str) -> list[dict[Hashable, Any]]:
    """Return columns from a file as dicts by feature."""
    features = checked_names(parts["names"])
    columns = [checked_column(parts, name, np.float64, len(features)) for name in names]
    return [dict(zip(features, column.tolist(), strict=True)) for column in columns]


def take_moments(scaler: Any) -> Parts:
    """Take a StandardScaler apart."""
    only_with(scaler.window_size is None, scaler, "window_size=None")
    names = list(scaler.means)
    columns = {"mean": scaler.means, "n_rows": scaler.counts}
    if scaler.with_std:
        columns["variance"] = scaler.vars
    return {"with_std": scaler.with_std, "names": names, **_arrays(columns, names)}


def _arrays(columns: dict[str, Any], names: list[Hashable]) -> Parts:
    return {
        key: np.array([column[name] for name in names], dtype=np.float64)
        for key, column in columns.items()
    }


def make_moments(cls: Any, parts: Parts) -> Any:
    """Make a StandardScaler."""
    scaler = cls(**checked_settings(parts, ["with_std"]))
    means, counts = _named(parts, "mean", "n_rows")
    _demand_positive(counts, "numbers of rows")
    scaler.means.update(means)
    scaler.counts.update({name: int(count) for name, count in counts.items()})
    if scaler.with_std:
        (variances,) = _named(parts, "variance")
        _demand_positive(variances, "variances")
        scaler.vars.update(variances)
    return scaler


def _demand_positive(column: dict[Hashable, Any], what: str) -> None:
    demand(all(value >= 0 for value in column.values()), f"{what} that are not below zero")


def take_max_min(scaler: Any) -> Parts:
    """Take a MinMaxScaler apart."""
    only_with(scaler.window_size is None, scaler, "window_size=None")
    names = list(scaler.min)
    lowest = {name: scaler.min[name].get() for name in names}
    highest = {name: scaler.max[name].get() for name in names}
    return {"names": names, **_arrays({"lowest": lowest, "highest": highest}, names)}


def make_max_min(cls: Any, parts: Parts) -> Any:
    """Make a MinMaxScaler."""
    scaler = cls()
    lowest, highest = _named(parts, "lowest", "highest")
    for name in lowest:
        scaler.min[name].update(lowest[name])
        scaler.max[name].update(highest[name])
    return scaler


def take_neighbours(model: Any) -> Parts:
    """Take a LocalOutlierFactor apart."""
    engine, usual = model.engine, type(model)().engine
    plain = type(engine) is type(usual) and engine.dist_func is usual.dist_func
    only_with(plain, model, "a LazySearch of Euclidean distances")
    rows = [row for ((row,), *_) in model._nn.window]  # noqa: SLF001 (river has no other way)
    names = list(rows[0]) if rows else []
    only_with(all(list(row) == names for row in rows), model, "rows of the same features")
    return {
        "n_neighbors": model.n_neighbors,
        "window_size": engine.window_size,
        "min_distance_keep": engine.min_distance_keep,
        "names": names,
        "rows": np.array([list(row.values()) for row in rows], dtype=np.float64),
    }


def make_neighbours(cls: Any, parts: Parts) -> Any:
    """Make a LocalOutlierFactor."""
    names, n_rows = checked_names(parts["names"]), len(parts["rows"])
    settings = {
        **checked_counts(parts, ["window_size"]),
        **checked_settings(parts, ["min_distance_keep"]),
    }
    demand(n_rows <= settings["window_size"], "no more rows than the window has")
    # No rows are an empty column.
    shape = (n_rows, len(names)) if n_rows else (0,)
    rows = checked_column(parts, "rows", np.float64, *shape)
    engine = type(cls().engine)(**settings)
    model = cls(**checked_counts(parts, ["n_neighbors"]), engine=engine)
    for row in rows.tolist():
        model.learn_one(dict(zip(names, row, strict=True)))
    return model


def take_machine(model: Any) -> Parts:
    """Take a OneClassSVM apart."""
    usual = type(model)()
    for part in ("optimizer", "initializer", "intercept_lr"):
        cls = type(getattr(usual, part))
        only_with(type(getattr(model, part)) is cls, model, f"a {cls.__name__} as {part}")
    rate = model.optimizer.lr
    only_with(type(rate) is type(usual.optimizer.lr), model, "a constant rate of learning")
    weights = model.weights
    return {
        "nu": model.nu,
        "clip_gradient": model.clip_gradient,
        "rate": rate.learning_rate,
        "intercept_lr": model.intercept_lr.learning_rate,
        "names": list(weights),
        "weight": np.array(list(weights.values()), dtype=np.float64),
        "intercept": float(model.intercept),
        "n_iterations": int(model.optimizer.n_iterations),
    }


def make_machine(cls: Any, parts: Parts) -> Any:
    """Make a OneClassSVM."""
    checked_settings(parts, ["rate", "intercept"])
    checked_counts(parts, ["n_iterations"])
    settings = checked_settings(parts, ["nu", "intercept_lr"])
    clip = parts["clip_gradient"]
    demand(isinstance(clip, (int, float)) and clip > 0, "a number above zero for clip_gradient")
    optimizer = type(cls().optimizer)(parts["rate"])
    model = cls(optimizer=optimizer, clip_gradient=clip, **settings)
    (weights,) = _named(parts, "weight")
    # The class of the weights is river's own, which an empty model has.
    model._weights = type(model._weights)(weights)
    model.intercept, model.optimizer.n_iterations = parts["intercept"], parts["n_iterations"]
    return model


BINS = ("left", "right", "count")


def take_projections(model: Any) -> Parts:
    """Take a LODA apart."""
    settings = {name: getattr(model, name) for name in ("n_bins", "n_random_cuts", "seed")}
    if not model.projections_:
        return settings
    places = {name: place for place, name in enumerate(model.features_)}
    bins = [each for histogram in model.histograms_ for each in histogram]
    return {
        **settings,
        "names": list(model.features_),
        "chosen": np.array([[places[name] for name in cut] for cut in model.projections_]),
        "weight": np.array([list(cut.values()) for cut in model.projections_], dtype=np.float64),
        "n_rows": np.array([histogram.n for histogram in model.histograms_], dtype=np.int64),
        "n_filled": np.array([len(histogram) for histogram in model.histograms_], dtype=np.int64),
        **{key: np.array([getattr(each, key) for each in bins], dtype=np.float64) for key in BINS},
    }


def make_projections(cls: Any, parts: Parts) -> Any:
    """Make a LODA."""
    model = cls(**checked_counts(parts, ["n_bins", "n_random_cuts"]), **checked_seed(parts))
    if "names" in parts:
        names, n_cuts = checked_names(parts["names"]), model.n_random_cuts
        shape = (n_cuts, np.shape(parts["chosen"])[-1])
        chosen = checked_column(parts, "chosen", np.int64, *shape)
        demand(bool(((chosen >= 0) & (chosen < len(names))).all()), "features that have a name")
        weights = checked_column(parts, "weight", np.float64, *shape).tolist()
        model.features_ = names
        model.projections_ = [
            {names[place]: weight for place, weight in zip(*cut, strict=True)}
            for cut in zip(chosen.tolist(), weights, strict=True)
        ]
        model.histograms_ = _histograms(parts, n_cuts, model.n_bins)
    return model


def _histograms(parts: Parts, n_cuts: int, n_bins: int) -> list[Any]:
    from river.sketch import histogram as river

    make_bin: Any = river.Bin  # without types
    make_histogram: Any = river.Histogram
    n_filled = checked_column(parts, "n_filled", np.int64, n_cuts)
    demand(bool(((n_filled >= 0) & (n_filled <= n_bins)).all()), "no more bins than there may be")
    columns = [checked_column(parts, name, np.float64, int(n_filled.sum())) for name in BINS]
    left, right, count = (column.tolist() for column in columns)
    bins = [make_bin(*each) for each in zip(left, right, map(int, count), strict=True)]
    histograms = [make_histogram(max_bins=n_bins) for _ in range(n_cuts)]
    ends = pairwise(accumulate(n_filled.tolist(), initial=0))
    n_rows = checked_column(parts, "n_rows", np.int64, n_cuts).tolist()
    for histogram, (start, stop), number in zip(histograms, ends, n_rows, strict=True):
        histogram.data, histogram.n = bins[start:stop], number
    return histograms


def take_pipeline(pipeline: Any) -> Parts:
    """Take a Pipeline apart."""
    return {"steps": [(str(name), step) for name, step in pipeline.steps.items()]}


def make_pipeline(cls: Any, parts: Parts) -> Any:
    """Make a Pipeline."""
    steps = parts["steps"]
    fits = all(
        isinstance(step, tuple)
        and isinstance(step[0], str)
        and type(step[1]).__module__.startswith("river.")
        for step in steps
    )
    demand(bool(steps) and fits, "steps of river with their names")
    return cls(*steps)
