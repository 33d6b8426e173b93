"""More than one process, or more than one machine: scores, verdicts and updates with Dask.

:func:`score` and :func:`verdicts` take dask arrays, dask data frames and files, and give dask
collections; :func:`partial_fit` learns from them, one partition after the other. :func:`workers`
connects to a cluster, or starts one on this machine, and :func:`in_order` lets it work on a stream
of batches that this process reads. Needs the extra ``dask``.
"""

from skdqm.distributed._cluster import workers
from skdqm.distributed._in_order import in_order
from skdqm.distributed._partial_fit import partial_fit
from skdqm.distributed._score import score, verdicts

__all__ = ["in_order", "partial_fit", "score", "verdicts", "workers"]
