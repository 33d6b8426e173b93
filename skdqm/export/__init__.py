"""Export to formats that other programs run: ONNX and torch.export.

Scalers, network, score and threshold become one program, which takes rows and gives anomaly scores
and flags; before its file appears, its scores are compared with those of the model.
"""

from skdqm.export._onnx import to_onnx
from skdqm.export._torch import to_torch

__all__ = ["to_onnx", "to_torch"]
