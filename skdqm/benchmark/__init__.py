"""Honest comparisons with other packages: same arrays, same layers, same process, one run.

Absolute times belong to the machine and the moment; compare the ratios of one run.
"""

from skdqm.benchmark._contenders import CONTENDERS
from skdqm.benchmark._speed import SpeedResult, speed

__all__ = ["CONTENDERS", "SpeedResult", "speed"]
