"""A threshold that follows the scores of a stream, block by block."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skdqm.streaming._limit import NO_P_VALUE, Flags, Floats
from skdqm.streaming._strategies import Past

# Usual scores below which their spread says little.
FEWEST_SPREAD = 100


@dataclass(frozen=True)
class Bulk:
    """Where the latest usual scores lie.

    Attributes
    ----------
    scores : ndarray of shape (n_usual,)
        The scores.
    middle, spread : float
        Their median, and the distance from there to their 90 % quantile.
    """

    scores: Floats
    middle: float
    spread: float

    @classmethod
    def of(cls, scores: Floats) -> "Bulk":
        """Return the bulk of some scores."""
        middle, high = np.quantile(scores, [0.5, 0.9])
        spread = float(high - middle) or float(np.std(scores)) or 1.0
        return cls(scores, float(middle), spread)

    def standard(self, scores: Any) -> Any:
        """Return scores in standard units."""
        return (scores - self.middle) / self.spread

    def score(self, standard: float) -> float:
        """Return the score that a standard one stands for."""
        return self.middle + self.spread * standard

    def followed(self, scores: Floats, window: int | None) -> "Bulk":
        """Return the bulk after more usual scores."""
        if window is None or not len(scores):
            return self
        return Bulk.of(np.concatenate([self.scores, scores])[-window:])

    def moved(self, before: Floats, after: Floats) -> "Bulk":
        """Return the bulk in the units of another model, by the scores of the same rows by both."""
        old, new = Bulk.of(before), Bulk.of(after)
        stretch = new.spread / old.spread if len(after) >= FEWEST_SPREAD else 1.0
        middle = self.middle + new.middle - old.middle
        scores = middle + (self.scores - self.middle) * stretch
        return replace(self, scores=scores, middle=middle, spread=self.spread * stretch)


@dataclass(frozen=True)
class Rule:
    """What does not change with the stream.

    Attributes
    ----------
    strategy : object
        Places the threshold after each block.
    rate : float
        The promised alarm rate.
    block_size : int
        Events between two placements.
    drift_window : int or None
        Usual scores that tell where the bulk is; None: it stays where it was.
    uses_flagged : bool
        Whether flagged events count as all others.
    """

    strategy: Any
    rate: float
    block_size: int
    drift_window: int | None
    uses_flagged: bool

    def length(self) -> int:
        """Return how many of the latest events are looked at."""
        return int(self.strategy.length(self.rate))


class AdaptiveLimit:
    """A threshold that follows the scores of a stream.

    It moves when a block of events is whole, wherever calls have cut the stream, so that verdicts
    do not depend on the cuts. Arrays are replaced, never changed: a state may be kept.

    Parameters
    ----------
    rule : Rule
        How it follows.
    state : dict
        What :meth:`state` has returned.
    """

    known: dict[str, float]
    bulk: Bulk
    past: Floats
    met: Floats
    placed: float
    value: float
    waiting: list[float]
    _usual: Floats

    def __init__(self, rule: Rule, state: dict[str, Any]) -> None:
        self.rule = rule
        self.restore(state)

    @classmethod
    def start(cls, rule: Rule, scores: Floats, value: float) -> "AdaptiveLimit":
        """Return the threshold before the first event.

        Parameters
        ----------
        rule : Rule
            How it follows.
        scores : ndarray of shape (n_usual,)
            Anomaly scores of good rows, in any order but that of their size.
        value : float
            The threshold to begin with.
        """
        bulk = Bulk.of(scores[-(rule.drift_window or len(scores)) :])
        standard, placed = bulk.standard(scores), float(bulk.standard(value))
        past = standard[-rule.length() :]
        return cls(
            rule,
            {
                "known": rule.strategy.learned(standard, rule.rate),
                "bulk": bulk.scores,
                "middle": bulk.middle,
                "spread": bulk.spread,
                "past": past,
                "met": np.full(len(past), placed),
                "placed": placed,
                "value": value,
                "waiting": [],
            },
        )

    def judge(self, score: float) -> tuple[bool, float]:
        """Tell whether an event is flagged, and its p-value."""
        flagged, standard = score > self.value, self.bulk.standard(score)
        if flagged:
            p_value = self._beyond(standard)
        else:
            p_value = self._below(len(self._usual) - self._usual.searchsorted(standard))
        self.waiting.append(score)
        if len(self.waiting) == self.rule.block_size:
            self._follow()
        return flagged, float(p_value)

    def judge_all(self, scores: Floats, has_enough: Flags) -> tuple[Flags, Floats, Floats]:
        """Do the same with several events; also return the threshold that each one met."""
        flagged = np.zeros(len(scores), dtype=bool)
        p_values = np.full(len(scores), NO_P_VALUE)
        thresholds = np.full(len(scores), self.value)
        places = np.flatnonzero(has_enough)
        while len(places):
            now, places = np.split(places, [self.rule.block_size - len(self.waiting)])
            some = scores[now]
            flagged[now] = some > self.value
            p_values[now] = self._p_values(some, flagged[now])
            # Events without enough data meet the threshold of those before them.
            thresholds[now[0] :] = self.value
            self.waiting.extend(some.tolist())
            if len(self.waiting) == self.rule.block_size:
                self._follow()
                thresholds[now[-1] + 1 :] = self.value
        return flagged, p_values, thresholds

    def p_values(self, scores: Floats) -> Floats:
        """Return p-values, as the threshold lies now."""
        return self._p_values(scores, scores > self.value)

    def moved(self, before: Floats, after: Floats) -> None:
        """Take up with another model, by the scores of the same rows by both."""
        shift = Bulk.of(after).middle - Bulk.of(before).middle
        self.bulk = self.bulk.moved(before, after)
        self.value = self.bulk.score(self.placed)
        self.waiting = [score + shift for score in self.waiting]

    def take_over(self, before: Any, old: Floats, new: Floats) -> None:
        """Go on from the threshold of another model, by the scores of the same rows by both."""
        self.restore(before.state())
        self.moved(old, new)

    def state(self) -> dict[str, Any]:
        """Return what has changed with the stream, as plain data."""
        return {
            "known": dict(self.known),
            "bulk": self.bulk.scores,
            "middle": self.bulk.middle,
            "spread": self.bulk.spread,
            "past": self.past,
            "met": self.met,
            "placed": self.placed,
            "value": self.value,
            "waiting": list(self.waiting),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what :meth:`state` returned."""
        self.known = dict(state["known"])
        bulk = np.asarray(state["bulk"], dtype=np.float64)
        self.bulk = Bulk(bulk, float(state["middle"]), float(state["spread"]))
        self.past = np.asarray(state["past"], dtype=np.float64)
        self.met = np.asarray(state["met"], dtype=np.float64)
        self.placed, self.value = float(state["placed"]), float(state["value"])
        self.waiting = [float(score) for score in state["waiting"]]
        self._usual = np.sort(self.past[self.past <= self.met])

    def _follow(self) -> None:
        """Move after a block."""
        rule, scores = self.rule, np.array(self.waiting)
        window = rule.length()
        self.past = np.concatenate([self.past, self.bulk.standard(scores)])[-window:]
        self.met = np.concatenate([self.met, np.full(len(scores), self.placed)])[-window:]
        used = scores if rule.uses_flagged else scores[scores <= self.value]
        past = Past(self.past, self.met, min(len(scores), window), rule.uses_flagged)
        self.placed, self.known = rule.strategy.placed(past, rule.rate, self.known)
        self.bulk = self.bulk.followed(used, rule.drift_window)
        self.value = self.bulk.score(self.placed)
        self.waiting = []
        self._usual = np.sort(self.past[self.past <= self.met])

    def _p_values(self, scores: Floats, flagged: Flags) -> Floats:
        standard, usual = self.bulk.standard(scores), self._usual
        below = self._below(len(usual) - np.searchsorted(usual, standard))
        return np.where(flagged, self._beyond(np.maximum(standard, self.placed)), below)

    def _below(self, n_beyond: Any) -> Any:
        """Return p-values of scores that so many usual ones are beyond, below the threshold."""
        rate = self.rule.rate
        return rate + (1 - rate) * (1 + n_beyond) / (1 + len(self._usual))

    def _beyond(self, standard: Any) -> Any:
        """Return p-values of scores beyond the threshold, by a tail that falls exponentially."""
        distance = (standard - self.placed) / self.known["width"]
        return self.rule.rate * np.exp(-distance)
