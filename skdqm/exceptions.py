"""Errors and warnings that skdqm raises on purpose.

Every error says what was found, what was expected and what to do. The command line maps them
to exit codes: :class:`UsageError` to 2, every other :class:`SkdqmError` to 3.
"""

__all__ = [
    "CalibrationWarning",
    "ClusterError",
    "DataError",
    "MissingDependencyError",
    "MissingRunsWarning",
    "ModelFileError",
    "NotCalibratedError",
    "SkdqmError",
    "TrainingError",
    "UsageError",
    "WorkerError",
]


class SkdqmError(Exception):
    """Base class of every error that skdqm raises on purpose."""


class DataError(SkdqmError, ValueError):
    """A data file or an array is unreadable or is not what was expected."""


class ModelFileError(SkdqmError, ValueError):
    """A model file is truncated, tampered with, foreign or of another version."""


class TrainingError(SkdqmError, RuntimeError):
    """Training failed: the loss is not finite or diverges."""


class UsageError(SkdqmError, ValueError):
    """The caller asked for something that does not exist or does not fit."""


class WorkerError(SkdqmError, RuntimeError):
    """A worker of a stream has failed or was stopped, and takes no more events.

    The message names the cause, which is also the ``__cause__``.
    """


class ClusterError(SkdqmError, RuntimeError):
    """The scheduler or the workers cannot be reached, are gone, or run other versions."""


class NotCalibratedError(SkdqmError, ValueError, AttributeError):
    """A p-value was asked of a detector that was not calibrated."""


class MissingDependencyError(SkdqmError, ImportError):
    """An optional package is needed; the message names the pip command."""


class CalibrationWarning(UserWarning):
    """A calibrated threshold no longer describes the model and was dropped."""


class MissingRunsWarning(UserWarning):
    """Rows do not say their run and lumisection, so each is taken alone."""
