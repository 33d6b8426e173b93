"""Learning from partitions, one after the other, where they are."""

import warnings
from collections import deque
from collections.abc import Iterator
from copy import deepcopy
from typing import Any, NamedTuple

from skdqm._optional import require
from skdqm.distributed._broadcast import Broadcast, broadcast, current_client
from skdqm.distributed._cluster import wait_for
from skdqm.distributed._rows import as_fitted, batches_of, named_errors
from skdqm.distributed._score import checked_paths, in_whole_rows, known_columns
from skdqm.exceptions import UsageError

# Steps that are under way: while one learns, the partition of the next is read.
UNDER_WAY = 2


class Learned(NamedTuple):
    """A model, and the warnings on its way."""

    model: Broadcast
    warnings: tuple[Warning | str, ...] = ()


def partial_fit(detector: Any, data: Any) -> Any:
    """Go on learning from the partitions of a dask collection or from files, in their order.

    Each partition is one call of the detector's ``partial_fit``, each file one call for each of its
    batches of 50,000 rows. They follow each other, because each update begins where the one before
    has ended: the result is, to the bit, that of the same calls in one process. What runs beside
    them is the making of the next partition: reading, selecting, transforming. With a cluster all
    of it happens on the workers, and only the model travels.

    Parameters
    ----------
    detector : object
        A detector with ``partial_fit``, fitted or not. It stays as it is.
    data : dask Array, dask DataFrame, dask Bag or list of str or path-like
        The rows in the order of time, as in :func:`score`; empty partitions are passed over.

    Returns
    -------
    learned : object
        A copy of the detector that has learned.

    Raises
    ------
    DataError
        When the rows of a partition cannot be learned from; it is named.
    TrainingError
        When training diverges; the partition is named.
    UsageError
        When the detector cannot learn in parts, or the data is none of these.
    ClusterError
        When the workers are gone, or run other versions than this process.
    MissingDependencyError
        When Dask is not installed.

    Warns
    -----
    CalibrationWarning
        When the detector was calibrated before, as its own ``partial_fit`` does.

    Examples
    --------
    >>> import dask.array
    >>> from skdqm.datasets import make_detector_data
    >>> from skdqm.detectors import AutoencoderDetector
    >>> from skdqm.distributed import partial_fit
    >>> X = make_detector_data(1000, random_state=0)[0].to_numpy()
    >>> detector = AutoencoderDetector(random_state=0).fit(X[:400])
    >>> later = dask.array.from_array(X[400:], chunks=(300, -1))
    >>> learned = partial_fit(detector, later)
    >>> len(learned.history_) - len(detector.history_)
    2
    """
    require("distributed", extra="dask")
    if not hasattr(detector, "partial_fit"):
        raise UsageError(
            f"{type(detector).__name__} cannot learn in parts; expected a detector with partial_fit"
        )
    learned = _learned(broadcast(detector), _parts(detector, data))
    for message in learned.warnings:
        warnings.warn(message, stacklevel=2)
    return learned.model.estimator


def _learned(model: Any, parts: Iterator[tuple[str, Any]]) -> Learned:
    """Hand the model from partition to partition; few of them are under way at a time."""
    from dask import delayed, persist

    step = delayed(Learned)(model)
    under_way: deque[Any] = deque()
    for place, part in parts:
        (step,) = persist(delayed(_updated)(step, part, place))
        under_way.append(step)
        if len(under_way) > UNDER_WAY:
            _settle(under_way.popleft())
    _settle(step)
    learned: Learned = step.compute()
    return learned


def _settle(step: Any) -> None:
    """Wait until a step is done, and raise what went wrong in it; without a cluster it is done."""
    client = current_client()
    if client is not None:
        from distributed import futures_of

        for future in futures_of(step):
            wait_for(client, future)


def _updated(learned: Learned, part: Any, place: str) -> Learned:
    """Learn from one partition, on a worker."""
    # Other tasks may hold the same object: it must not change.
    estimator = deepcopy(learned.model.estimator)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for rows in batches_of(part, estimator):
            with named_errors(place, rows):
                estimator.partial_fit(as_fitted(estimator, rows))
    said = tuple(warning.message for warning in caught)
    return Learned(Broadcast(estimator), learned.warnings + said)


def _parts(detector: Any, data: Any) -> Iterator[tuple[str, Any]]:
    """Yield the name of each partition, and what the workers turn into its rows."""
    import dask.array as da
    import dask.bag as db
    import dask.dataframe as dd

    if isinstance(data, da.Array):
        blocks = in_whole_rows(detector, data).to_delayed().ravel()
        yield from ((f"block {i}", block) for i, block in enumerate(blocks))
    elif isinstance(data, dd.DataFrame):
        partitions = known_columns(detector, data).to_delayed()
        yield from ((f"partition {i}", part) for i, part in enumerate(partitions))
    elif isinstance(data, db.Bag):
        yield from ((f"partition {i}", part) for i, part in enumerate(data.to_delayed()))
    else:
        yield from ((str(path), path) for path in checked_paths(data))
