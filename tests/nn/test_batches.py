"""Batches: every row once in a pass, in an order that only the given generator decides."""

import pytest
import torch
from torch.utils.data import TensorDataset

from skdqm.nn import TensorBatches

ROWS = torch.arange(10)


@pytest.mark.parametrize(("size", "n_batches"), [(1, 10), (3, 4), (10, 1), (64, 1)])
def test_a_pass_sees_every_row_once(size: int, n_batches: int) -> None:
    for generator in (None, torch.Generator().manual_seed(0)):
        batches = TensorBatches(TensorDataset(ROWS, -ROWS), size, generator)
        seen = list(batches)
        assert len(seen) == len(batches) == n_batches
        rows = torch.cat([batch[0] for batch in seen])
        assert rows.sort().values.tolist() == list(range(10))
        assert torch.equal(rows, -torch.cat([batch[1] for batch in seen]))


def test_each_pass_draws_a_new_order_from_its_own_generator() -> None:
    def orders() -> list[list[int]]:
        batches = TensorBatches(TensorDataset(ROWS), 10, torch.Generator().manual_seed(1))
        return [next(iter(batches))[0].tolist() for _ in range(2)]

    before = torch.get_rng_state()
    assert orders() == orders()
    assert orders()[0] != orders()[1]
    assert torch.equal(torch.get_rng_state(), before)
