"""What a healthy detector is expected to count in each lumisection."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import moyal

from skdqm._lumisections import lumisection_index

Floats = NDArray[np.float64]

FIRST_RUN = 360_000
# Luminosity falls by e in so many lumisections (4 hours: faster than at the LHC, so that short
# runs show it).
LIFETIME = 600
# Share of a charge spectrum that comes from low charges, per collision of pile-up.
LOW_SHARE = 0.0025
# Growth of the occupancy at the ends of a map, per collision of pile-up.
END_GROWTH = 0.01
# Modules along the second axis, and share of cells of a map that do not exist.
N_MODULES = 8
ABSENT = 0.02


class Drift(NamedTuple):
    """How much each run differs from the nominal detector: slow walks with a jump at each run."""

    gain: Floats
    width: Floats
    tilt: Floats
    modules: Floats  # (n_runs, N_MODULES)


def draw_index(n_runs: int, lengths: tuple[int, int], rng: Generator) -> pd.MultiIndex:
    """Draw numbers and lengths of runs; lumisections are counted from 1."""
    length = rng.integers(lengths[0], lengths[1] + 1, size=n_runs)
    numbers = FIRST_RUN + np.cumsum(rng.integers(1, 6, size=n_runs))
    lumisections = np.concatenate([np.arange(1, n + 1) for n in length])
    return lumisection_index(np.repeat(numbers, length), lumisections)


def draw_conditions(index: pd.MultiIndex, pileup: float, rng: Generator) -> pd.DataFrame:
    """Draw luminosity, pile-up and exposure of each lumisection."""
    _, run, length = np.unique(
        index.get_level_values("run"), return_inverse=True, return_counts=True
    )
    # A run begins somewhere in a fill, and its trigger keeps some share of the collisions.
    start = rng.uniform(0.6, 1.1, size=len(length))
    kept = rng.uniform(0.5, 1.5, size=len(length))
    age = index.get_level_values("lumisection").to_numpy()
    luminosity = start[run] * np.exp(-age / LIFETIME)
    live = rng.uniform(0.95, 1.0, size=len(run))
    exposure = luminosity * kept[run] * live
    columns = {
        "pileup": pileup * luminosity,
        "luminosity": luminosity,
        "exposure": exposure / exposure.mean(),
    }
    return pd.DataFrame(columns, index=index)


def draw_drift(n_runs: int, drift: float, rng: Generator) -> Drift:
    """Draw how the detector changes from run to run, by about `drift` in each."""

    def walk(n: int) -> Floats:
        slow = np.cumsum(rng.standard_normal((n_runs, n)) / 2, axis=0)
        jumps = rng.standard_normal((n_runs, n))
        # Further away, the peak would leave the axis and nothing would be expected at all.
        walks: Floats = np.clip(drift * (slow + jumps), -1, 1)
        return walks

    gain, width, tilt = walk(3).T
    return Drift(np.exp(gain), np.exp(width), tilt, np.exp(walk(N_MODULES)))


class Spectrum:
    """A histogram of one axis, like the charge of clusters.

    A bulk with a long tail, and low charges whose share grows linearly with pile-up.
    """

    def __init__(self, shape: Sequence[int], rng: Generator) -> None:
        self.edges = np.linspace(0, 1, shape[0] + 1)
        self.peak, self.width = rng.uniform(0.25, 0.35), rng.uniform(0.05, 0.07)

    def expected(self, run: int, drift: Drift, pileup: Floats) -> Floats:
        """Return the shares of the bins, of shape (n_lumisections, n_bins); rows sum to 1."""
        peak, width = self.peak * drift.gain[run], self.width * drift.width[run]
        bulk = np.diff(moyal.cdf(self.edges, peak, width))
        depth = self.edges / (0.25 * peak)
        low = -np.diff((1 + depth) * np.exp(-depth))  # a gamma distribution of shape 2
        share = LOW_SHARE * pileup[:, None]
        shares: Floats = (1 - share) * bulk / bulk.sum() + share * low / low.sum()
        return shares


class OccupancyMap:
    """Occupancy of cells, of which some do not exist.

    Rings along the first axis, modules along the second, depths along the third.
    """

    def __init__(self, shape: Sequence[int], rng: Generator) -> None:
        sides = (*shape, 1)[:3]
        self.place = np.linspace(-1, 1, sides[0])[:, None, None]
        ring = (1 + 0.8 * self.place**2) * rng.normal(1, 0.05, size=(sides[0], 1, 1)).clip(0.5)
        depth = np.exp(-0.3 * np.arange(sides[2]))
        scatter = rng.normal(1, 0.03, size=sides).clip(0.5)
        self.module = np.arange(sides[1]) * N_MODULES // sides[1]
        usual = rng.normal(1, 0.05, size=N_MODULES).clip(0.5)[self.module]
        exists = rng.uniform(size=sides) >= ABSENT
        exists.flat[0] |= not exists.any()
        self.nominal = ring * usual[:, None] * depth * scatter * exists

    def expected(self, run: int, drift: Drift, pileup: Floats) -> Floats:
        """Return the shares of the cells, of shape (n_lumisections, n_cells); rows sum to 1."""
        # Between 0 and 2, and 1 + tilt * place as long as the tilt is small.
        tilted = 2 * expit(2 * drift.tilt[run] * self.place)
        today = self.nominal * tilted * drift.modules[run][self.module][:, None]
        ends = today * self.place**2 * END_GROWTH
        shares = today.ravel() + pileup[:, None] * ends.ravel()
        normalised: Floats = shares / shares.sum(axis=1, keepdims=True)
        return normalised


def healthy_counts(
    model: Spectrum | OccupancyMap,
    conditions: pd.DataFrame,
    drift: Drift,
    statistics: float,
    rng: Generator,
) -> NDArray[np.int64]:
    """Draw the counts of one monitoring element, run after run."""
    _, run = np.unique(conditions.index.get_level_values("run"), return_inverse=True)
    exposure, pileup = conditions["exposure"].to_numpy(), conditions["pileup"].to_numpy()
    blocks = []
    for number in range(run.max() + 1):
        rows = run == number
        shares = model.expected(number, drift, pileup[rows])
        blocks.append(rng.poisson(statistics * exposure[rows, None] * shares))
    return np.concatenate(blocks)
