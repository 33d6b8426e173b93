"""A stream of batches, worked on by the workers while this process reads on."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from skdqm.distributed._broadcast import Broadcast, sent
from skdqm.distributed._cluster import result_of

if TYPE_CHECKING:
    from distributed import Client, Future

# Batches under way for each thread of the workers: one in work and one that waits beside it.
UNDER_WAY = 2


def in_order(
    client: "Client", function: Callable[[Any, Any], Any], estimator: Any, batches: Iterable[Any]
) -> Iterator[Any]:
    """Apply a function of an estimator and a batch on the workers, and yield in the order.

    For what only this process can read, such as a CSV or a file that lies on its own disk: batches
    are sent to the workers, two for each of their threads at a time, so that memory stays constant.
    The estimator travels once. A batch whose worker dies is given to another one.

    Parameters
    ----------
    client : distributed.Client
        The connection, as :func:`workers` gives it.
    function : callable
        Maps the estimator and a batch to a result. The workers import it, or get a copy.
    estimator : object
        A detector or a Pipeline.
    batches : iterable
        Arrays, frames or whatever can be pickled.

    Yields
    ------
    result : object
        What the function returns, batch after batch.

    Raises
    ------
    ClusterError
        When the scheduler or all workers are gone, or a batch has killed several workers.

    Notes
    -----
    Errors of the function are raised as they are.

    Examples
    --------
    >>> from skdqm.datasets import make_detector_data
    >>> from skdqm.detectors import HistogramDetector
    >>> from skdqm.distributed import in_order, workers
    >>> X, _ = make_detector_data(1000, random_state=0)
    >>> detector = HistogramDetector().fit(X)
    >>> with workers("local:1") as client:
    ...     batches = (X[start : start + 300] for start in range(0, 1000, 300))
    ...     found = in_order(client, HistogramDetector.verdicts, detector, batches)
    ...     [len(frame) for frame in found]
    [300, 300, 300, 100]
    """
    model = sent(client, estimator)
    most = UNDER_WAY * max(1, sum(client.nthreads().values()))
    pending: deque[Any] = deque()
    for batch in batches:
        pending.append(_submitted(client, function, model, batch))
        if len(pending) >= most:
            yield result_of(client, pending.popleft())
    while pending:
        yield result_of(client, pending.popleft())


def _submitted(client: "Client", function: Any, model: "Future", batch: Any) -> "Future":
    import dask

    # As a part of its task, and not as data of its own, a batch survives its worker; dask would
    # warn of large ones.
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):
        return client.submit(_apply, function, model, batch, pure=False)


def _apply(function: Callable[[Any, Any], Any], model: Broadcast, batch: Any) -> Any:
    return function(model.estimator, batch)
