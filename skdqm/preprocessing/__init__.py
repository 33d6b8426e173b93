"""Transformers: raw columns or particle lists to physics features and images, values to ranks."""

from skdqm.preprocessing._jet_clusterer import JetClusterer
from skdqm.preprocessing._jet_constituents import JetConstituents
from skdqm.preprocessing._jet_features import LHCO_COLUMNS, JetFeatures
from skdqm.preprocessing._jet_images import JetImages
from skdqm.preprocessing._normal_scores import NormalScores
from skdqm.preprocessing._oriented_gradients import OrientedGradients

__all__ = [
    "LHCO_COLUMNS",
    "JetClusterer",
    "JetConstituents",
    "JetFeatures",
    "JetImages",
    "NormalScores",
    "OrientedGradients",
]
