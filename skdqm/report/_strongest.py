"""The features that made rows of a table abnormal."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdqm._pipeline import Steps, name_of
from skdqm.base import blame_of

Floats = NDArray[np.float64]
# Features that are named for each row.
N_NAMED = 3
STRONGEST = [
    f"{what}_{place}" for place in range(1, N_NAMED + 1) for what in ("feature", "value", "share")
]


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
    values: Floats
    shares: Floats

    def strongest(self) -> dict[str, Any]:
        """Return name, value and share of the strongest features of each row, as columns."""
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


def explanation(detector: Any, X: Any, values: Any, steps: Steps, rows: Any) -> Explanation | None:
    """Explain rows; None where the detector cannot tell features apart.

    Parameters
    ----------
    detector : detector
        The fitted detector.
    X : array-like of shape (n_rows, n_features)
        What it sees.
    values : array-like of shape (n_rows, n_features)
        The same before it was scaled.
    steps : list of (str, transformer)
        What stands before the detector.
    rows : array-like of shape (n_rows, n_columns)
        What the first of them sees, to take names from.

    Returns
    -------
    explanation : Explanation or None
        The shares of the features.
    """
    if not hasattr(detector, "feature_scores"):
        return None
    scores = blame_of(detector, X)
    # What is better than usual blames nothing, and no sum overflows.
    blame = np.clip(scores, 0, np.finfo(np.float64).max / scores.shape[1])
    total = blame.sum(axis=1, keepdims=True)
    shares = np.divide(blame, total, out=np.zeros_like(blame), where=total > 0)
    names = cache(lambda column: name_of(column, steps, rows))
    return Explanation(names, np.asarray(values, dtype=np.float64), shares)
