"""Torch modules that hold numbers in double precision, as scoring does."""

from typing import Any

import numpy as np
import torch
from torch import nn


class Buffers(nn.Module):
    """A module that keeps arrays and floats given by name as tensors, and anything else as it is.

    Exporters turn plain floats into single precision first, where 1e-300 is zero.
    """

    def __init__(self, **values: Any) -> None:
        super().__init__()
        for name, value in values.items():
            if isinstance(value, (np.ndarray, float)):
                self.register_buffer(name, _tensor(value))
            else:
                setattr(self, name, value)


def _tensor(values: Any) -> torch.Tensor:
    """Return a tensor of its own: booleans stay, numbers are float64."""
    array = np.ascontiguousarray(values).reshape(np.shape(values))
    return torch.tensor(array if array.dtype == bool else array.astype(np.float64))
