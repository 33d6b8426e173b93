"""Small streams: healthy channels with common causes, faults, and other conditions."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdqm.continual import ContinualDetector, GuardedGate

N_CHANNELS = 6
MIXING = np.random.default_rng(7).normal(size=(2, N_CHANNELS))
OTHER = np.random.default_rng(8).normal(size=(2, N_CHANNELS))

Rows = NDArray[np.float64]


def healthy(n_rows: int, seed: int, condition: str = "A") -> Rows:
    """Return rows of one of two conditions, which differ by level and by what is in common."""
    rng = np.random.default_rng(seed)
    mixing, level = (MIXING, 0.0) if condition == "A" else (OTHER, 6.0)
    causes = rng.normal(size=(n_rows, 2))
    return level + causes @ mixing + 0.3 * rng.normal(size=(n_rows, N_CHANNELS))


def faulty(n_rows: int, seed: int, condition: str = "A") -> Rows:
    """Return rows in which two channels have moved."""
    rows = healthy(n_rows, seed, condition)
    rows[:, [1, 4]] += [4.0, -4.0]
    return rows


def events(detector: Any, kind: str) -> list[dict[str, Any]]:
    """Return the decisions of a kind."""
    return [event for event in detector.events_ if event["event"] == kind]


def states(detector: Any) -> list[str]:
    """Return how the tickets stand."""
    return [ticket["state"] for ticket in detector.tickets_]


FIRST = healthy(1000, 0)
QUICK = GuardedGate(probation=100, patience=400)


def quick(**parameters: Any) -> ContinualDetector:
    """Return a detector, not fitted, whose holds are short."""
    asked = {"gate": QUICK, "update_every": 100, "random_state": 0, **parameters}
    return ContinualDetector(**asked)
