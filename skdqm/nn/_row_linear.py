"""A linear layer whose results, in a tile of rows, do not depend on the place in the tile."""

import torch
from torch import nn

from skdqm.nn._tiles import TILE_ROWS


class RowLinear(nn.Linear):
    """A linear layer that treats the rows of a tile one by one.

    A matrix product of few columns may round differently from row to row. As many products of a
    single row with the matrix, all of one shape, cannot; so a layer that scores takes those.

    Parameters
    ----------
    in_features, out_features : int
        What it maps from and to.

    Examples
    --------
    >>> import torch
    >>> from skdqm.nn import RowLinear
    >>> RowLinear(64, 3).eval()(torch.zeros(8, 64)).shape
    torch.Size([8, 3])
    """

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__(in_features, out_features)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Map a tensor of shape (n_rows, in_features) to (n_rows, out_features)."""
        n_rows = len(rows)
        if self.training or n_rows > TILE_ROWS:
            return super().forward(rows)
        weight = self.weight.t().expand(n_rows, -1, -1)
        bias = self.bias.expand(n_rows, 1, -1)
        return torch.baddbmm(bias, rows[:, None], weight)[:, 0]
