"""Estimators that learn from blocks, one after the other: the steps of a Pipeline."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils import get_tags

from skdqm._pipeline import Steps, parts_of, through
from skdqm.exceptions import DataError, UsageError
from skdqm.out_of_core._blocks import Blocks
from skdqm.out_of_core._sample import UniformSample


def checked_parts(estimator: Any) -> tuple[Steps, Any]:
    """Return the transformers of a Pipeline, and the detector at its end."""
    steps, last = parts_of(estimator)
    if isinstance(last, type) or not hasattr(last, "get_params"):
        raise UsageError(f"found {last!r}, expected a detector, or a Pipeline that ends in one")
    return steps, last


@contextmanager
def learning_anew(estimators: Sequence[Any]) -> Iterator[None]:
    """Let estimators forget what they learned; if they fail to learn, they have it back."""
    before = [(each, dict(vars(each))) for each in _with_those_inside(estimators)]
    for each in estimators:
        unfitted = vars(clone(each))
        for name in [name for name in vars(each) if name not in unfitted]:
            delattr(each, name)
    try:
        yield
    except BaseException:
        for each, attributes in before:
            vars(each).clear()
            vars(each).update(attributes)
        raise


def _with_those_inside(estimators: Sequence[Any]) -> list[Any]:
    """Return estimators and those among their parameters, as a Pipeline in a Pipeline has them."""
    inside = [value for each in estimators for value in each.get_params().values()]
    found = [value for value in inside if hasattr(value, "get_params")]
    return [*estimators, *(value for value in found if not isinstance(value, type))]


class Behind:
    """Blocks behind some transformers."""

    def __init__(self, blocks: Blocks, steps: Steps) -> None:
        self.blocks = blocks
        self.steps = steps

    def __iter__(self) -> Iterator[Any]:
        """Go through the blocks once more."""
        return (through(self.steps, rows) for rows in self.blocks)

    def sample(self, size: int, rng: np.random.Generator) -> Any:
        """Return a uniform random sample of rows, in one pass."""
        kept, columns = UniformSample(size, rng), None
        for rows in self:
            columns = getattr(rows, "columns", None)
            kept.add(np.asarray(rows))
        if columns is None:
            return kept.rows
        import pandas as pd

        return pd.DataFrame(kept.rows, columns=columns)


def learn_steps(blocks: Blocks, steps: Steps, sample_size: int, rng: np.random.Generator) -> Behind:
    """Fit transformers, one pass for each that learns, and return the rows behind them."""
    behind = Behind(blocks, [])
    for name, step in steps:
        if not get_tags(step).requires_fit:
            step.fit(next(iter(behind)))
        elif hasattr(step, "partial_fit"):
            # What overflows is found below, and said with the name of the feature.
            with np.errstate(over="ignore", invalid="ignore"):
                for rows in behind:
                    step.partial_fit(rows)
        else:
            step.fit(behind.sample(sample_size, rng))
        _check_spread(step)
        behind = Behind(blocks, [*behind.steps, (name, step)])
    return behind


def n_passes(steps: Steps) -> int:
    """Return how often the rows are gone through before the last of the steps is fitted."""
    return sum(bool(get_tags(step).requires_fit) for _, step in steps)


def _check_spread(step: Any) -> None:
    """Refuse a variance that overflowed: it would turn a feature into zeros."""
    spread = getattr(step, "var_", None)
    if spread is None or np.isfinite(spread).all():
        return
    column = int(np.argmin(np.isfinite(spread)))
    name = getattr(step, "feature_names_in_", range(len(spread)))[column]
    raise DataError(f"the spread of feature {name!r} is too large to compute; rescale its values")
