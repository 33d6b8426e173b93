"""The steps of a Pipeline, and what columns are called behind them."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The steps of a Pipeline, or some of them.
Steps = list[tuple[str, Any]]


def parts_of(estimator: Any) -> tuple[Steps, Any]:
    """Return the steps of a Pipeline before the last one, without those left out, and that."""
    steps = getattr(estimator, "steps", [("", estimator)])
    kept = [(name, step) for name, step in steps[:-1] if step not in (None, "passthrough")]
    return kept, steps[-1][1]


def through(steps: Steps, rows: Any) -> Any:
    """Send rows through fitted steps."""
    for _, step in steps:
        rows = step.transform(rows)
    return rows


def unscaled(steps: Steps) -> Steps:
    """Return the steps without the last ones that only rescale each column."""
    from sklearn.base import OneToOneFeatureMixin

    n_steps = len(steps)
    while n_steps and isinstance(steps[n_steps - 1][1], OneToOneFeatureMixin):
        n_steps -= 1
    return steps[:n_steps]


def before_scaling(steps: Steps, *arrays: "NDArray[Any]") -> "list[NDArray[Any]]":
    """Take arrays back to in front of the last steps that only rescale and can undo it.

    Parameters
    ----------
    steps : list of (str, object)
        Fitted steps.
    *arrays : ndarray of shape (n_rows, n_features)
        As the steps give them.

    Returns
    -------
    arrays : list of ndarray of shape (n_rows, n_features)
        In the units of columns there; a step that would make values not finite is not undone.
    """
    import numpy as np

    found = list(arrays)
    for _, step in reversed(steps):
        if not _can_undo(step):
            break
        with np.errstate(all="ignore"):
            undone = [_undone(step, array) for array in found]
        if not all(np.isfinite(array).all() for array in undone):
            break
        found = undone
    return found


def _can_undo(step: Any) -> bool:
    from sklearn.base import OneToOneFeatureMixin
    from sklearn.preprocessing import FunctionTransformer

    if isinstance(step, FunctionTransformer):
        # Without the inverse of its function it calls rows their own inverse.
        return step.func is None or step.inverse_func is not None
    return isinstance(step, OneToOneFeatureMixin) and hasattr(step, "inverse_transform")


def _undone(step: Any, array: "NDArray[Any]") -> "NDArray[Any]":
    import numpy as np

    names = getattr(step, "feature_names_in_", None)
    if names is None:
        return np.asarray(step.inverse_transform(array))
    import pandas as pd

    return np.asarray(step.inverse_transform(pd.DataFrame(array, columns=names)))


def names_behind(steps: Steps, rows: Any) -> list[str]:
    """Return the names of the columns behind some steps, none where they are not known."""
    names = list(getattr(rows, "columns", []))
    for _, step in steps:
        try:
            names = list(step.get_feature_names_out(names or None))
        except (AttributeError, ValueError):
            names = []
    return [str(name) for name in names]


def name_of(column: int, steps: Steps, rows: Any) -> str:
    """Return the name of a column behind some steps."""
    names = names_behind(steps, rows)
    return names[column] if column < len(names) else f"x{column}"
