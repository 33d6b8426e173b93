"""Dense networks: the numpy pass gives what the torch module gives."""

import numpy as np
import pytest
import torch

from skdqm.nn import ACTIVATIONS, DenseAutoencoder, DenseForward, DenseVAE, dense_layers


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_the_numpy_pass_equals_the_module(activation: str, dropout: float) -> None:
    torch.manual_seed(0)
    layers = dense_layers([6, 8, 4, 3], activation, dropout).double().eval()
    X = np.random.default_rng(0).normal(size=(50, 6)) * 3
    with torch.inference_mode():
        expected = layers(torch.from_numpy(X)).numpy()
    np.testing.assert_allclose(DenseForward(layers)(X), expected, rtol=1e-5, atol=1e-6)


def test_the_decoder_mirrors_the_encoder() -> None:
    module = DenseAutoencoder(10, hidden_layer_sizes=(8, 5), latent_dim=3, activation="relu")
    widths = [layer.out_features for layer in module.encoder if hasattr(layer, "out_features")]
    mirrored = [layer.out_features for layer in module.decoder if hasattr(layer, "out_features")]
    assert widths == [8, 5, 3]
    assert mirrored == [5, 8, 10]


def test_no_hidden_layer_is_a_linear_autoencoder() -> None:
    module = DenseAutoencoder(4, hidden_layer_sizes=(), latent_dim=2, activation="relu")
    assert module(torch.zeros(3, 4)).shape == (3, 4)


def test_the_variational_module_draws_around_its_mean() -> None:
    module = DenseVAE(4, hidden_layer_sizes=(6,), latent_dim=2, activation="tanh")
    first, mean, log_variance = module(torch.ones(5, 4))
    second, *_ = module(torch.ones(5, 4))
    assert first.shape == (5, 4)
    assert mean.shape == log_variance.shape == (5, 2)
    assert not torch.equal(first, second)
