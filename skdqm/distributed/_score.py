"""Scores and verdicts of dask collections and of files, lazily."""

from collections.abc import Sequence
from functools import partial
from os import PathLike
from typing import Any
from warnings import warn

from sklearn.utils.validation import check_is_fitted

from skdqm._optional import require
from skdqm.distributed._broadcast import broadcast
from skdqm.distributed._judge import (
    SCORES,
    VERDICTS,
    Judge,
    judged_block,
    judged_file,
    judged_frame,
)
from skdqm.distributed._rows import check_columns, check_width, names_of
from skdqm.exceptions import DataError, UsageError


def score(detector: Any, data: Any) -> Any:
    """Score the rows of a dask collection or of files; high is abnormal.

    The detector travels once to each worker, as the bytes of a model file, and each row gets the
    score that it gets without Dask, to the bit. Columns are found by their names where the detector
    knows names; others are not read.

    Parameters
    ----------
    detector : object
        A fitted detector, or a Pipeline that ends in one.
    data : dask Array, dask DataFrame, dask Bag or list of str or path-like
        The rows, of shape (n_samples, n_features): partitions of any length, none and unknown
        included; or files that :func:`skdqm.io.read` reads and all workers see, of which one batch
        after the other is in memory.

    Returns
    -------
    scores : dask Array, dask Series or dask Bag
        Nothing is computed yet. The ``anomaly_score`` of each row: an Array of shape (n_samples,)
        in the chunks of an Array; a Series with the index of a DataFrame; for a list of files a
        Series with one partition for each, and the number of the row in its file for an index; for
        a Bag of file names a Bag of a Series for each.

    Raises
    ------
    DataError
        When columns are missing, or too few or too many. When it is computed, also for rows that
        cannot be scored, with the partition or the file in front.
    UsageError
        When the data is none of these.
    ClusterError
        When the workers run other versions than this process.
    MissingDependencyError
        When Dask is not installed.

    Notes
    -----
    A cluster is used if dask would use it now: connect first, as :func:`workers` does. A detector
    that looks at the rows before a row, as :class:`~skdqm.monitoring.PersistenceDetector` does,
    sees those of its partition (of files, of its batch): keep runs together.

    Examples
    --------
    >>> import dask.array
    >>> from skdqm.datasets import make_detector_data
    >>> from skdqm.detectors import HistogramDetector
    >>> from skdqm.distributed import score
    >>> X, _ = make_detector_data(1000, random_state=0)
    >>> detector = HistogramDetector().fit(X.to_numpy())
    >>> scores = score(detector, dask.array.from_array(X.to_numpy(), chunks=(300, -1)))
    >>> scores.chunks
    ((300, 300, 300, 100),)
    >>> bool((scores.compute() == -detector.score_samples(X.to_numpy())).all())
    True
    """
    return _lazily(SCORES, detector, data)


def verdicts(detector: Any, data: Any) -> Any:
    """Score and label the rows of a dask collection or of files, in one pass.

    Parameters
    ----------
    detector : object
        A fitted detector, or a Pipeline that ends in one.
    data : dask Array, dask DataFrame, dask Bag or list of str or path-like
        As in :func:`score`.

    Returns
    -------
    verdicts : dask DataFrame or dask Bag
        Nothing is computed yet. ``anomaly_score`` (high is abnormal), ``verdict`` (+1 good, -1 bad,
        0 too little data) and, of a calibrated detector, ``p_value``, with the index of a
        DataFrame; the rows of an Array are counted. For a Bag of file names, a Bag of frames.

    Raises
    ------
    DataError, UsageError, ClusterError, MissingDependencyError
        As in :func:`score`.

    Examples
    --------
    >>> import dask.dataframe
    >>> from skdqm.datasets import make_detector_data
    >>> from skdqm.detectors import HistogramDetector
    >>> from skdqm.distributed import verdicts
    >>> X, _ = make_detector_data(1000, random_state=0)
    >>> detector = HistogramDetector(contamination=0.05).fit(X)
    >>> found = verdicts(detector, dask.dataframe.from_pandas(X, npartitions=4))
    >>> list(found.columns), int((found["verdict"] == -1).sum().compute())
    (['anomaly_score', 'verdict'], 50)
    """
    return _lazily(VERDICTS, detector, data)


def _lazily(judge: Judge, detector: Any, data: Any) -> Any:
    require("dask", extra="dask")
    require("distributed", extra="dask")
    import dask.array as da
    import dask.bag as db
    import dask.dataframe as dd

    check_is_fitted(detector)
    empty = judge.empty(detector)
    if isinstance(data, da.Array):
        blocks = in_whole_rows(detector, data)
        if judge is SCORES:
            return _scores_of_array(detector, blocks)
        data = dd.from_dask_array(blocks, columns=names_of(detector))
    if isinstance(data, dd.DataFrame):
        return _of_frame(judge, detector, data, empty)
    model = broadcast(detector)
    if isinstance(data, db.Bag):
        return data.map(judged_file, model, judge)
    from dask import delayed

    read = partial(judged_file, judge=judge)
    parts = [delayed(read)(path, model) for path in checked_paths(data)]
    return dd.from_delayed(parts, meta=empty, verify_meta=False)


def _scores_of_array(detector: Any, blocks: Any) -> Any:
    import numpy as np

    return blocks.map_blocks(
        judged_block, broadcast(detector), dtype=np.float64, drop_axis=1, meta=np.empty(0)
    )


def _of_frame(judge: Judge, detector: Any, data: Any, empty: Any) -> Any:
    rows = known_columns(detector, data)
    return rows.map_partitions(judged_frame, broadcast(detector), judge, meta=empty)


def known_columns(detector: Any, data: Any) -> Any:
    """Return the columns of a dask frame that a detector takes, so that no other is read."""
    check_columns(detector, list(data.columns))
    names = names_of(detector)
    return data if names is None else data[names]


def in_whole_rows(detector: Any, data: Any) -> Any:
    """Return a dask array of rows whose blocks hold all columns, or refuse it."""
    import numpy as np

    if data.ndim != 2:
        raise DataError(f"found a dask array of {data.ndim} dimensions, expected rows and columns")
    names = names_of(detector)
    if not np.isnan(data.shape[1]):
        check_width(detector, data.shape[1])
    if names is not None:
        warn(
            "the array has no names of columns, and the detector was fitted with names: they are "
            "taken in its order",
            stacklevel=4,
        )
    return data if len(data.chunks[1]) == 1 else data.rechunk({1: -1})


def checked_paths(data: Any) -> Sequence[Any]:
    """Return a list of file names, or say what else was given."""
    if isinstance(data, (list, tuple)) and data:
        if all(isinstance(path, (str, PathLike)) for path in data):
            return data
        data = data[0]
    raise UsageError(
        f"found {type(data).__name__}, expected a dask Array, DataFrame or Bag, or a list of "
        "files; rows in memory are scored by the detector itself"
    )
