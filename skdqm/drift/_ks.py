"""Kolmogorov and Smirnov's test of the last blocks against the reference, column by column."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import kolmogorov

from skdqm.drift._chart import WARNINGS_PER_DRIFT, Change, Level, Plain, Settings
from skdqm.drift._scale import Reference, Scale
from skdqm.drift._window import WindowChart
from skdqm.statistics import adjust_p_values

Floats = NDArray[np.float64]

SMALLEST_P_VALUE = 1e-300
# A level that is off by more, in standard errors, gives the change a direction.
DIRECTED = 3.0


class KolmogorovSmirnovChart(WindowChart):
    """Largest distance of the distribution functions, with Holm's correction for the columns.

    P-values are those of the limiting law with Stephens' correction (J. Royal Statistical Society B
    32 (1970) 115); the sizes are divided by how much the reference's block means wander more than
    those of independent rows.
    """

    @staticmethod
    def learn(settings: Settings, reference: Reference) -> Plain:
        variance = np.maximum(reference.normal.var(axis=0), 1e-3)
        inflation = np.maximum(np.square(reference.spread) * settings.block_size / variance, 1.0)
        return {
            "n_columns": reference.rows.shape[1],
            "n_kept": reference.scale.values.shape[1],
            "n_rows": len(reference.rows),
            "inflation": inflation,
        }

    def prepared(self, scale: Scale, rows: Floats) -> Floats:
        """Return how many kept values lie below, and not above, each value."""
        return np.stack(scale.counts(rows), axis=-1).astype(np.float64)

    @staticmethod
    def first_state(learned: Plain, position: int) -> Plain:
        return {"rows": np.empty((0, learned["n_columns"], 2))}

    def limits(self) -> Floats:
        return np.full(self.learned["n_columns"], -np.log10(min(self.settings.rate, 0.5)))

    def tested(self) -> Floats:
        adjusted = adjust_p_values(self._p_values(), "holm")
        return -np.log10(np.maximum(adjusted, SMALLEST_P_VALUE))

    def judge(self) -> Level:
        highest = float(self.statistics.max())
        if highest > self.thresholds[0]:
            return Level.DRIFT
        return Level(int(highest > self.thresholds[0] - np.log10(WARNINGS_PER_DRIFT)))

    def _p_values(self) -> Floats:
        n = len(self.rows)
        below, up_to = np.moveaxis(np.sort(self.rows, axis=0) / self.learned["n_kept"], -1, 0)
        steps = np.arange(n + 1)[:, None] / n
        distance = np.maximum((steps[1:] - up_to).max(axis=0), (below - steps[:-1]).max(axis=0))
        sizes = n * self.learned["n_rows"] / (n + self.learned["n_rows"])
        root = np.sqrt(sizes / self.learned["inflation"])
        p_values: Floats = kolmogorov((root + 0.12 + 0.11 / root) * distance)
        return p_values

    def change(self, position: int) -> Change:
        moved = np.flatnonzero(self.statistics > self.thresholds)
        leading = int(np.argmax(self.statistics))
        share = self.rows[:, leading].mean() / self.learned["n_kept"] - 0.5
        error = np.sqrt(self.learned["inflation"][leading] / 12 / len(self.rows))
        direction = int(np.sign(share)) if abs(share) > DIRECTED * error else 0
        return Change(position - len(self.rows), direction, [int(each) for each in moved])
