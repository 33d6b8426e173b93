"""Benign drift of detector channels: gain that is lost, and baselines that move."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from skdqm.exceptions import UsageError

Floats = NDArray[np.float64]

DRIFT_KINDS = ("gain", "baseline")


def check_drift_kinds(kinds: Sequence[str], drift: float) -> None:
    """Raise ``UsageError`` unless these are different known kinds, and one is there if needed."""
    wrong = isinstance(kinds, str) or not set(kinds) <= set(DRIFT_KINDS)
    if wrong or len(set(kinds)) < len(kinds):
        raise UsageError(
            f"drift_kinds={kinds!r} must be a sequence of different kinds out of "
            f"{list(DRIFT_KINDS)}"
        )
    if drift and len(kinds) == 0:
        raise UsageError(
            f"drift_kinds is empty but drift={drift}; name a kind of drift out of "
            f"{list(DRIFT_KINDS)}, or set drift=0"
        )


class ChannelDrift:
    """How far each channel has drifted when the last row comes, as a share of its reading."""

    def __init__(self, n_channels: int, drift: float, kinds: Sequence[str], seed: int) -> None:
        rng = np.random.default_rng(seed)
        n_drifting = (n_channels + 1) // 2
        loses, moves = (rng.permutation(n_channels) < n_drifting for _ in range(2))
        sign = rng.choice((-1.0, 1.0), size=n_channels)
        self.lost = drift * loses * ("gain" in kinds)
        self.moved = drift * sign * moves * ("baseline" in kinds)

    @property
    def drifts(self) -> NDArray[np.bool_]:
        """Which channels drift at all."""
        return (self.lost != 0) | (self.moved != 0)

    def applied(self, readings: Floats, baseline: Floats) -> Floats:
        """Return readings that drift from the middle row on, evenly until the last."""
        progress = np.linspace(-1, 1, len(readings) + 1)[1:, None].clip(0)
        moved = readings + progress * self.moved * baseline
        drifted: Floats = moved * (1 - progress * self.lost)
        return drifted
