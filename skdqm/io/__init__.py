"""Read tables of numbers from files, whole or in batches, and write results.

:func:`read` and :func:`iter_batches` take HDF5 (pandas frames, plain arrays), CSV, Parquet, npz,
npy, idx and ROOT and give a :class:`Table`: a frame of float features, integer labels and a count
of dropped rows. A row may also be an image or an event of many particles: :func:`describe` tells.
Bad files end in a :class:`~skdqm.exceptions.DataError` of one line that names the file.

:func:`read_histograms` reads histograms by lumisection, one :class:`Histograms` for each monitoring
element, and :func:`write_histograms` keeps them in Parquet. :class:`LumisectionRanges` are the good
lumisections of a golden JSON (:func:`read_golden_json`, :func:`write_golden_json`), and
:func:`lost_luminosity` says what they cost.
"""

from skdqm.io._atomic import atomic_path
from skdqm.io._golden_json import read_golden_json, write_golden_json
from skdqm.io._histograms import Histograms, join_histograms
from skdqm.io._histograms_read import read_histograms
from skdqm.io._histograms_write import write_histograms
from skdqm.io._luminosity import lost_luminosity
from skdqm.io._lumisection_ranges import LumisectionRanges
from skdqm.io._read import describe, iter_batches, read
from skdqm.io._table import FileSummary, Table
from skdqm.io._write import write_batches

__all__ = [
    "FileSummary",
    "Histograms",
    "LumisectionRanges",
    "Table",
    "atomic_path",
    "describe",
    "iter_batches",
    "join_histograms",
    "lost_luminosity",
    "read",
    "read_golden_json",
    "read_histograms",
    "write_batches",
    "write_golden_json",
    "write_histograms",
]
