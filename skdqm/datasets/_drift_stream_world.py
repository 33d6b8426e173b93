"""Healthy readings of a detector whose condition changes."""

from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Readings are a mixture of so many populations of rows, and follow so many hidden quantities.
N_POPULATIONS, N_HIDDEN = 2, 4
# How far apart the populations lie, the noise of a channel, and how crooked its response is.
APART, NOISE, CROOKEDNESS = 0.8, 0.3, 0.25
# The nominal condition, and the one that ageing leads to.
NOMINAL, AGED = "A", "B"


class Condition(NamedTuple):
    """What a condition makes of nominal readings: per channel, and of their correlations."""

    gain: Floats
    offset: Floats
    mixing: Floats  # (N_HIDDEN, n_features), added to the nominal loadings


def _aged(n_features: int, rng: Generator) -> Condition:
    """Half of the channels lost gain, and some drifted off their baselines."""
    loses = rng.permutation(n_features) < (n_features + 1) // 2
    drifts = rng.permutation(n_features) < round(0.4 * n_features)
    signs = rng.choice((-1.0, 1.0), size=n_features)
    mixing = 0.35 * rng.standard_normal((N_HIDDEN, n_features))
    return Condition(np.where(loses, 0.75, 1.0), 1.5 * signs * drifts, mixing)


def _other(n_features: int, rng: Generator) -> Condition:
    """Another way to run the detector: every channel and correlation differs."""
    gain = 1 + 0.3 * rng.random(n_features)
    offset = 1.6 * rng.standard_normal(n_features)
    return Condition(gain, offset, 0.5 * rng.standard_normal((N_HIDDEN, n_features)))


def draw_condition(name: str, drifts: NDArray[np.bool_], seed: int) -> Condition:
    """Draw a condition, which leaves the channels that do not drift as they are.

    It depends on its name and the seed, not on the other conditions of a stream.
    """
    n_features = len(drifts)
    if name == NOMINAL:
        return Condition(
            np.ones(n_features), np.zeros(n_features), np.zeros((N_HIDDEN, n_features))
        )
    draw = _aged if name == AGED else _other
    gain, offset, mixing = draw(n_features, np.random.default_rng((seed, ord(name))))
    return Condition(np.where(drifts, gain, 1.0), offset * drifts, mixing * drifts)


class World:
    """Draws healthy readings of any mixture of conditions."""

    def __init__(self, names: list[str], drifts: NDArray[np.bool_], seed: int) -> None:
        rng = np.random.default_rng((seed, 0))
        n_features = len(drifts)
        shape = (N_POPULATIONS, N_HIDDEN, n_features)
        self.loadings = rng.standard_normal(shape) / np.sqrt(N_HIDDEN)
        self.centres = APART * rng.standard_normal((N_POPULATIONS, n_features))
        self.conditions = [draw_condition(name, drifts, seed) for name in names]

    def healthy(self, weights: Floats, rng: Generator) -> Floats:
        """Draw a row for each row of weights, (n_rows, n_conditions), which sum to 1."""
        n_rows = len(weights)
        population = rng.integers(N_POPULATIONS, size=n_rows)
        hidden = rng.standard_normal((n_rows, N_HIDDEN))
        x = self.centres[population]
        for number, loadings in enumerate(self.loadings):
            rows = population == number
            x[rows] += hidden[rows] @ loadings
        for weight, condition in zip(weights.T, self.conditions, strict=True):
            x += weight[:, None] * (hidden @ condition.mixing)
        x += CROOKEDNESS * np.tanh(x) * x
        x *= weights @ np.array([condition.gain for condition in self.conditions])
        x += weights @ np.array([condition.offset for condition in self.conditions])
        readings: Floats = x + NOISE * rng.standard_normal(x.shape)
        return readings
