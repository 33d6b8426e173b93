import numpy as np
import pytest
from torch import nn

from skdqm.benchmark._networks import CONTENDERS, BareLoop, Training
from skdqm.benchmark._quiet import quiet

X = np.random.default_rng(0).normal(size=(300, 6))


def linear_sizes(contender):
    net = getattr(contender, "model", None) or contender.net_
    module = getattr(net, "module_", net)
    return sorted(
        (layer.in_features, layer.out_features)
        for layer in module.modules()
        if isinstance(layer, nn.Linear)
    )


@pytest.fixture(scope="module")
def fitted():
    with quiet():
        return {name: make(Training(100, 2)).fit(X) for name, make in CONTENDERS.items()}


def test_the_autoencoders_have_layers_of_the_same_sizes(fitted):
    expected = [(6, 64), (32, 64), (64, 6), (64, 32)]
    for name in ("skdqm AutoencoderDetector", "PyOD AutoEncoder", "bare torch loop"):
        assert linear_sizes(fitted[name]) == expected, name


def test_the_variational_autoencoders_have_equally_many_weights(fitted):
    counts = {
        sum(a * b for a, b in linear_sizes(fitted[name]))
        for name in ("skdqm VAEDetector", "PyOD VAE")
    }
    assert len(counts) == 1


def test_every_contender_scores_one_row_and_many(fitted):
    with quiet():
        for contender in fitted.values():
            assert contender.decision_function(X).shape == (300,)
            assert np.isfinite(contender.decision_function(X[:1])).all()


def test_the_bare_loop_does_learn():
    with quiet():
        short, long = (BareLoop(Training(50, epochs)).fit(X) for epochs in (1, 60))
        assert long.decision_function(X).mean() < 0.5 * short.decision_function(X).mean()
