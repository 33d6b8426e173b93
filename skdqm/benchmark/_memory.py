"""Peak memory of one contender, measured in a fresh process."""

import sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from skdqm.benchmark._networks import CONTENDERS, Training, warm_up
from skdqm.benchmark._quiet import quiet

STATUS = Path("/proc/self/status")
KIB = 1024
MIB = 2**20


def peak_memory(name: str, n_rows: int, n_features: int, training: Training) -> float:
    """Measure the peak memory of fit and score, above what the imports and the rows take.

    Parameters
    ----------
    name : str
        A key of ``CONTENDERS``.
    n_rows, n_features : int
        Size of the table.
    training : Training
        Batch size and epochs.

    Returns
    -------
    peak : float
        In MiB.
    """
    # Spawned, not forked: a fork would begin with the memory of this process.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(_measure, name, n_rows, n_features, training).result()


def _measure(name: str, n_rows: int, n_features: int, training: Training) -> float:
    X = np.random.default_rng(0).standard_normal((n_rows, n_features))
    with quiet():
        warm_up(name, X, training)
        before = _reset_peak()
        CONTENDERS[name](training).fit(X).decision_function(X)
        return (_peak() - before) / MIB


def _reset_peak() -> int:
    """Return the memory in use, and count the peak from here on where the system can."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _peak()


def _peak() -> int:
    """Return the peak resident memory of this process in bytes.

    Linux hands ``ru_maxrss`` down from the process that started this one; VmHWM is our own.
    """
    if STATUS.exists():
        fields = dict(line.split(":", 1) for line in STATUS.read_text("ascii").splitlines())
        return int(fields["VmHWM"].split()[0]) * KIB
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * KIB
