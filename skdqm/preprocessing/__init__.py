"""Transformers from raw columns to physics features."""

from skdqm.preprocessing._jet_features import LHCO_COLUMNS, JetFeatures

__all__ = ["LHCO_COLUMNS", "JetFeatures"]
