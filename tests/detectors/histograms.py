"""Histograms to judge: good ones of one shape, and tables of runs that differ."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skdqm._lumisections import bin_names, lumisection_index
from skdqm.detectors import ReferenceDetector

SHAPE = np.array([5.0, 30, 120, 400, 700, 400, 120, 30, 5, 1])
LUMI = "lumi"


def good(n_rows: int = 200, seed: int = 0, shape: Any = SHAPE) -> NDArray[np.float64]:
    shape = np.asarray(shape, dtype=float)
    return np.random.default_rng(seed).poisson(shape, size=(n_rows, len(shape))).astype(float)


def with_luminosity(n_rows: int = 200, seed: int = 0, unit: float = 1.0) -> NDArray[np.float64]:
    generator = np.random.default_rng(seed)
    luminosity = generator.uniform(0.5, 2, n_rows)
    return np.column_stack([luminosity * unit, generator.poisson(np.outer(luminosity, SHAPE))])


def framed(first_run: int = 1, n_runs: int = 4, n_rows: int = 25, seed: int = 0) -> pd.DataFrame:
    """Runs that differ from each other by more than lumisections do."""
    generator = np.random.default_rng(seed)
    runs = np.repeat(np.arange(first_run, first_run + n_runs), n_rows)
    shapes = SHAPE * generator.normal(1, 0.1, size=(n_runs, len(SHAPE)))
    luminosity = generator.uniform(0.5, 2, len(runs))
    counts = generator.poisson(luminosity[:, None] * np.repeat(shapes, n_rows, axis=0))
    index = lumisection_index(runs, np.tile(np.arange(1, n_rows + 1), n_runs))
    bins = pd.DataFrame(counts.astype(float), index, bin_names("charge", (len(SHAPE),)))
    bins.insert(0, LUMI, luminosity)
    return bins


def detector(test: str = "max_pull", reference: str = "fit", **others: Any) -> ReferenceDetector:
    others = {"exposure": LUMI, "window": 60, "n_runs": 2, "n_components": 2, **others}
    return ReferenceDetector(test=test, reference=reference, **others)


def abnormal(fitted: ReferenceDetector, X: Any) -> NDArray[np.float64]:
    return -fitted.score_samples(X)
