"""What a network sees of rows, and what the losses compare, as torch modules.

The arithmetic is that of ``_values``, ``_standardise`` and ``_decode`` of the detectors: float64.
"""

from typing import Any

import torch
from numpy.typing import NDArray

from skdqm.detectors._reconstruction import LARGEST_COUNT
from skdqm.export._buffers import Buffers
from skdqm.nn import SMALLEST_TOTAL, log_exposure


class Features(Buffers):
    """Standardise features, those that do not exist at zero.

    Parameters
    ----------
    location, scale : ndarray of shape (n_features,)
        What is taken off, and what is divided by.
    bounds : ndarray of shape (2, n_features)
        Values beyond them are cut.
    exists : ndarray of bool of shape (n_features,) or None
        False where a pixel does not exist.
    """

    location: torch.Tensor
    scale: torch.Tensor
    bounds: torch.Tensor
    exists: torch.Tensor | None

    def __init__(
        self,
        location: NDArray[Any],
        scale: NDArray[Any],
        bounds: NDArray[Any],
        exists: NDArray[Any] | None = None,
        **others: Any,
    ) -> None:
        super().__init__(location=location, scale=scale, bounds=bounds, exists=exists, **others)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Return rows in standard units."""
        return self.standardised(self.masked(rows))

    def standardised(self, values: torch.Tensor) -> torch.Tensor:
        """Return values in standard units."""
        lowest, highest = self.bounds[0], self.bounds[1]
        return (values.maximum(lowest).minimum(highest) - self.location) / self.scale

    def masked(self, values: torch.Tensor) -> torch.Tensor:
        """Return values with zeros where there is no pixel."""
        return values if self.exists is None else values.where(self.exists, 0.0)

    def compared(
        self, rows: torch.Tensor, standard: torch.Tensor, output: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what the loss compares: standardised values."""
        del rows
        return output, standard


class Counts(Features):
    """Standardise the logarithms of counts; a negative count has no score, but NaN."""

    usual_total: Any
    smallest_total: torch.Tensor
    largest_count: torch.Tensor

    def __init__(self, *arguments: Any, usual_total: float | None) -> None:
        limits: dict[str, Any] = {"smallest_total": SMALLEST_TOTAL, "largest_count": LARGEST_COUNT}
        super().__init__(*arguments, usual_total=usual_total, **limits)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Return logarithms of rows in standard units."""
        counts = self.masked(rows)
        counts = counts.where(~(counts < 0), torch.nan)
        if self.usual_total is not None:
            totals = counts.sum(dim=-1, keepdim=True).maximum(self.smallest_total)
            counts = counts * (self.usual_total / totals)
        return self.standardised(counts.log1p())

    def compared(
        self, rows: torch.Tensor, standard: torch.Tensor, output: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what the loss compares: log-rates and counts."""
        del standard
        counts = self.masked(rows).minimum(self.largest_count)
        log_rates = self.location + self.scale * output
        if self.usual_total is not None:
            log_rates = log_rates + log_exposure(counts, self.usual_total, torch)
        return log_rates, counts
