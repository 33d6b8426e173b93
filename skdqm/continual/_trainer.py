"""How experts come to be: the wrapped detector, fitted, taught and asked, whatever its kind."""

from dataclasses import dataclass
from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skdqm._lumisections import lumisection_index
from skdqm.continual._rows import Floats, Rows
from skdqm.ensemble._members import can_learn, fitted, learned, unfitted
from skdqm.exceptions import CalibrationWarning
from skdqm.monitoring._wrapper import enough, scores_and_enough, seen_by

# Fewer rows than this teach nothing.
FEWEST_ROWS = 2


@dataclass(frozen=True)
class Trainer:
    """Makes, teaches and asks detectors.

    Attributes
    ----------
    prototype : detector or Pipeline
        What experts are copies of; it is not fitted itself.
    names : list of str or None
        Names of the columns, for detectors that see frames.
    seed : int
        Of everything random.
    """

    prototype: Any
    names: list[str] | None
    seed: int

    def can_learn(self) -> bool:
        """Tell whether detectors learn in blocks; the others are fitted anew."""
        return can_learn(self.prototype)

    def fitted(self, rows: Rows, number: int) -> Any:
        """Return a new detector that has learned rows."""
        made = unfitted(self.prototype, np.random.RandomState([self.seed, number]))
        if len(rows) < FEWEST_ROWS:
            with catch_warnings():
                simplefilter("ignore", UserWarning)
                return learned(made, self._seen(made, rows), self.seed, first=True)
        return fitted(made, self._seen(made, rows), self.seed)

    def taught(self, detector: Any, rows: Rows) -> Any:
        """Return a copy of a detector that went on learning."""
        with catch_warnings():
            simplefilter("ignore", CalibrationWarning)
            return learned(detector, self._seen(detector, rows), self.seed, first=False)

    def scores(self, detector: Any, rows: Rows) -> tuple[Floats, NDArray[np.bool_]]:
        """Return anomaly scores, and which rows hold enough data for a verdict."""
        return scores_and_enough(detector, self.frame(rows))

    def enough(self, detector: Any, rows: Rows) -> NDArray[np.bool_]:
        """Tell which rows hold enough data for a verdict."""
        return enough(detector, self.frame(rows))

    def frame(self, rows: Rows) -> Any:
        """Return rows as the user gave them: a frame where columns have names."""
        if self.names is None:
            return rows.values  # noqa: PD011 (no frame)
        index = lumisection_index(*rows.keys.T) if rows.have_keys() else None
        return pd.DataFrame(rows.values, index=index, columns=self.names)

    def _seen(self, detector: Any, rows: Rows) -> Any:
        return seen_by(detector, self.frame(rows))
