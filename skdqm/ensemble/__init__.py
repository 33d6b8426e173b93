"""Detectors made of detectors: blends and votes of any of them on one scale."""

from skdqm.ensemble._auto import AutoDetector
from skdqm.ensemble._ensemble import EnsembleDetector, default_detectors

__all__ = ["AutoDetector", "EnsembleDetector", "default_detectors"]
