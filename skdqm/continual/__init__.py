"""Detectors that go on learning from a drifting stream: gates, memories, strategies, thresholds."""

from skdqm.continual._detector import ContinualDetector
from skdqm.continual._gate import GuardedGate, OpenGate, ThresholdGate
from skdqm.continual._memory import (
    BalancedMemory,
    FadingMemory,
    Memory,
    ReservoirMemory,
    WindowMemory,
)
from skdqm.continual._regularised import DistillationStrategy, EWCStrategy
from skdqm.continual._strategies import (
    NaiveStrategy,
    PoolStrategy,
    RefitStrategy,
    ReplayStrategy,
    StaticStrategy,
    Strategy,
)
from skdqm.continual._threshold import ACIThreshold, ConformalThreshold, FixedThreshold

__all__ = [
    "ACIThreshold",
    "BalancedMemory",
    "ConformalThreshold",
    "ContinualDetector",
    "DistillationStrategy",
    "EWCStrategy",
    "FadingMemory",
    "FixedThreshold",
    "GuardedGate",
    "Memory",
    "NaiveStrategy",
    "OpenGate",
    "PoolStrategy",
    "RefitStrategy",
    "ReplayStrategy",
    "ReservoirMemory",
    "StaticStrategy",
    "Strategy",
    "ThresholdGate",
    "WindowMemory",
]
