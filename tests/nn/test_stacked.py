"""Stacked networks: each one computes, and learns, what it would alone."""

import numpy as np
import pytest
import torch
from torch import nn

from skdqm.nn import (
    DenseForward,
    DenseVAE,
    ReconstructionLoss,
    StackedLinear,
    StackedLoss,
    StackedNoise,
    dense_layers,
)


def test_a_layer_is_as_many_linear_layers_with_their_first_weights() -> None:
    torch.manual_seed(0)
    stacked = StackedLinear(4, 2, n_members=3)
    torch.manual_seed(0)
    alone = [nn.Linear(4, 2) for _ in range(3)]
    rows = torch.randn(3, 5, 4)
    expected = torch.stack([layer(part) for layer, part in zip(alone, rows, strict=True)])
    torch.testing.assert_close(stacked(rows), expected)


def test_every_member_gets_the_same_rows_and_noise_of_its_own() -> None:
    noise, rows = StackedNoise(1.0, n_members=2), torch.ones(500, 3)
    noisy = noise(rows)
    assert noisy.shape == (2, 500, 3)
    assert abs(np.corrcoef(*noisy.flatten(1))[0, 1]) < 0.2
    assert torch.equal(noise.eval()(rows), torch.ones(2, 500, 3))


def test_the_loss_is_the_mean_over_members_and_its_gradient_that_of_their_sum() -> None:
    output, target = torch.randn(3, 5, 4, requires_grad=True), torch.randn(5, 4)
    loss = StackedLoss(ReconstructionLoss("squared"), 3)(output, target)
    torch.testing.assert_close(loss, ((output - target) ** 2).mean())
    (gradient,) = torch.autograd.grad(loss, output)
    torch.testing.assert_close(gradient, 2 * (output - target) / target.numel())


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_the_numpy_pass_of_tiles_equals_the_module(dropout: float) -> None:
    torch.manual_seed(0)
    layers = dense_layers([6, 8, 3], "gelu", dropout, n_members=4).eval()
    tiles = np.random.default_rng(0).normal(size=(7, 8, 6)).astype(np.float32)
    with torch.inference_mode():
        expected = layers(torch.from_numpy(tiles).reshape(1, 56, 6).expand(4, -1, -1))
    given = DenseForward(layers)(tiles)
    assert given.shape == (4, 7, 8, 3)
    np.testing.assert_allclose(given.reshape(4, 56, 3), expected, rtol=1e-5, atol=1e-6)


def test_members_of_a_variational_module_draw_each_for_itself() -> None:
    module = DenseVAE(4, hidden_layer_sizes=(6,), latent_dim=2, activation="tanh", n_members=3)
    for parameter in module.parameters():
        nn.init.constant_(parameter, 0.1)
    restored, mean, log_variance = module(torch.ones(5, 4))
    assert restored.shape == (3, 5, 4)
    assert mean.shape == log_variance.shape == (3, 5, 2)
    assert not torch.equal(restored[0], restored[1])
