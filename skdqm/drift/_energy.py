"""The energy distance of the last blocks from the reference, all columns together."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from scipy.special import ndtr
from scipy.stats import chi2, ks_2samp

from skdqm.drift._chart import WARNINGS_PER_DRIFT, Change, Level, Plain, Settings
from skdqm.drift._scale import LEAST_SPREAD, Reference, Scale
from skdqm.drift._window import WindowChart
from skdqm.statistics import adjust_p_values

Floats = NDArray[np.float64]

# Reference rows that blocks are compared with, evenly spread over its time.
COMPARED = 512
# Blocks of the reference that tell how far blocks lie apart.
BLOCKS = 64
# Rows whose distances are in memory at once.
PART, SMALLEST_UNIT = 1024, 1e-9
NODES, STEPS, LEVEL_OF_COLUMNS, DIRECTED = 33, 60, 0.01, 3.0


class EnergyChart(WindowChart):
    """Energy distance of normal scores.

    From G. J. Szekely and M. L. Rizzo, "Energy statistics", Journal of Statistical Planning and
    Inference 143 (2013) 1249. In units of its mean when nothing has changed, which blocks of the
    reference tell, so that it knows how alike neighbours are. Its law is a sum of chi-squared
    variables weighted by the eigenvalues of the centred distances (A. Gretton et al., "A fast,
    consistent kernel two-sample test", NIPS 22 (2009)), here of blocks.
    """

    @staticmethod
    def learn(settings: Settings, reference: Reference) -> Plain:
        normal = reference.normal
        places = np.linspace(0, len(normal) - 1, min(len(normal), COMPARED)).round().astype(int)
        sample = normal[places]
        total, weights, n_blocks = _spectrum(reference)
        typical = total * _growth(reference) * (1 / settings.window + 1 / n_blocks)
        freedom = max(n_blocks / 3 / float(np.square(weights).sum()), 2.0)
        return {
            "n_columns": normal.shape[1],
            "sample": sample,
            "within": float(cdist(sample, sample).mean()),
            "typical": max(typical, SMALLEST_UNIT),
            "limit": _limit(weights, freedom, settings.rate),
            "warning_limit": _limit(weights, freedom, WARNINGS_PER_DRIFT * settings.rate),
        }

    @staticmethod
    def first_state(learned: Plain, position: int) -> Plain:
        return {"rows": np.empty((0, learned["n_columns"] + 1)), "pairs": np.empty((0, 0))}

    def resume(self, state: Plain) -> None:
        super().resume(state)
        self.pairs: Floats = state["pairs"]

    def state(self) -> Plain:
        return {**super().state(), "pairs": self.pairs}

    def step(self, block: Floats, position: int) -> Level:
        self.pairs = self._joined(block)
        return super().step(block, position)

    def _joined(self, block: Floats) -> Floats:
        """Return the mean distances of all pairs of blocks in the window, the new one included."""
        older = min(len(self.pairs), self.settings.window - 1)
        n = older * len(block)
        rows = np.concatenate([self.rows[len(self.rows) - n :], block])[:, :-1]
        new = cdist(block[:, :-1], rows).mean(axis=0).reshape(older + 1, -1).mean(axis=1)
        pairs = np.empty((older + 1, older + 1))
        first = len(self.pairs) - older
        pairs[:older, :older] = self.pairs[first:, first:]
        pairs[older], pairs[:, older] = new, new
        return pairs

    def prepared(self, scale: Scale, rows: Floats) -> Floats:
        """Return normal scores, and the mean distance of each row from the reference."""
        normal = scale.normal(rows)
        parts = range(0, len(rows), PART)
        far = [cdist(normal[at : at + PART], self.learned["sample"]).mean(axis=1) for at in parts]
        return np.column_stack([normal, np.concatenate(far)])

    def limits(self) -> Floats:
        return np.array([self.learned["limit"]])

    def tested(self) -> Floats:
        distance = 2 * self.rows[:, -1].mean() - self.pairs.mean() - self.learned["within"]
        return np.array([distance / self.learned["typical"]])

    def judge(self) -> Level:
        if self.statistics[0] > self.learned["limit"]:
            return Level.DRIFT
        return Level(int(self.statistics[0] > self.learned["warning_limit"]))

    def change(self, position: int) -> Change:
        rows, sample = self.rows[:, :-1], self.learned["sample"]
        tests = [
            ks_2samp(new, old, method="asymp").pvalue
            for new, old in zip(rows.T, sample.T, strict=True)
        ]
        p_values = adjust_p_values(tests, "holm")
        leading = int(np.argmin(p_values))
        level = float(rows[:, leading].mean() - sample[:, leading].mean())
        directed = abs(level) * np.sqrt(len(rows)) > DIRECTED
        moved = [int(each) for each in np.flatnonzero(p_values < LEVEL_OF_COLUMNS)]
        return Change(position - len(rows), int(np.sign(level)) if directed else 0, moved)


def _spectrum(reference: Reference) -> tuple[float, Floats, int]:
    """Return how far blocks lie from their middle, along which axes, and how many they are.

    Blocks are points in the space of the energy distance; the squared distance of a block from
    their middle is a sum over axes, with these weights (of sum 1).
    """
    size = reference.block_size
    n_blocks = len(reference.normal) // size
    chosen = np.linspace(0, n_blocks - 1, min(n_blocks, BLOCKS)).round().astype(int)
    blocks = reference.normal[: n_blocks * size].reshape(n_blocks, size, -1)[chosen]
    between = [[cdist(one, other).mean() for other in blocks] for one in blocks]
    distances = np.array(between)
    centred = distances - distances.mean(axis=0)
    centred = centred - centred.mean(axis=1, keepdims=True)
    values = np.clip(np.linalg.eigvalsh(-centred), 0.0, None)
    total = float(values.sum())
    weights = values / total if total > 0 else np.array([1.0])
    return total / (len(chosen) - 1), weights, n_blocks


def _growth(reference: Reference) -> float:
    """Return how much more blocks wander over the long run than one after the other."""
    return float(np.mean(np.square(reference.spread) / np.maximum(_variance(reference), 1e-6)))


def _variance(reference: Reference) -> Floats:
    return np.maximum(reference.means.var(axis=0), np.square(LEAST_SPREAD) / reference.block_size)


def _limit(weights: Floats, freedom: float, rate: float) -> float:
    """Find what is passed as often as wanted, the unit being known from few windows only."""
    shares = (np.arange(NODES) + 0.5) / NODES
    units = chi2.ppf(shares, freedom) / freedom
    wanted = min(rate, 0.5)
    low, high = 1.0, 1e3
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        if np.mean([_tail(weights, middle * unit) for unit in units]) > wanted:
            low = middle
        else:
            high = middle
    return high


def _tail(weights: Floats, value: float) -> float:
    """Return the chance that a weighted sum of chi-squared variables is larger.

    Lugannani and Rice's saddlepoint formula (D. Kuonen, "Saddlepoint approximations for
    distributions of quadratic forms in normal variables", Biometrika 86 (1999) 929).
    """
    if value <= 1.1 * float(weights.sum()):
        return 0.5
    low, high = 0.0, 0.5 / float(weights.max())
    for _ in range(STEPS):
        place = 0.5 * (low + high)
        slope = float((weights / (1 - 2 * place * weights)).sum())
        low, high = (place, high) if slope < value else (low, place)
    place = low
    inside = 1 - 2 * place * weights
    curvature = 2 * float(np.square(weights / inside).sum())
    growth = -0.5 * float(np.log(inside).sum())
    w = np.sqrt(2 * (place * value - growth))
    return float(ndtr(-(w + np.log(place * np.sqrt(curvature) / w) / w)))
