"""Transformers: particles to features and images, histograms of lumisections to comparable ones.

Those of lumisections (:class:`HistogramNormalizer`, :class:`LumisectionSum`,
:class:`OccupancyCorrection`, :class:`ChannelMask`) give a data frame for a data frame, so that its
index, the run and the lumisection, survives a Pipeline.
"""

from skdqm.preprocessing._channel_mask import ChannelMask
from skdqm.preprocessing._histogram_normalizer import HistogramNormalizer
from skdqm.preprocessing._jet_clusterer import JetClusterer
from skdqm.preprocessing._jet_constituents import JetConstituents
from skdqm.preprocessing._jet_features import LHCO_COLUMNS, JetFeatures
from skdqm.preprocessing._jet_images import JetImages
from skdqm.preprocessing._lumisection_sum import LumisectionSum
from skdqm.preprocessing._normal_scores import NormalScores
from skdqm.preprocessing._occupancy_correction import OccupancyCorrection
from skdqm.preprocessing._oriented_gradients import OrientedGradients

__all__ = [
    "LHCO_COLUMNS",
    "ChannelMask",
    "HistogramNormalizer",
    "JetClusterer",
    "JetConstituents",
    "JetFeatures",
    "JetImages",
    "LumisectionSum",
    "NormalScores",
    "OccupancyCorrection",
    "OrientedGradients",
]
