"""Marks where the scores of a stream have changed."""

from copy import deepcopy
from typing import Any

import numpy as np

from skdqm.drift import DriftMonitor
from skdqm.exceptions import UsageError
from skdqm.streaming._limit import Floats

# Scores that are handed to the monitor together: a call costs as much as thirty events.
BATCH = 128
# Blocks of a reference.
FEWEST_BLOCKS = 8


class DriftWatch:
    """Hands scores to a monitor, some at a time.

    Parameters
    ----------
    monitor : DriftMonitor
        It was fitted to the anomaly scores of usual rows, in the order of time. It is copied.
    """

    def __init__(self, monitor: DriftMonitor) -> None:
        if getattr(monitor, "n_features_in_", None) != 1:
            raise UsageError(
                "drift must be a DriftMonitor that was fitted to anomaly scores: "
                "DriftMonitor().fit(-detector.score_samples(X_good))"
            )
        self.monitor = deepcopy(monitor)
        self._waiting: list[float] = []

    @property
    def positions(self) -> list[int]:
        """Events, with enough data, at which a drift was found."""
        return list(self.monitor.drift_positions_)

    def add(self, score: float) -> None:
        """Take the score of one event."""
        self._waiting.append(score)
        if len(self._waiting) == BATCH:
            self._hand_over()

    def add_all(self, scores: Floats) -> None:
        """Take the scores of several events."""
        self._waiting.extend(scores.tolist())
        if len(self._waiting) >= BATCH:
            self._hand_over()

    def rebase(self, scores: Floats) -> None:
        """Take up with the scores of another model, if there are enough of them."""
        self._hand_over()
        if len(scores) >= FEWEST_BLOCKS * self.monitor.block_size:
            self.monitor = self.monitor.rebased(scores)

    def state(self) -> dict[str, Any]:
        """Return what has changed since the monitor was fitted, as plain data."""
        names = self.monitor.get_params(deep=False)
        fitted = {name: value for name, value in vars(self.monitor).items() if name not in names}
        return {"monitor": fitted, "waiting": list(self._waiting)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what :meth:`state` returned."""
        self.monitor.__dict__.update(state["monitor"])
        self._waiting = [float(score) for score in state["waiting"]]

    def _hand_over(self) -> None:
        self.monitor.update(np.array(self._waiting))
        self._waiting = []
