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


def before_scaling(steps: Steps, rows: "NDArray[Any]") -> "tuple[Steps, NDArray[Any]]":
    """Take rows back to in front of the last steps that only rescale and can undo it.

    Parameters
    ----------
    steps : list of (str, object)
        Fitted steps.
    rows : ndarray of shape (n_rows, n_features)
        As the steps give them.

    Returns
    -------
    steps : list of (str, object)
        Those that are not undone.
    rows : ndarray of shape (n_rows, n_features)
        Behind these.
    """
    kept = list(steps)
    while kept:
        undone = _undone(kept[-1][1], rows)
        if undone is None:
            break
        rows = undone
        kept.pop()
    return kept, rows


def _undone(step: Any, rows: "NDArray[Any]") -> "NDArray[Any] | None":
    """Return rows in front of a step; None where that would not be what it makes these rows of."""
    import numpy as np

    if not _can_undo(step):
        return None
    try:
        with np.errstate(all="ignore"):
            undone = np.asarray(step.inverse_transform(_named(step, rows)), dtype=np.float64)
            again = np.asarray(step.transform(_named(step, undone)), dtype=np.float64)
    except (TypeError, ValueError):
        return None
    return undone if np.isfinite(undone).all() and np.allclose(again, rows) else None


def _can_undo(step: Any) -> bool:
    from sklearn.base import OneToOneFeatureMixin
    from sklearn.preprocessing import FunctionTransformer

    if isinstance(step, FunctionTransformer):
        # Without the inverse of its function it calls rows their own inverse.
        return step.func is None or step.inverse_func is not None
    return isinstance(step, OneToOneFeatureMixin) and hasattr(step, "inverse_transform")


def _named(step: Any, rows: "NDArray[Any]") -> Any:
    names = getattr(step, "feature_names_in_", None)
    if names is None:
        return rows
    import pandas as pd

    return pd.DataFrame(rows, columns=names)


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
