"""Train, calibrate and score on more rows than memory holds.

:func:`fit`, :func:`calibrate` and :func:`score` take a detector, or a Pipeline that ends in one,
and a source of rows in batches: a path, a memory-mapped array, an HDF5 dataset, a list of frames,
or a function that returns batches anew at each call. Memory does not grow with the rows. Training
shuffles them through a temporary file, so that a network learns as it would in memory also from
a file that is sorted.
"""

from skdqm.out_of_core._calibrate import calibrate
from skdqm.out_of_core._fit import fit
from skdqm.out_of_core._score import score

__all__ = ["calibrate", "fit", "score"]
