"""Keep what other packages do to the process inside a block."""

import os
import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from threading import RLock

import numpy as np
import torch

# Streams, filters of warnings and global generators belong to the process: two threads that
# restore them in turn would leave it with those of the other one.
_ONE_AT_A_TIME = RLock()


@contextmanager
def contained() -> Iterator[None]:
    """Silence prints, progress bars and warnings; restore generators, threads and the hash seed.

    PyOD sets the seeds of the whole process when a detector is made.
    """
    with (
        _generators_restored(),
        Path(os.devnull).open("w", encoding="utf-8") as nowhere,
        redirect_stdout(nowhere),
        redirect_stderr(nowhere),
        warnings.catch_warnings(action="ignore"),
        _one_thread(),
    ):
        yield


@contextmanager
def own_generators(seed: int) -> Iterator[None]:
    """Seed the generators of the process inside, and restore them afterwards; contain no more.

    For estimators that neither print nor set seeds, such as those of scikit-learn.

    Parameters
    ----------
    seed : int
        In [0, 2**32).
    """
    with _generators_restored():
        seed_everything(seed)
        yield


def seed_everything(seed: int) -> None:
    """Seed the generators of the process, for a model that has none of its own.

    Parameters
    ----------
    seed : int
        In [0, 2**32). Call it inside :func:`contained`, which restores them.
    """
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (the generator that such models draw from)
    torch.manual_seed(seed)


def _devices_in_use() -> list[int]:
    """Return the graphics cards whose generators would change; asking would start an idle one."""
    started = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    return list(range(torch.cuda.device_count())) if started else []


@contextmanager
def _generators_restored() -> Iterator[None]:
    with _ONE_AT_A_TIME, torch.random.fork_rng(devices=_devices_in_use()), _seeds_restored():
        yield


@contextmanager
def _seeds_restored() -> Iterator[None]:
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 (PyOD sets these)
    hash_seed = os.environ.get("PYTHONHASHSEED")
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        os.environ.pop("PYTHONHASHSEED", None)
        os.environ.update({} if hash_seed is None else {"PYTHONHASHSEED": hash_seed})


@contextmanager
def _one_thread() -> Iterator[None]:
    """Run torch on one thread: the fastest for nets as small as these, the same for everyone."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
