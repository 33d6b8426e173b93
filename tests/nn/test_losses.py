"""Losses: one definition gives torch's values, in numpy too."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from skdqm.nn import LOSSES, ReconstructionLoss

REFERENCES = {
    "squared": lambda z, x: functional.mse_loss(z, x, reduction="none"),
    "absolute": lambda z, x: functional.l1_loss(z, x, reduction="none"),
    "huber": lambda z, x: 2 * functional.huber_loss(z, x, reduction="none"),
}


@pytest.fixture
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    output = 3 * torch.randn(50, 4, generator=generator, dtype=torch.float64)
    return output, torch.poisson(torch.full((50, 4), 2.0), generator=generator).double()


@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_the_loss_is_the_one_of_torch(name: str, pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    torch.testing.assert_close(LOSSES[name](*pair, torch), REFERENCES[name](*pair))


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_numpy_and_torch_agree(name: str, pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    in_torch = LOSSES[name](*pair, torch).numpy()
    in_numpy = LOSSES[name](*(tensor.numpy() for tensor in pair), np)
    np.testing.assert_allclose(in_numpy, in_torch, rtol=1e-12)
    assert float(ReconstructionLoss(name)(*pair)) == pytest.approx(in_numpy.mean())


def test_the_poisson_deviance_keeps_its_digits_for_large_counts() -> None:
    counts = torch.tensor([1e4, 1e6, 1e7])
    rates = counts + counts.sqrt()  # one standard deviation off: a deviance of about one
    single = LOSSES["poisson"](rates.log(), counts, torch)
    assert single.numpy() == pytest.approx(np.ones(3), rel=0.1)


def test_the_gradient_of_the_poisson_deviance_is_finite_without_counts() -> None:
    log_rate = torch.tensor([5.0, -5.0], requires_grad=True)
    LOSSES["poisson"](log_rate, torch.zeros(2), torch).sum().backward()
    torch.testing.assert_close(log_rate.grad, 2 * log_rate.exp().detach())


def test_the_poisson_deviance_is_zero_at_the_count_and_positive_elsewhere() -> None:
    counts = np.array([1.0, 4.0, 100.0])
    np.testing.assert_allclose(LOSSES["poisson"](np.log(counts), counts, np), 0, atol=1e-12)
    assert (LOSSES["poisson"](np.log(counts) + 0.1, counts, np) > 0).all()
    assert LOSSES["poisson"](np.log(3.0), np.array(0.0), np) == pytest.approx(6.0)
