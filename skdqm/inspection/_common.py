"""What displays share: axes, checked arrays, and the way through a Pipeline."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skdqm._pipeline import names_behind, parts_of, through
from skdqm.exceptions import DataError, UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]
# Points of a curve, and of a scatter, that a picture can show.
CURVE_POINTS = 2000
SCATTER_POINTS = 5000


def one_axes(ax: "Axes | None", size: tuple[float, float] = (6.4, 4.2)) -> "Axes":
    """Return the axes to draw in: those given, or those of a new figure."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=size, layout="constrained")[1]


def many_axes(ax: Any, n_rows: int, n_columns: int, size: tuple[float, float]) -> NDArray[Any]:
    """Return axes of shape (n_rows, n_columns): given, new, or parts of the one given."""
    if ax is None:
        import matplotlib.pyplot as plt

        made = plt.subplots(n_rows, n_columns, figsize=size, layout="constrained", squeeze=False)
        return np.asarray(made[1], dtype=object)
    if isinstance(ax, np.ndarray | list | tuple):
        given = np.asarray(ax, dtype=object)
        if given.size != n_rows * n_columns:
            raise UsageError(
                f"ax holds {given.size} axes; expected one, which is divided, or "
                f"{n_rows * n_columns}"
            )
        return given.reshape(n_rows, n_columns)
    return _divided(ax, n_rows, n_columns)


def _divided(ax: "Axes", n_rows: int, n_columns: int) -> NDArray[Any]:
    ax.set_axis_off()
    parts = np.empty((n_rows, n_columns), dtype=object)
    for row, column in np.ndindex(n_rows, n_columns):
        corner = (column / n_columns, 1 - (row + 1) / n_rows)
        parts[row, column] = ax.inset_axes((*corner, 0.78 / n_columns, 0.75 / n_rows))
    return parts


def checked(values: ArrayLike, name: str, n_axes: int = 1) -> Floats:
    """Return finite numbers with `n_axes` axes, and one or more of them."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} are no table of numbers ({error}); expected floats") from error
    if array.ndim != n_axes or array.size == 0:
        raise DataError(f"{name} has the shape {array.shape}; expected {n_axes} axes and values")
    if not np.isfinite(array).all():
        raise DataError(f"{name} holds NaN or infinity; leave out the rows without a value")
    return array


def checked_labels(y: ArrayLike, n_rows: int, *, both: bool = True) -> NDArray[np.bool_]:
    """Return which rows are anomalies, by labels 1 and 0."""
    labels = np.asarray(y)
    if labels.shape != (n_rows,):
        raise DataError(f"labels have the shape {labels.shape}; expected one per row, {n_rows}")
    found = set(np.unique(labels).tolist())
    if not found <= {0, 1} or (both and len(found) < 2):
        raise DataError(f"labels are {sorted(found)}; expected 1 = anomaly and 0 = normal")
    return labels == 1


def last_step(estimator: Any, method: str) -> Any:
    """Return the detector at the end of a Pipeline, which needs an attribute."""
    detector = parts_of(estimator)[1]
    if not hasattr(detector, method):
        raise UsageError(
            f"{type(detector).__name__} has no {method}; this display needs a fitted detector "
            "that has it"
        )
    return detector


def rows_for(estimator: Any, method: str, X: Any) -> tuple[Any, Any]:
    """Return the detector at the end of a Pipeline, and rows as it takes them."""
    return last_step(estimator, method), through(parts_of(estimator)[0], X)


def threshold_of(estimator: Any) -> float | None:
    """Return the anomaly score above which an estimator flags, if it says."""
    offset = getattr(parts_of(estimator)[1], "offset_", None)
    return None if offset is None else -float(offset)


def names_of(estimator: Any, X: Any, n_columns: int) -> list[str]:
    """Return the names of columns as the detector takes them, made up where there are none."""
    names = names_behind(parts_of(estimator)[0], X)
    return checked_names(names if len(names) == n_columns else None, n_columns)


def thinned(n_points: int, most: int = CURVE_POINTS) -> NDArray[np.intp]:
    """Return which points of a curve to draw: half evenly, half closer to the left end."""
    if n_points <= most:
        return np.arange(n_points)
    last = n_points - 1
    places = [np.linspace(0, last, most // 2), np.geomspace(1, last, most // 2)]
    return np.unique(np.concatenate(places).round().astype(np.intp))


def checked_names(names: Sequence[str] | None, n_names: int, letter: str = "x") -> list[str]:
    """Return names, made up if there are none."""
    given = [f"{letter}{place}" for place in range(n_names)] if names is None else list(names)
    if len(given) != n_names:
        raise UsageError(f"names are {len(given)}; expected {n_names}")
    return [str(name) for name in given]
