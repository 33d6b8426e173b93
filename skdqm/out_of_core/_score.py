"""Verdicts on rows in blocks."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sklearn.utils.validation import check_is_fitted

from skdqm._pipeline import Steps, through
from skdqm.ensemble._members import verdicts_of
from skdqm.out_of_core._blocks import Blocks, Source
from skdqm.out_of_core._steps import checked_parts

if TYPE_CHECKING:
    import pandas as pd


def score(detector: Any, source: Source) -> "Iterator[pd.DataFrame]":
    """Score and label rows batch by batch, at constant memory.

    Parameters
    ----------
    detector : estimator
        A fitted detector, or a Pipeline that ends in one.
    source : path, array, iterable or callable
        Rows to judge, as :func:`skdqm.out_of_core.fit` takes them. One pass is made, batch after
        batch as the source gives them.

    Returns
    -------
    verdicts : iterator of DataFrame of shape (n_samples, 2 or 3)
        For each batch what :meth:`skdqm.base.BaseDetector.verdicts` gives: ``anomaly_score`` (high
        is abnormal), ``verdict`` (+1, -1, or 0 without enough data) and ``p_value`` of a calibrated
        detector; the first two of detectors of other packages. Rows of a file have their number in
        it as index, frames keep theirs, and rows of arrays are counted on from batch to batch.

    Raises
    ------
    DataError
        When a file is unreadable, there are no rows, or batches do not fit together; as the batch
        is reached.

    Examples
    --------
    >>> import numpy as np
    >>> from skdqm.detectors import HistogramDetector
    >>> from skdqm.out_of_core import score
    >>> X = np.random.default_rng(0).normal(size=(1000, 3))
    >>> detector = HistogramDetector().fit(X)
    >>> verdicts = list(score(detector, [X[:600], X[600:]]))
    >>> [frame.index[0] for frame in verdicts]
    [0, 600]
    """
    steps, last = checked_parts(detector)
    check_is_fitted(last)
    return _verdicts(steps, last, Blocks(source))


def _verdicts(steps: Steps, detector: Any, blocks: Blocks) -> "Iterator[pd.DataFrame]":
    import pandas as pd

    start = 0
    for rows in blocks:
        frame = verdicts_of(detector, through(steps, rows))
        counted = pd.RangeIndex(start, start + len(rows))
        frame.index = rows.index if isinstance(rows, pd.DataFrame) else counted
        start += len(rows)
        yield frame
