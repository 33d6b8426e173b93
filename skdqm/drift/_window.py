"""Charts that test the last few blocks together."""

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from skdqm.drift._chart import Chart, Level, Plain

Floats = NDArray[np.float64]


class WindowChart(Chart):
    """Keeps the last blocks, and tests them when there are as many as asked."""

    @staticmethod
    def first_state(learned: Plain, position: int) -> Plain:
        return {"rows": np.empty((0, learned["n_columns"]))}

    def resume(self, state: Plain) -> None:
        self.rows: Floats = state["rows"]
        self.thresholds = self.limits()
        self.statistics = np.zeros(len(self.thresholds))

    def state(self) -> Plain:
        return {"rows": self.rows}

    def step(self, block: Floats, position: int) -> Level:
        kept = (self.settings.window - 1) * self.settings.block_size
        self.rows = np.concatenate([self.rows[max(len(self.rows) - kept, 0) :], block])
        if len(self.rows) < kept + self.settings.block_size:
            self.statistics = np.zeros(len(self.thresholds))
            return Level.QUIET
        self.statistics = self.tested()
        return self.judge()

    @abstractmethod
    def limits(self) -> Floats:
        """Return the thresholds."""

    @abstractmethod
    def tested(self) -> Floats:
        """Return the statistics of the blocks."""

    @abstractmethod
    def judge(self) -> Level:
        """Say what the statistics mean."""
