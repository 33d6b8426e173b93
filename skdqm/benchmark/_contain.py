"""Contenders of other packages are contained as those are that detectors wrap."""

from skdqm.detectors._contain import contained

__all__ = ["contained"]
