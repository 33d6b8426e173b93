"""The parts of a continual detector, as they were asked for when it was fitted."""

from dataclasses import dataclass
from typing import Any

from sklearn.base import clone

from skdqm.continual._regularised import DistillationStrategy, EWCStrategy
from skdqm.continual._strategies import (
    NaiveStrategy,
    PoolStrategy,
    RefitStrategy,
    ReplayStrategy,
    StaticStrategy,
)
from skdqm.continual._threshold import ConformalThreshold
from skdqm.continual._trainer import Trainer
from skdqm.drift import DriftMonitor
from skdqm.exceptions import UsageError

STRATEGIES: dict[str, Any] = {
    "distillation": DistillationStrategy,
    "ewc": EWCStrategy,
    "naive": NaiveStrategy,
    "pool": PoolStrategy,
    "refit": RefitStrategy,
    "replay": ReplayStrategy,
    "static": StaticStrategy,
}


def default_drift() -> DriftMonitor:
    """Return the monitor of whoever asks for none."""
    return DriftMonitor(shift=1.0)


# What stands for None, of the parts that change with a stream.
DEFAULTS: dict[str, Any] = {"threshold": ConformalThreshold, "drift": default_drift}


@dataclass(frozen=True)
class Parts:
    """What decides on a stream, and does not change with it.

    Attributes
    ----------
    trainer : Trainer
        Fits, teaches and asks detectors.
    strategy, memory, gate : object
        What the user has asked for.
    update_every : int
        Rows that are learned together.
    auto_release : bool
        Whether what outlasts the gate's patience is released.
    """

    trainer: Trainer
    strategy: Any
    memory: Any
    gate: Any
    update_every: int
    auto_release: bool

    @classmethod
    def asked(cls, trainer: Trainer, detector: Any) -> "Parts":
        """Return copies of the parts that a detector was given, and those that go with them.

        Raises
        ------
        ValueError
            When a parameter of a part is out of its range.
        UsageError
            When a part is a class, or the strategy cannot teach the detector.
        """
        for name in ("detector", "strategy", "gate", "memory", "threshold", "drift"):
            _check_instance(name, getattr(detector, name))
        strategy = detector.strategy
        if isinstance(strategy, str):
            strategy = STRATEGIES[strategy]()
        gate = strategy.default_gate() if detector.gate is None else detector.gate
        memory = strategy.default_memory() if detector.memory is None else detector.memory
        for part in (strategy, gate, memory, detector.threshold, detector.drift):
            if part is not None:
                part._validate_params()  # noqa: SLF001 (as fit does for its own parameters)
        strategy.check(trainer.prototype)
        return cls(
            trainer,
            clone(strategy),
            clone(memory),
            clone(gate),
            int(detector.update_every),
            bool(detector.auto_release),
        )


def _check_instance(name: str, part: Any) -> None:
    if isinstance(part, type):
        raise UsageError(
            f"{name} is the class {part.__name__}; give an object: {name}={part.__name__}()"
        )
