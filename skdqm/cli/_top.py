"""The most abnormal rows of a file, and the features that made them so."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skdqm._pipeline import parts_of, unscaled
from skdqm.cli._model import Model
from skdqm.cli._transform import quiet_overflow, transformed

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from skdqm.io import Table
    from skdqm.report._strongest import Explanation


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


def explanation(model: Model, rows: "pd.DataFrame", path: "Path") -> "Explanation | None":
    """Explain rows; None where the detector cannot tell features apart."""
    from skdqm.report import _strongest

    steps, named = parts_of(model.estimator)[0], model.features is not None
    X = model.transform(rows, path)
    with quiet_overflow():
        values = transformed(unscaled(steps), rows, path, named=named)
        return _strongest.explanation(model.detector, X, values, steps, rows)
