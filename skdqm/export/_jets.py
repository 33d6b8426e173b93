"""LHC Olympics columns to kinematics and substructure, as a torch module."""

import math

import numpy as np
import torch

from skdqm.export._buffers import Buffers

LIMITS = np.finfo(np.float64)
# Beyond this, x and the square root of x * x + 1 are one number.
LARGE = 1e8
N_COLUMNS = 7


class JetColumns(Buffers):
    """What :class:`~skdqm.preprocessing.JetFeatures` computes.

    Parameters
    ----------
    dijet : bool
        Also give the mass of both jets together, and the difference of their masses.
    """

    lowest: torch.Tensor
    largest: torch.Tensor
    tiny: torch.Tensor
    log_two: torch.Tensor

    def __init__(self, *, dijet: bool) -> None:
        lowest, largest, tiny = float(LIMITS.min), float(LIMITS.max), float(LIMITS.tiny)
        super().__init__(lowest=lowest, largest=largest, tiny=tiny, log_two=math.log(2))
        self.dijet = dijet

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Map (n_rows, 14) to (n_rows, 10) or (n_rows, 12)."""
        jets = rows.reshape(-1, 2, N_COLUMNS)
        features = [column for jet in jets.unbind(dim=1) for column in self.of_jet(jet)]
        if self.dijet:
            features += [_dijet_mass(jets[..., :4]), (features[2] - features[7]).abs()]
        return self.cut(torch.stack(features, dim=-1))

    def cut(self, values: torch.Tensor) -> torch.Tensor:
        """Return values, the largest finite number in place of infinity."""
        return values.maximum(self.lowest).minimum(self.largest)

    def of_jet(self, jet: torch.Tensor) -> list[torch.Tensor]:
        """Return pt, eta, m, tau21 and tau32."""
        px, py, pz, mass, tau1, tau2, tau3 = jet.unbind(dim=-1)
        pt = _length(torch.stack([px, py], dim=-1))
        eta = self.asinh(self.cut(pz / pt.maximum(self.tiny)))
        return [pt, eta, mass.clamp(min=0), _ratio(tau2, tau1), _ratio(tau3, tau2)]

    def asinh(self, values: torch.Tensor) -> torch.Tensor:
        """Return asinh, which ONNX Runtime has in single precision only."""
        size = values.abs()
        near = size.clamp(max=LARGE)
        # Digits of small values are lost by a plain logarithm of a sum.
        small = (near + near * near / (1 + (near * near + 1).sqrt())).log1p()
        large = size.clamp(min=1).log() + self.log_two
        return values.sign() * torch.where(size > LARGE, large, small)


def _length(vectors: torch.Tensor) -> torch.Tensor:
    """Return lengths; in units of the largest component, squares do not overflow."""
    unit = vectors.abs().amax(dim=-1, keepdim=True)
    return unit[..., 0] * _ratio(vectors, unit).square().sum(dim=-1).sqrt()


def _ratio(numerator: torch.Tensor, denominator: torch.Tensor) -> torch.Tensor:
    """Divide, with 0 where the denominator is 0."""
    is_zero = denominator == 0
    return (numerator / denominator.where(~is_zero, 1.0)).where(~is_zero, 0.0)


def _dijet_mass(jets: torch.Tensor) -> torch.Tensor:
    """Return the invariant mass of two jets, given (px, py, pz, m) as (n, 2, 4)."""
    unit = jets.abs().amax(dim=(1, 2))
    share = _ratio(jets, unit[:, None, None])
    momentum, mass = share[..., :3], share[..., 3].clamp(min=0)
    energy = (momentum.square().sum(dim=2) + mass.square()).sqrt().sum(dim=1)
    total = momentum.sum(dim=1)
    return unit * (energy.square() - total.square().sum(dim=1)).clamp(min=0).sqrt()
