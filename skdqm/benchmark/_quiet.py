"""One way to run any detector: contained, on one thread, and repeatable."""

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from skdqm.detectors._contain import contained, seed_everything


@contextmanager
def quiet(seed: int = 0) -> Iterator[None]:
    """Contain what detectors do to the process, and start all global generators from a seed.

    Some of PyOD's detectors take no random state and draw from the global generators.

    Parameters
    ----------
    seed : int, default=0
        For those.
    """
    with threadpool_limits(1), contained():
        seed_everything(seed)
        yield
