"""Seeded generators of events and detector readings, and public data sets."""

from skdqm.datasets._detector import DetectorFaults, make_detector_data
from skdqm.datasets._fashion_mnist import fetch_fashion_mnist
from skdqm.datasets._fetch import fetch_lhco_events, fetch_lhco_features
from skdqm.datasets._jets import make_jet_events
from skdqm.datasets._lhco import make_lhco_events

__all__ = [
    "DetectorFaults",
    "fetch_fashion_mnist",
    "fetch_lhco_events",
    "fetch_lhco_features",
    "make_detector_data",
    "make_jet_events",
    "make_lhco_events",
]
