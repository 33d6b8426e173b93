"""A torch module as a function of tiles of rows, for scoring."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from skdqm.nn._threads import one_thread

Outputs = NDArray[np.float32] | tuple[NDArray[np.float32], ...]


class ModuleForward:
    """A module that maps rows to rows, run tile by tile: no row depends on its batch.

    Kernels of torch may round differently for batches of different sizes. Here each run sees as
    many rows as there are in a tile, in float32, on one thread. Within a tile, a matrix product
    may still round by the row's place: modules take :class:`RowLinear` for theirs, and a module
    that one knows nothing of is run by :class:`RowByRowForward`.

    Parameters
    ----------
    module : torch.nn.Module
        Takes a tensor of shape (n_rows, ...), gives one or several of as many rows. It runs in
        evaluation mode, on the CPU.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module.eval()

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
