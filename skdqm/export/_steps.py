"""Fitted transformers to torch modules, in float64."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
from torch import nn

from skdqm._messages import listed
from skdqm.exceptions import UsageError
from skdqm.export._buffers import Buffers
from skdqm.export._jets import JetColumns
from skdqm.preprocessing import ChannelMask, JetFeatures


class Scale(Buffers):
    """Take something off each feature, and divide it by something.

    Parameters
    ----------
    center, scale : ndarray of shape (n_features,) or None
        What is taken off and divided by; None: nothing.
    limits : tuple of float or None
        Cut what comes out at these.
    """

    center: torch.Tensor | None
    scale: torch.Tensor | None
    limits: torch.Tensor | None

    def __init__(
        self,
        center: NDArray[Any] | None,
        scale: NDArray[Any] | None,
        limits: tuple[float, float] | None = None,
    ) -> None:
        cut = None if limits is None else np.array(limits)
        super().__init__(center=center, scale=scale, limits=cut)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Return scaled rows."""
        if self.center is not None:
            rows = rows - self.center
        if self.scale is not None:
            rows = rows / self.scale
        if self.limits is not None:
            rows = rows.maximum(self.limits[0]).minimum(self.limits[1])
        return rows


class Masked(Buffers):
    """Set columns to zero.

    Parameters
    ----------
    mask : ndarray of bool of shape (n_features,)
        True where the columns are.
    """

    mask: torch.Tensor

    def __init__(self, mask: NDArray[np.bool_]) -> None:
        super().__init__(mask=mask)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Return masked rows."""
        return rows.where(~self.mask, 0.0)


def step_of(name: str, transformer: Any) -> nn.Module:
    """Return a module that maps rows as a fitted transformer does.

    Parameters
    ----------
    name : str
        What the step is called in its Pipeline.
    transformer : object
        The transformer; None and ``"passthrough"`` do nothing.
    """
    if not changes_rows(transformer):
        return nn.Identity()
    build = STEPS.get(type(transformer))
    if build is None:
        raise UsageError(
            f"the step {name!r}, a {type(transformer).__name__}, cannot be exported; expected "
            f"{listed([kind.__name__ for kind in STEPS])} before the detector"
        )
    return build(transformer)


def changes_rows(transformer: Any) -> bool:
    """Tell whether a step of a Pipeline does something."""
    return transformer is not None and not isinstance(transformer, str)


def _limits(scaler: Any, *limits: float) -> tuple[float, float] | None:
    return (limits[0], limits[1]) if getattr(scaler, "clip", False) else None


def _standard(scaler: Any) -> Scale:
    return Scale(scaler.mean_ if scaler.with_mean else None, scaler.scale_)


def _min_max(scaler: Any) -> Scale:
    # scikit-learn multiplies, and adds.
    limits = _limits(scaler, *scaler.feature_range)
    return Scale(-scaler.min_ / scaler.scale_, 1 / scaler.scale_, limits)


def _robust(scaler: Any) -> Scale:
    return Scale(scaler.center_, scaler.scale_)


def _max_abs(scaler: Any) -> Scale:
    return Scale(None, scaler.scale_, _limits(scaler, -1.0, 1.0))


STEPS: dict[type, Callable[[Any], nn.Module]] = {
    ChannelMask: lambda step: Masked(step.mask_),
    JetFeatures: lambda step: JetColumns(dijet=step.dijet),
    MaxAbsScaler: _max_abs,
    MinMaxScaler: _min_max,
    RobustScaler: _robust,
    StandardScaler: _standard,
}
