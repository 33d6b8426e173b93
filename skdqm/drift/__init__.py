"""Changes of a stream: of scores, of features, of latent coordinates.

:class:`DriftMonitor` watches a stream in blocks, with limits that follow from the false alarms that
are accepted; :func:`two_sample_test` compares two sets of independent rows and says which
features differ.
"""

from skdqm.drift._monitor import DriftMonitor
from skdqm.drift._two_sample import TwoSampleResult, two_sample_test

__all__ = ["DriftMonitor", "TwoSampleResult", "two_sample_test"]
