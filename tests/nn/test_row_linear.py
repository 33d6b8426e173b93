"""A linear layer whose results do not depend on the place in a tile."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skdqm.nn import RowLinear


@settings(max_examples=60)
@given(n_in=st.integers(1, 200), n_out=st.integers(1, 8), turn=st.integers(1, 7))
def test_a_row_gives_the_same_to_the_bit_in_every_place(n_in: int, n_out: int, turn: int) -> None:
    torch.manual_seed(0)
    layer, rows = RowLinear(n_in, n_out).eval(), torch.randn(8, n_in)
    turned = layer(torch.roll(rows, turn, 0))
    assert torch.equal(torch.roll(turned, -turn, 0), layer(rows))


@pytest.mark.parametrize("n_rows", [1, 8, 9])
def test_it_is_a_linear_layer_with_gradients(n_rows: int) -> None:
    layer, rows = RowLinear(5, 3).eval(), torch.randn(n_rows, 5, requires_grad=True)
    found = layer(rows)
    torch.testing.assert_close(found, rows @ layer.weight.t() + layer.bias)
    found.sum().backward()
    torch.testing.assert_close(rows.grad, layer.weight.sum(dim=0).expand(n_rows, -1))
