"""What the drift monitor of a continual detector takes for usual."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

from skdqm.continual._expert import Expert
from skdqm.continual._rows import Floats, Rows
from skdqm.continual._trainer import Trainer

# Rows and blocks of a reference at least, and blocks that say how neighbours are alike.
REFERENCE_ROWS, REFERENCE_BLOCKS, FEWEST_BLOCKS = 4096, 128, 16
# Blocks that are further from the others, in robust standard deviations, are bursts of anomalies.
BURST = 4.0


def usual_scores(trainer: Trainer, expert: Expert, rows: Rows, block_size: int) -> Floats:
    """Return normal scores in the order of time that are as alike as those of neighbours are.

    Parameters
    ----------
    trainer : Trainer
        Asks the detector.
    expert : Expert
        The first one.
    rows : Rows
        What it was fitted to, in the order of time.
    block_size : int
        Of the monitor.

    Returns
    -------
    scores : ndarray of shape (n_scores,)
        Normal scores of the ranks of `rows`, without bursts and over and over again; independent
        ones where there are too few rows to tell.
    """
    n_needed = max(REFERENCE_ROWS, REFERENCE_BLOCKS * block_size)
    found, has_enough = trainer.scores(expert.detector, rows)
    n_blocks = int(has_enough.sum()) // block_size
    if n_blocks < FEWEST_BLOCKS:
        return np.random.default_rng(0).standard_normal(n_needed)
    ranks = rankdata(found[has_enough][: n_blocks * block_size])
    blocks = norm.ppf((ranks - 0.5) / len(ranks)).reshape(n_blocks, block_size)
    usual = blocks[_is_usual(blocks.mean(axis=1))]
    return np.tile(usual.ravel(), -(-n_needed // usual.size))


def _is_usual(means: Floats) -> NDArray[np.bool_]:
    distance = np.abs(means - np.median(means))
    # The median of the distances is 0.6745 standard deviations of a normal law.
    return np.asarray(distance <= BURST * np.median(distance) / 0.6745)
