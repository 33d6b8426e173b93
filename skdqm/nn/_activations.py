"""Activation functions, each for torch (training) and for numpy (scoring)."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, expit
from torch import nn

Floats = NDArray[Any]


class Activation(NamedTuple):
    """One activation: the torch module, and the same function of an array."""

    module: type[nn.Module]
    function: Callable[[Floats], Floats]


def _relu(x: Floats) -> Floats:
    return np.maximum(x, 0)


def _leaky_relu(x: Floats) -> Floats:
    return np.maximum(x, 0.01 * x)


def _elu(x: Floats) -> Floats:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def _silu(x: Floats) -> Floats:
    return x * expit(x)


def _gelu(x: Floats) -> Floats:
    return 0.5 * x * (1 + erf(x / np.sqrt(2)))


ACTIVATIONS = {
    "relu": Activation(nn.ReLU, _relu),
    "leaky_relu": Activation(nn.LeakyReLU, _leaky_relu),
    "elu": Activation(nn.ELU, _elu),
    "silu": Activation(nn.SiLU, _silu),
    "gelu": Activation(nn.GELU, _gelu),
    "tanh": Activation(nn.Tanh, np.tanh),
}
