"""The most abnormal rows of a file, and the features that made them so."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from skdqm.cli._model import Model, parts_of
from skdqm.cli._transform import Steps, name_of, quiet_overflow, transformed

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from skdqm.io import Table

# Features that are named for each row.
N_NAMED = 3
STRONGEST = [
    f"{what}_{place}" for place in range(1, N_NAMED + 1) for what in ("feature", "value", "share")
]


@dataclass
class Top:
    """The most abnormal rows of the batches so far: no more than those are kept.

    Attributes
    ----------
    size : int
        How many.
    rows : pandas.DataFrame of shape (at most size, n_columns) or None before any batch
        The columns that the model takes, the most abnormal row first; of equal scores the first in
        the file. The index is the row number in the file.
    scores : ndarray of shape (at most size,) or None before any batch
        Their scores; low is abnormal.
    """

    size: int
    rows: Any = None
    scores: Any = None

    def add(self, table: "Table", scores: "NDArray[np.float64]") -> None:
        """Look at one more batch."""
        import numpy as np
        import pandas as pd

        chosen = np.argsort(scores, kind="stable")[: self.size]
        rows, scores = table.X.iloc[chosen].astype("float64"), scores[chosen]
        if self.rows is not None:
            rows, scores = pd.concat([self.rows, rows]), np.concatenate([self.scores, scores])
        chosen = np.argsort(scores, kind="stable")[: self.size]
        self.rows, self.scores = rows.iloc[chosen], scores[chosen]


@dataclass(frozen=True, eq=False)
class Explanation:
    """What made some rows abnormal.

    Attributes
    ----------
    name : callable
        ``name(column)`` names a feature that the detector sees. There may be thousands.
    values : ndarray of shape (n_rows, n_features)
        Their values in the units of the data, before they are scaled.
    shares : ndarray of shape (n_rows, n_features)
        The share of each in the sum of its row's feature scores.
    """

    name: Callable[[int], str]
    values: "NDArray[np.float64]"
    shares: "NDArray[np.float64]"

    def strongest(self) -> dict[str, Any]:
        """Return name, value and share of the strongest features of each row, as columns."""
        import numpy as np

        columns: dict[str, Any] = {}
        order = np.argsort(-self.shares, axis=1, kind="stable")[:, :N_NAMED]
        for place, chosen in enumerate(order.T, start=1):
            at = np.arange(len(chosen)), chosen
            value, share = self.values[at], self.shares[at]
            named = zip(chosen.tolist(), share > 0, strict=True)
            columns[f"feature_{place}"] = [self.name(each) if is_ else "" for each, is_ in named]
            columns[f"value_{place}"] = np.where(share > 0, value, np.nan)
            columns[f"share_{place}"] = np.where(share > 0, share, np.nan)
        return columns


def explanation(model: Model, rows: "pd.DataFrame", path: "Path") -> Explanation | None:
    """Explain rows; None where the detector cannot tell features apart."""
    import numpy as np

    from skdqm.base import blame_of

    if not hasattr(model.detector, "feature_scores"):
        return None
    steps, named = parts_of(model.estimator)[0], model.features is not None
    X = model.transform(rows, path)
    with quiet_overflow():
        scores = blame_of(model.detector, X)
    # What is better than usual blames nothing, and no sum overflows.
    blame = np.clip(scores, 0, np.finfo(np.float64).max / scores.shape[1])
    total = blame.sum(axis=1, keepdims=True)
    shares = np.divide(blame, total, out=np.zeros_like(blame), where=total > 0)
    values = np.asarray(transformed(unscaled(steps), rows, path, named=named), dtype=np.float64)
    return Explanation(cache(lambda column: name_of(column, steps, rows)), values, shares)


def unscaled(steps: Steps) -> Steps:
    """Return the steps without the last ones that only rescale each column."""
    from sklearn.base import OneToOneFeatureMixin

    n_steps = len(steps)
    while n_steps and isinstance(steps[n_steps - 1][1], OneToOneFeatureMixin):
        n_steps -= 1
    return steps[:n_steps]
