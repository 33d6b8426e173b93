"""How an ensemble makes one score of those of its members, which share a scale."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]


def mean(scores: Scores, weights: Scores) -> Scores:
    """Return the weighted mean: every member has its say."""
    # Column by column, so that a row is added up alike in every batch.
    return np.add.reduce([share * column for share, column in zip(weights, scores.T, strict=True)])


def largest(scores: Scores, weights: Scores) -> Scores:
    """Return the largest weighted score: one member that is sure is enough."""
    heard = weights > 0  # the 0 of a member without weight would beat the negative scores of others
    factors = weights[heard] * len(weights)
    return np.maximum.reduce(scores.T[heard] * factors[:, None])


def majority(scores: Scores, weights: Scores) -> Scores:
    """Return the highest level that more than half of the weight reaches.

    A threshold on it flags what a majority of members flags at that threshold.
    """
    order = np.argsort(-scores, axis=1, kind="stable")
    weight = np.cumsum(weights[order], axis=1)
    place = np.argmax(weight > 0.5 * (1 + 1e-12), axis=1)
    ranked = np.take_along_axis(scores, order, axis=1)
    return ranked[np.arange(len(scores)), place]


RULES: dict[str, Callable[[Scores, Scores], Scores]] = {
    "mean": mean,
    "max": largest,
    "majority": majority,
}
