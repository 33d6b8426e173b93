"""Model files: one safetensors file of arrays and JSON, with nothing in it that runs.

A file holds a detector, or a whole Pipeline of transformers and a detector: parameters, fitted
state, optimiser state, versions and a checksum. Classes are looked up in :mod:`skdqm.registry`.
"""

from skdqm.persistence._file import load, read_metadata, save

__all__ = ["load", "read_metadata", "save"]
