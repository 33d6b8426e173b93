"""What a few shapes, learned from good histograms, can express of another one."""

from dataclasses import dataclass
from typing import Any, Self
from warnings import catch_warnings, simplefilter

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning

from skdqm.detectors._template import NOTHING_FILLED, fluctuations
from skdqm.exceptions import DataError
from skdqm.nn import in_tiles

Floats = NDArray[np.float64]

# Iterations of a factorisation, of which some hundreds are usual.
MOST_ITERATIONS = 1000


@dataclass(frozen=True)
class Projection:
    """Shapes that histograms are made of.

    Attributes
    ----------
    center : ndarray of shape (n_bins,)
        What the shapes are added to.
    shapes : ndarray of shape (n_shapes, n_bins)
        The shapes.
    spread, dispersion : ndarray of shape (n_bins,)
        How far rows lie from what the shapes express, as in a template.
    """

    center: Floats
    shapes: Floats
    spread: Floats
    dispersion: Floats

    def rates(self, rows: Floats, exposures: Floats) -> Floats:
        """Return what the shapes express of rows, for a unit of exposure."""
        return self._projected(_shapes_of(rows, exposures))

    def _projected(self, rates: Floats) -> Floats:
        raise NotImplementedError

    @classmethod
    def of(cls, rows: Floats, exposures: Floats, n_shapes: int, *, counted: bool) -> Self:
        """Learn shapes from filled rows: fewer than express all of them."""
        filled = exposures > 0
        if not filled.any():
            raise DataError(NOTHING_FILLED)
        kept, weights = rows[filled], exposures[filled]
        rates = _shapes_of(kept, weights)
        shapes = cls._learned(rates, min(n_shapes, max(1, min(rates.shape) - 1)))
        nothing = np.zeros(rows.shape[1])
        expressed = cls(*shapes, nothing, nothing).rates(kept, weights)
        spread, dispersion = fluctuations(kept, weights, expressed, counted=counted)
        return cls(*shapes, spread, dispersion)

    @classmethod
    def _learned(cls, rates: Floats, n_shapes: int) -> tuple[Floats, Floats]:
        """Return center and shapes."""
        raise NotImplementedError

    def as_state(self) -> dict[str, Any]:
        """Return plain data."""
        return dict(vars(self))


class PrincipalComponents(Projection):
    """Directions in which rows vary most."""

    @classmethod
    def _learned(cls, rates: Floats, n_shapes: int) -> tuple[Floats, Floats]:
        center = rates.mean(axis=0)
        directions = np.linalg.svd(rates - center, full_matrices=False)[2]
        return center, directions[: min(n_shapes, rates.shape[1] - 1)]

    def _projected(self, rates: Floats) -> Floats:
        return in_tiles(
            lambda some: self.center + (some - self.center) @ self.shapes.T @ self.shapes, rates
        )


class Parts(Projection):
    """Parts that only add up: a factorisation without negative values."""

    @classmethod
    def _learned(cls, rates: Floats, n_shapes: int) -> tuple[Floats, Floats]:
        # scikit-learn's first guess drops what is small, whatever the unit.
        positive = np.maximum(rates, 0.0)
        unit = float(positive.mean()) or 1.0
        model = NMF(n_shapes, init="nndsvda", max_iter=MOST_ITERATIONS, random_state=0)
        with catch_warnings():
            simplefilter("ignore", ConvergenceWarning)
            model.fit(positive / unit)
        return np.zeros(rates.shape[1]), model.components_ * unit

    def _projected(self, rates: Floats) -> Floats:
        # scikit-learn's transform stops by the whole batch; this is the exact answer, row by row.
        # SciPy's takes what is small for zero, whatever the unit.
        unit = float(self.shapes.mean()) or 1.0
        weights = [nnls(self.shapes.T / unit, row / unit)[0] for row in rates]
        return np.array([np.add.reduce(each[:, None] * self.shapes) for each in weights])


PROJECTIONS: dict[str, type[Projection]] = {"nmf": Parts, "pca": PrincipalComponents}


def _shapes_of(rows: Floats, exposures: Floats) -> Floats:
    return rows / np.where(exposures > 0, exposures, 1.0)[:, None]
