"""Mini-batches sliced from whole tensors, in place of torch's row-by-row loader."""

import math
from collections.abc import Iterator, Sequence

import torch


class TensorBatches:
    """Iterate over a tensor dataset in batches; each pass draws a new order.

    torch's own loader collates row by row, and draws from the global random generator even
    when it does not shuffle.

    Parameters
    ----------
    dataset : torch.utils.data.TensorDataset
        An input and a target of equal length, or one tensor that is its own target.
    batch_size : int
        Rows in a batch; the last one may be smaller.
    generator : torch.Generator or None, default=None
        Draws the order; rows come in their own order without one.
    """

    def __init__(
        self,
        dataset: torch.utils.data.TensorDataset,
        batch_size: int,
        generator: torch.Generator | None = None,
    ) -> None:
        self.tensors: Sequence[torch.Tensor] = dataset.tensors
        self.batch_size = batch_size
        self.generator = generator

    def __len__(self) -> int:
        return math.ceil(len(self.tensors[0]) / self.batch_size)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        order = None
        if self.generator is not None:
            order = torch.randperm(len(self.tensors[0]), generator=self.generator)
            order = order.to(self.tensors[0].device)
        for start in range(0, len(self.tensors[0]), self.batch_size):
            rows = slice(start, start + self.batch_size)
            batch = [
                tensor[rows] if order is None else tensor.index_select(0, order[rows])
                for tensor in self.tensors
            ]
            yield batch[0], batch[-1]
