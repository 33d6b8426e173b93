"""Seeded generators of events, readings, streams and lumisections, and public data sets."""

from skdqm.datasets._detector import DetectorFaults, make_detector_data
from skdqm.datasets._drift_stream import DriftStreamTruth, make_drift_stream
from skdqm.datasets._fashion_mnist import fetch_fashion_mnist
from skdqm.datasets._faults import inject_faults
from skdqm.datasets._fetch import fetch_lhco_events, fetch_lhco_features
from skdqm.datasets._jets import make_jet_events
from skdqm.datasets._lhco import make_lhco_events
from skdqm.datasets._lumisections import LumisectionTruth, make_lumisections

__all__ = [
    "DetectorFaults",
    "DriftStreamTruth",
    "LumisectionTruth",
    "fetch_fashion_mnist",
    "fetch_lhco_events",
    "fetch_lhco_features",
    "inject_faults",
    "make_detector_data",
    "make_drift_stream",
    "make_jet_events",
    "make_lhco_events",
    "make_lumisections",
]
