"""Training on rows in blocks."""

from contextlib import closing
from numbers import Integral
from os import PathLike
from typing import Any

import numpy as np

from skdqm._sklearn import Interval, validate_params
from skdqm.out_of_core._blocks import Blocks, Source
from skdqm.out_of_core._epochs import check_settings, epochs_of, learn_once, learn_shuffled
from skdqm.out_of_core._shuffle import ShuffledRows
from skdqm.out_of_core._steps import Behind, checked_parts, learn_steps, learning_anew, n_passes

POSITIVE = Interval(Integral, 1, None, closed="left")


@validate_params(
    {
        "max_epochs": [POSITIVE, None],
        "shuffle": ["boolean"],
        "sample_size": [POSITIVE],
        "temporary_directory": [str, PathLike, None],
        "random_state": [Interval(Integral, 0, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def fit(
    detector: Any,
    source: Source,
    *,
    max_epochs: int | None = None,
    shuffle: bool = True,
    sample_size: int = 50_000,
    temporary_directory: str | PathLike[str] | None = None,
    random_state: int = 0,
) -> Any:
    """Train a detector, or a Pipeline that ends in one, on more rows than memory holds.

    What was learned before is forgotten, as by a ``fit`` in memory. Each transformer of a Pipeline
    that has ``partial_fit`` learns in one pass over all rows. Then the rows behind the transformers
    are written once to a temporary file, in float32 if they come so and in float64 otherwise, and
    a detector that has ``partial_fit`` learns from it in blocks, `max_epochs` times. Each block is
    a random sample of the whole source, so that also the first one, which fixes the scale of a
    network's features or the bins of a histogram, tells of all of it.

    Whatever has no ``partial_fit`` learns from a uniform random sample of `sample_size` rows.

    Networks take steps of the same size as in memory, ``history_`` has an entry for each pass, and
    the threshold is the `contamination` quantile of the scores of one block; callbacks are called
    block by block.

    Parameters
    ----------
    detector : estimator
        A detector of skdqm or an outlier detector of scikit-learn's kind, or a Pipeline that ends
        in one. It is fitted in place.
    source : path, array, iterable or callable
        The rows: a file, read as :func:`skdqm.io.iter_batches` does by default; one table that is
        read in slices, such as a mapped array or an HDF5 dataset; an iterable of arrays, frames
        or :class:`skdqm.io.Table`; or a function without arguments that returns one of these. An
        iterator that ends for good is taken where one pass is enough.
    max_epochs : int or None, default=None
        Passes of the detector over the rows; None takes its own `max_epochs`, or that of a
        detector inside it, and 1 where there is none.
    shuffle : bool, default=True
        Shuffle the rows through a temporary file. Without, blocks are learned as they come, with
        their index: only for rows that are in random order, or for a detector that needs the
        order of time. The first block then fixes scales.
    sample_size : int, default=50_000
        Rows of the sample for what has no ``partial_fit``.
    temporary_directory : str, path-like or None, default=None
        Folder of the temporary file, on a disk with room for all rows; None takes that of
        :func:`tempfile.gettempdir`, which on some systems is memory.
    random_state : int, default=0
        Seed of the order of rows and of samples; the detector has its own.

    Returns
    -------
    detector : estimator
        The fitted detector. When training fails or is interrupted it is as it was.

    Raises
    ------
    DataError
        When a file is unreadable, there are no rows, or blocks do not fit together.
    UsageError
        When the source cannot be gone through as often as needed, the temporary folder is full, or
        a setting of the detector needs all rows in memory.
    TrainingError
        When training diverges.

    See Also
    --------
    calibrate : A threshold that promises an alarm rate, on rows that were not used here.

    Examples
    --------
    >>> import numpy as np
    >>> from skdqm.detectors import AutoencoderDetector
    >>> from skdqm.out_of_core import fit
    >>> def blocks():
    ...     for seed in range(10):  # condition after condition: sorted
    ...         yield np.random.default_rng(seed).normal(seed, 1, (1000, 5))
    >>> detector = fit(AutoencoderDetector(max_epochs=2, random_state=0), blocks)
    >>> np.round(detector.location_, 1)
    array([4.5, 4.5, 4.5, 4.5, 4.5])
    """
    steps, last = checked_parts(detector)
    check_settings(last, shuffle=shuffle)
    blocks, rng = Blocks(source), np.random.default_rng(random_state)
    in_blocks = hasattr(last, "partial_fit")
    n_epochs = max_epochs or epochs_of(last)
    if n_passes(steps) + (1 if shuffle or not in_blocks else n_epochs) > 1:
        blocks.check_again("training")
    with learning_anew([*(step for _, step in steps), last]):
        behind = learn_steps(blocks, steps, sample_size, rng)
        if not in_blocks:
            last.fit(behind.sample(sample_size, rng))
        elif shuffle:
            with closing(ShuffledRows(behind, rng, temporary_directory)) as rows:
                learn_shuffled(last, rows, n_epochs)
        else:
            _learn_in_order(last, behind, n_epochs)
    return detector


def _learn_in_order(detector: Any, rows: Behind, n_epochs: int) -> None:
    for _ in range(n_epochs):
        learn_once(detector, rows)
