"""A module scored in tiles: a row's output is its own, to the bit."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from skdqm.nn import (
    ACTIVATIONS,
    ModuleForward,
    RowByRowForward,
    conv_decoder,
    conv_encoder,
    in_tiles,
)

RNG = np.random.default_rng(0)


def modules() -> list[nn.Module]:
    torch.manual_seed(0)
    return [
        conv_encoder((2, 13, 11), [8, 16], 5, "tanh"),
        nn.Sequential(nn.Linear(286, 64), nn.ReLU(), nn.BatchNorm1d(64), nn.Linear(64, 3)),
        nn.Sequential(nn.Linear(286, 5), conv_decoder((2, 13, 11), [8, 16], 5, "relu")),
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


@settings(max_examples=40)
@given(
    channels=st.lists(st.integers(1, 11), min_size=1, max_size=2),
    activation=st.sampled_from(sorted(ACTIVATIONS)),
    n_outputs=st.integers(1, 4),
)
def test_no_width_and_no_activation_makes_a_row_depend_on_its_place(
    channels: list[int], activation: str, n_outputs: int
) -> None:
    torch.manual_seed(0)
    encoder = conv_encoder((1, 6, 10), channels, n_outputs, activation)
    decoder = conv_decoder((1, 6, 10), channels, n_outputs, activation)
    forward = ModuleForward(nn.Sequential(encoder, decoder))
    X = RNG.normal(size=(24, 60))
    together = in_tiles(forward, X)
    for turn in (1, 3, 5):
        turned = in_tiles(forward, np.roll(X, turn, axis=0))
        np.testing.assert_array_equal(np.roll(turned, -turn, axis=0), together)


def test_the_module_that_trains_is_not_touched() -> None:
    module = nn.Sequential(nn.Linear(4, 2), nn.SiLU()).train()
    ModuleForward(module)
    assert [type(layer) for layer in module] == [nn.Linear, nn.SiLU]
    assert module.training


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
