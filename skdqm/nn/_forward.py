"""A torch module as a function of tiles of rows, for scoring."""

from copy import deepcopy
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from skdqm.nn._activations import ACTIVATIONS
from skdqm.nn._threads import one_thread

# Vectors of torch's kernels hold at most 16 numbers, and two are taken at a time.
WHOLE_VECTORS = 64
# Products of more rows than these were never found to round by place.
FEW_ROWS = 64


class RowLinear(nn.Module):
    """A linear layer that multiplies the rows of a tile one by one.

    Parameters
    ----------
    linear : torch.nn.Linear
        The layer.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.linear = linear

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Map a tensor of shape (..., in_features) to (..., out_features)."""
        if rows.ndim != 2 or len(rows) > FEW_ROWS:
            return cast("torch.Tensor", self.linear(rows))
        # As many products of one row with the matrix, all of one shape.
        weight = self.linear.weight.t().expand(len(rows), -1, -1)
        products = torch.bmm(rows[:, None], weight)[:, 0]
        bias = getattr(self.linear, "bias", None)
        return products if bias is None else products + bias


class PaddedActivation(nn.Module):
    """An activation that never meets the end of a tensor, where torch takes another code path.

    Parameters
    ----------
    activation : torch.nn.Module
        Treats every number alike.
    """

    def __init__(self, activation: nn.Module) -> None:
        super().__init__()
        self.activation = activation

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return as many numbers as are given, in their shape."""
        padded = functional.pad(values.flatten(), (0, -values.numel() % WHOLE_VECTORS))
        activated: torch.Tensor = self.activation(padded)[: values.numel()]
        return activated.reshape(values.shape)


REPLACED: dict[type[nn.Module], type[nn.Module]] = {
    nn.Linear: RowLinear,
    **{spec.module: PaddedActivation for spec in ACTIVATIONS.values()},
}


def treating_rows_alike(module: nn.Module) -> nn.Module:
    """Return a copy of a module, with its linear layers and activations replaced.

    Parameters
    ----------
    module : torch.nn.Module
        The module.

    Returns
    -------
    copied : torch.nn.Module
        The copy, in evaluation mode.
    """
    if type(module) in REPLACED:
        return REPLACED[type(module)](deepcopy(module)).eval()
    copied = deepcopy(module).eval()
    for name, child in copied.named_children():
        setattr(copied, name, treating_rows_alike(child))
    return copied


class ModuleForward:
    """A module that maps rows to rows, run tile by tile: no row depends on its batch.

    Kernels of torch may round differently for batches of different sizes. Here each run sees as
    many rows as there are in a tile, in float32, on one thread. Within a tile, products with a
    matrix of few columns and the ends of activations may still round by the row's place, so a copy
    of the module with ``RowLinear`` and ``PaddedActivation`` is run. What else a module
    does must treat rows alike; one of which nothing is known is run by :class:`RowByRowForward`.

    Parameters
    ----------
    module : torch.nn.Module
        Takes a tensor of shape (n_rows, ...), gives one or several of as many rows. It runs in
        evaluation mode, on the CPU.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = treating_rows_alike(module)

    def __call__(self, tiles: NDArray[Any]) -> Any:
        """Map an array of shape (n_tiles, tile_rows, ...) to (n_tiles, tile_rows, ...).

        Parameters
        ----------
        tiles : ndarray of shape (n_tiles, tile_rows, ...)
            Rows in tiles, as :func:`in_tiles` gives them.

        Returns
        -------
        outputs : ndarray or tuple of ndarray
            In float32, of what the module gives.
        """
        inputs = torch.from_numpy(np.ascontiguousarray(tiles, dtype=np.float32))
        with torch.inference_mode(), one_thread():
            outputs = [self.module(tile) for tile in inputs]
        if isinstance(outputs[0], tuple):
            return tuple(_stack(parts) for parts in zip(*outputs, strict=True))
        return _stack(outputs)


class RowByRowForward(ModuleForward):
    """A module of which nothing is known, run on one row at a time; slower.

    Parameters
    ----------
    module : torch.nn.Module
        Takes a tensor of shape (n_rows, ...), gives one of shape (n_rows, n_outputs).
    """

    def __call__(self, tiles: NDArray[Any]) -> Any:
        """Map an array of shape (n_tiles, tile_rows, ...) to (n_tiles, tile_rows, n_outputs)."""
        rows = tiles.reshape(-1, 1, *tiles.shape[2:])
        return super().__call__(rows).reshape(*tiles.shape[:2], -1)


def _stack(tiles: Any) -> NDArray[np.float32]:
    array: NDArray[np.float32] = torch.stack(list(tiles)).numpy()
    return array
