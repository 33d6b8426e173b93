"""Networks of one shape, stacked: one step trains them all, and each as if it were alone.

What they give has the member first: (n_members, n_rows, n_outputs).
"""

import torch
from torch import nn

from skdqm.nn._noise import GaussianNoise


class StackedLinear(nn.Module):
    """A linear layer of each of several networks, each with the first weights of its own.

    Parameters
    ----------
    in_features : int
        Width of the input.
    out_features : int
        Width of the output.
    n_members : int
        Number of networks.

    Examples
    --------
    >>> import torch
    >>> from skdqm.nn import StackedLinear
    >>> StackedLinear(4, 2, n_members=3)(torch.zeros(3, 5, 4)).shape
    torch.Size([3, 5, 2])
    """

    def __init__(self, in_features: int, out_features: int, n_members: int) -> None:
        super().__init__()
        members = [nn.Linear(in_features, out_features) for _ in range(n_members)]
        # Inputs first: products with these were faster than with transposed ones.
        self.weight = nn.Parameter(torch.stack([member.weight.detach().T for member in members]))
        self.bias = nn.Parameter(torch.stack([member.bias.detach()[None] for member in members]))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Map a tensor of shape (n_members, n_rows, in_features) to (..., out_features)."""
        return torch.baddbmm(self.bias, rows, self.weight)


class StackedNoise(GaussianNoise):
    """Give every network the same rows, while training with noise of its own.

    Parameters
    ----------
    standard_deviation : float
        Standard deviation of the noise, in units of the input.
    n_members : int
        Number of networks.
    """

    def __init__(self, standard_deviation: float, n_members: int) -> None:
        super().__init__(standard_deviation)
        self.n_members = n_members

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Map a tensor of shape (n_rows, n_features) to (n_members, n_rows, n_features)."""
        return super().forward(rows.expand(self.n_members, *rows.shape))


class StackedLoss(nn.Module):
    """The mean loss over networks, with the gradient of their sum.

    Each network gets the gradient that it would get alone, however many there are.

    Parameters
    ----------
    loss : torch.nn.Module
        Gives the mean over networks, rows and features.
    n_members : int
        Number of networks.
    """

    def __init__(self, loss: nn.Module, n_members: int) -> None:
        super().__init__()
        self.loss = loss
        self.n_members = n_members

    def forward(
        self, output: torch.Tensor | tuple[torch.Tensor, ...], target: torch.Tensor
    ) -> torch.Tensor:
        """Return the mean loss of a batch."""
        mean: torch.Tensor = self.loss(output, target)
        # What is added is zero, but its gradient is not.
        return mean + (self.n_members - 1) * (mean - mean.detach())
