"""What goes wrong with a cluster, and not with the data."""

from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager

from skdqm.exceptions import ClusterError


@contextmanager
def cluster_errors() -> Iterator[None]:
    """Turn what dask raises when a cluster falls apart into one kind of error.

    Errors of the work itself come back from the workers as they are.
    """
    from distributed.comm import CommClosedError
    from distributed.scheduler import KilledWorker

    try:
        yield
    except KilledWorker as error:
        raise ClusterError(
            f"{error.last_worker.address} was the last of several workers that died over the same "
            "rows, perhaps without memory; give fewer rows at a time, or workers with more memory"
        ) from error
    except (CancelledError, CommClosedError) as error:
        raise ClusterError(
            "the cluster lost its scheduler, or the data it was given, in the middle of the work; "
            "see the logs of the scheduler and the workers, and start again"
        ) from error
