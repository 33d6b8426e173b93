"""The steps of a Pipeline, and what columns are called behind them."""

from typing import Any

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
