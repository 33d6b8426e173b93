"""Honest comparisons with other packages: same rows, same process, one run.

:func:`tabular`, :func:`lhco` and :func:`images` measure how well detectors rank anomalies,
:func:`dqm` how well they monitor a detector, forward in time, :func:`continual` how well they
follow one that drifts, :func:`drift` when monitors see that it does, :func:`stream` how events are
judged one by one, :func:`growth` and :func:`speed` how long detectors take. Absolute times belong
to the machine and the moment; compare the ratios of one run. Figures of merit do not depend on the
number of processes.
A script that asks for several processes starts them under ``if __name__ == "__main__":``.
"""

from skdqm.benchmark._compare import Comparison, Standing, compare
from skdqm.benchmark._continual import ContinualResult, continual
from skdqm.benchmark._dqm import DqmResult, dqm
from skdqm.benchmark._drift import DriftResult, drift
from skdqm.benchmark._growth import GrowthResult, growth
from skdqm.benchmark._images import images
from skdqm.benchmark._lhco import lhco
from skdqm.benchmark._networks import CONTENDERS
from skdqm.benchmark._rank_picture import save_rank_picture
from skdqm.benchmark._results import BenchResult
from skdqm.benchmark._speed import SpeedResult, speed
from skdqm.benchmark._stream import StreamResult, stream
from skdqm.benchmark._tabular import TabularResult, tabular

__all__ = [
    "CONTENDERS",
    "BenchResult",
    "Comparison",
    "ContinualResult",
    "DqmResult",
    "DriftResult",
    "GrowthResult",
    "SpeedResult",
    "Standing",
    "StreamResult",
    "TabularResult",
    "compare",
    "continual",
    "dqm",
    "drift",
    "growth",
    "images",
    "lhco",
    "save_rank_picture",
    "speed",
    "stream",
    "tabular",
]
