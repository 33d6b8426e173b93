"""Keep what other packages do to the process inside the benchmark."""

import os
import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import numpy as np
import torch


@contextmanager
def contained() -> Iterator[None]:
    """Silence prints and warnings; restore random generators, threads and the hash seed.

    PyOD sets the seeds of the whole process when a detector is made.
    """
    with (
        Path(os.devnull).open("w") as nowhere,
        redirect_stdout(nowhere),
        warnings.catch_warnings(action="ignore"),
        torch.random.fork_rng(devices=[]),
        _seeds_restored(),
        _one_thread(),
    ):
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
