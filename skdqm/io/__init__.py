"""Read tables of numbers from files, whole or in batches, and write results.

:func:`read` and :func:`iter_batches` take HDF5 (pandas frames, plain arrays), CSV, Parquet, npz,
npy and idx and give a :class:`Table`: a frame of float features, integer labels and a count of
dropped rows. A row may also be an image or an event of many particles: :func:`describe` tells. Bad
files end in a :class:`~skdqm.exceptions.DataError` of one line that names the file.
"""

from skdqm.io._atomic import atomic_path
from skdqm.io._read import describe, iter_batches, read
from skdqm.io._table import FileSummary, Table
from skdqm.io._write import write_batches

__all__ = [
    "FileSummary",
    "Table",
    "atomic_path",
    "describe",
    "iter_batches",
    "read",
    "write_batches",
]
