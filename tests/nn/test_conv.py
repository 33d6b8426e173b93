"""Convolutional networks: any size of image, pixels that do not exist."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skdqm.nn import ConvAutoencoder, ConvVAE


def autoencoder(shape: tuple[int, int, int], **options: object) -> ConvAutoencoder:
    torch.manual_seed(0)
    sizes = {"hidden_channels": [4, 8], "latent_dim": 3, "activation": "relu"}
    return ConvAutoencoder(int(np.prod(shape)), image_shape=shape, **{**sizes, **options})


@settings(max_examples=25)
@given(shape=st.tuples(st.integers(1, 3), st.integers(1, 17), st.integers(1, 17)))
def test_an_image_of_any_size_comes_back_in_its_size(shape: tuple[int, int, int]) -> None:
    module = autoencoder(shape)
    rows = torch.randn(2, int(np.prod(shape)))
    assert module.encoder(rows).shape == (2, 3)
    assert module(rows).shape == rows.shape


@pytest.mark.parametrize("hidden_channels", [[4], [4, 8, 8, 16]])
def test_more_halvings_than_the_image_has_pixels_are_fine(hidden_channels: list[int]) -> None:
    module = autoencoder((1, 3, 5), hidden_channels=hidden_channels)
    assert module(torch.randn(2, 15)).shape == (2, 15)


def test_it_learns_to_restore_what_it_sees() -> None:
    module = autoencoder((1, 6, 6), latent_dim=4)
    rows = torch.randn(16, 4) @ torch.randn(4, 36)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
    losses = []
    for _ in range(300):
        loss = ((module(rows) - rows) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]


def test_pixels_that_do_not_exist_come_out_as_zero_and_teach_nothing() -> None:
    mask = np.arange(12) % 3 > 0
    module = autoencoder((1, 3, 4), mask=mask)
    output = module(torch.randn(2, 12))
    assert (output[:, ~mask] == 0).all()
    output[:, ~mask].sum().backward()
    assert all((p.grad is None) or (p.grad == 0).all() for p in module.parameters())


def test_noise_is_there_in_training_alone() -> None:
    module, rows = autoencoder((1, 3, 4), noise=1.0), torch.randn(2, 12)
    assert not torch.equal(module.train()(rows), module(rows))
    assert torch.equal(module.eval()(rows), module(rows))


def test_the_variational_kind_draws_around_the_latent_mean() -> None:
    torch.manual_seed(0)
    module = ConvVAE(
        12, image_shape=(1, 3, 4), hidden_channels=[4], latent_dim=3, activation="relu"
    )
    rows = torch.randn(2, 12)
    draws = [module(rows) for _ in range(2)]
    assert not torch.equal(draws[0][0], draws[1][0])
    assert draws[0][1].shape == draws[0][2].shape == (2, 3)
    assert torch.equal(draws[0][1], draws[1][1])
