"""A module scored in tiles: a row's output is its own, to the bit."""

import numpy as np
import pytest
import torch
from torch import nn

from skdqm.nn import ModuleForward, RowByRowForward, RowLinear, conv_decoder, conv_encoder, in_tiles

RNG = np.random.default_rng(0)


def modules() -> list[nn.Module]:
    torch.manual_seed(0)
    return [
        conv_encoder((2, 13, 11), [8, 16], 5, "tanh"),
        nn.Sequential(RowLinear(286, 64), nn.ReLU(), nn.BatchNorm1d(64), RowLinear(64, 3)),
        nn.Sequential(RowLinear(286, 5), conv_decoder((2, 13, 11), [8, 16], 5, "relu")),
    ]


@pytest.mark.parametrize("module", modules())
def test_an_output_does_not_depend_on_the_batch_to_the_bit(module: nn.Module) -> None:
    X = RNG.normal(size=(203, 286))
    forward = ModuleForward(module)
    together = in_tiles(forward, X)
    np.testing.assert_array_equal(in_tiles(forward, X[::-1]), together[::-1])
    alone = [in_tiles(forward, X[i : i + 1])[0] for i in (0, 100, 202)]
    np.testing.assert_array_equal(alone, together[[0, 100, 202]])


def test_a_module_of_which_nothing_is_known_gives_each_row_the_same_anywhere() -> None:
    module = nn.Sequential(nn.Linear(286, 128), nn.Tanh(), nn.Linear(128, 2))
    X = RNG.normal(size=(50, 286))
    together = in_tiles(RowByRowForward(module), X)
    np.testing.assert_array_equal(in_tiles(RowByRowForward(module), X[::-1]), together[::-1])
    np.testing.assert_allclose(together, in_tiles(ModuleForward(module), X), rtol=1e-3, atol=1e-5)


def test_the_output_is_that_of_the_module_in_evaluation_mode() -> None:
    module = nn.Sequential(nn.Dropout(0.9), nn.Linear(4, 2)).train()
    X = RNG.normal(size=(3, 8, 4))
    found = ModuleForward(module)(X)
    expected = module[1](torch.from_numpy(X).float()).detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_several_outputs_stay_several() -> None:
    class Both(nn.Module):
        def forward(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return rows, rows.sum(dim=-1)

    first, second = ModuleForward(Both())(np.ones((3, 8, 4)))
    assert first.shape == (3, 8, 4)
    assert second.shape == (3, 8)


def test_the_users_number_of_threads_comes_back() -> None:
    torch.set_num_threads(2)
    try:
        ModuleForward(nn.Linear(4, 2))(np.ones((1, 8, 4)))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
