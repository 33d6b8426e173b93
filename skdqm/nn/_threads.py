"""As many torch threads as the work is worth."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

# Multiplications in one training step below which a second thread costs more than it saves: with
# small nets one thread measured 7.2 s where two took 10.5 s, or 148 s on a busy machine.
WORTH_A_SECOND_THREAD = 10**9


@contextmanager
def threads_for(multiplications: int) -> Iterator[None]:
    """Train with one torch thread while a step is small; restore the number afterwards.

    Parameters
    ----------
    multiplications : int
        Rough number of multiplications in one training step.

    Yields
    ------
    None
        Nothing: what is trained stands in the body of ``with``.

    Examples
    --------
    >>> import torch
    >>> from skdqm.nn import threads_for
    >>> with threads_for(1000):
    ...     torch.get_num_threads()
    1
    """
    if multiplications < WORTH_A_SECOND_THREAD:
        with one_thread():
            yield
    else:
        yield


@contextmanager
def one_thread() -> Iterator[None]:
    """Run with one torch thread; restore the number afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
