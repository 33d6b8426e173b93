"""How a threshold follows the scores of a stream.

All of them see standard scores: the distance of a score from the median of the latest usual ones,
in units of their spread. What moves or stretches all scores alike moves the threshold with them.
"""

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import genpareto
from sklearn.base import BaseEstimator

from skdqm._sklearn import Interval
from skdqm.streaming._pareto import CutPareto

Floats = NDArray[np.float64]
Known = dict[str, float]

# A rolling quantile looks at so many promised alarms, and events.
PROMISED_ALARMS, FEWEST_EVENTS = 20, 1000
# Peaks that tell anything of a tail.
FEWEST_PEAKS = 10
# Shapes of tails: beyond these, what a hundred peaks say of it is chance.
LIGHTEST, HEAVIEST = -0.3, 0.4
# A tail of one promised alarm in ten is not one any more.
LARGEST_TAIL = 0.3
# Alarms are corrected by a factor of three at most, in widths of the tail.
MOST_RAISED = float(np.log(3))
# More flagged events than these standard deviations beyond the promise are no chance.
CHANCE = 3.0


@dataclass(frozen=True)
class Past:
    """The latest scores that were judged, in standard units.

    Attributes
    ----------
    scores : ndarray of shape (n_past,)
        The scores, the latest last.
    met : ndarray of shape (n_past,)
        The threshold that each one met.
    n_new : int
        How many of them are new since the last time.
    uses_flagged : bool
        Whether the scores of flagged events count as all others.
    """

    scores: Floats
    met: Floats
    n_new: int
    uses_flagged: bool

    def excess(self, rate: float) -> float:
        """Return how many more of the new ones were flagged than promised.

        Where a block may hold many alarms, in units of what was promised: one block is one step,
        or the threshold would swing.
        """
        promised = rate * self.n_new
        n_flagged = int(np.sum(self.scores[-self.n_new :] > self.met[-self.n_new :]))
        return (n_flagged - promised) / max(1.0, promised)

    def doubtful(self) -> NDArray[np.bool_]:
        """Tell which scores may be those of anomalies: flagged ones, unless they are to be used."""
        return (self.scores > self.met) & (not self.uses_flagged)

    def top(self) -> float:
        """Return the standard score up to which none is doubtful."""
        return float("inf") if self.uses_flagged else float(self.met.min())


class ThresholdStrategy(BaseEstimator):
    """Base class of what places an adaptive threshold: it holds parameters, and no state.

    A subclass has a parameter `window` and writes :meth:`placed`.

    Examples
    --------
    >>> from skdqm.streaming import AdaptiveConformal, ThresholdStrategy
    >>> isinstance(AdaptiveConformal(), ThresholdStrategy)
    True
    """

    window: int | None

    def length(self, rate: float) -> int:
        """Return how many of the latest events are looked at.

        Parameters
        ----------
        rate : float
            The promised alarm rate.

        Returns
        -------
        length : int
            Events.
        """
        return self.window or max(int(PROMISED_ALARMS / rate), FEWEST_EVENTS)

    def learned(self, scores: Floats, rate: float) -> Known:
        """Return what is learned once, from usual scores.

        Parameters
        ----------
        scores : ndarray of shape (n_usual,)
            Standard scores.
        rate : float
            The promised alarm rate.

        Returns
        -------
        known : dict of float
            What :meth:`placed` is given: ``"width"``, over which scores become 2.7 times as rare.
        """
        return {"width": tail_width(scores, rate)}

    def placed(self, past: Past, rate: float, known: Known) -> tuple[float, Known]:
        """Return the threshold after a block.

        Parameters
        ----------
        past : Past
            The latest scores.
        rate : float
            The promised alarm rate.
        known : dict of float
            What :meth:`learned` has returned, or the last call.

        Returns
        -------
        threshold : float
            A standard score.
        known : dict of float
            What the next call is given.

        Raises
        ------
        NotImplementedError
            In this base class: a strategy writes it.
        """
        raise NotImplementedError


class AdaptiveConformal(ThresholdStrategy):
    """Steer the share of alarms to the promised one, on whatever stream.

    After every block the threshold rises by `step` tail widths for each alarm beyond the promised
    number, and falls for each one that is missing: quantile tracking [1]_, of which adaptive
    conformal inference [2]_ is the kind that moves the rate. So alarms beyond the promise are, over
    any number of events, the rise of the threshold divided by that step: the long-run rate is the
    promised one on any stream whose scores are bounded. True anomalies use the same budget: where
    there are more of them than promised alarms, most are missed.

    Parameters
    ----------
    step : float, default=0.2
        What one alarm too many adds to the threshold, in widths of the tail: over one width alarms
        become 2.7 times as rare.
    window : int, default=2000
        Latest events that tell p-values.

    References
    ----------
    .. [1] A. Angelopoulos, E. Candes and R. Tibshirani, "Conformal PID control for time series
           prediction", NeurIPS (2023), section 2.1 and proposition 1.
    .. [2] I. Gibbs and E. Candes, "Adaptive conformal inference under distribution shift", NeurIPS
           (2021).

    Examples
    --------
    >>> from skdqm.streaming import AdaptiveConformal, AdaptiveThreshold
    >>> AdaptiveThreshold(strategy=AdaptiveConformal(step=0.1))
    AdaptiveThreshold(strategy=AdaptiveConformal(step=0.1))
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        "step": [Interval(Real, 0, None, closed="neither")],
        "window": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, step: float = 0.2, window: int = 2000) -> None:
        self.step = step
        self.window = window

    def placed(self, past: Past, rate: float, known: Known) -> tuple[float, Known]:
        """Return the threshold after a block."""
        return float(past.met[-1] + self.step * known["width"] * past.excess(rate)), known


class RollingQuantile(ThresholdStrategy):
    """The quantile of the latest scores that the promised share lies beyond.

    Of flagged events so many of the lowest count as are explained by chance; the others are taken
    for anomalies. Of many anomalies some count, so the threshold is higher then than promised.

    Parameters
    ----------
    window : int or None, default=None
        Latest events that are looked at; None: so many that 20 alarms are promised of them, and
        1,000 at least.

    Examples
    --------
    >>> from skdqm.streaming import AdaptiveThreshold, RollingQuantile
    >>> AdaptiveThreshold(strategy=RollingQuantile(window=2000))
    AdaptiveThreshold(strategy=RollingQuantile(window=2000))
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        "window": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(self, window: int | None = None) -> None:
        self.window = window

    def placed(self, past: Past, rate: float, known: Known) -> tuple[float, Known]:
        """Return the threshold after a block."""
        usual = explained_by_chance(past.scores, past.doubtful(), rate)
        return float(np.quantile(usual, 1 - rate)), known


class PeaksOverThreshold(ThresholdStrategy):
    """Follow the tail of usual scores, and promise by its continuation.

    Scores beyond a high quantile, the peaks, follow a generalised Pareto law [1]_, as in streaming
    peaks over threshold [2]_. Its shape is learned once, from usual scores; its scale, and how many
    peaks there are, from the latest events that were *not* flagged, as those of a law that is cut
    off at the threshold. So neither anomalies nor the cut bias it. The number of alarms corrects
    what the law gets wrong, as in :class:`AdaptiveConformal` but within bounds: it makes alarms
    three times as rare or as frequent at most, however many anomalies there are.

    Parameters
    ----------
    tail : float, default=0.05
        Share of the scores that are peaks, in (0, 0.3]; at least five times the promised rate.
    step : float, default=0.2
        What one alarm too many adds to the correction, in widths of the tail.
    window : int, default=10000
        Latest events that are looked at.

    References
    ----------
    .. [1] J. Pickands, "Statistical inference using extreme order statistics", Annals of Statistics
           3 (1975) 119.
    .. [2] A. Siffer et al., "Anomaly detection in streams with extreme value theory", KDD (2017).

    Examples
    --------
    >>> from skdqm.streaming import AdaptiveThreshold, PeaksOverThreshold
    >>> AdaptiveThreshold(strategy=PeaksOverThreshold(tail=0.1))
    AdaptiveThreshold(strategy=PeaksOverThreshold(tail=0.1))
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        "tail": [Interval(Real, 0, LARGEST_TAIL, closed="right")],
        "step": [Interval(Real, 0, None, closed="left")],
        "window": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, tail: float = 0.05, step: float = 0.2, window: int = 10_000) -> None:
        self.tail = tail
        self.step = step
        self.window = window

    def learned(self, scores: Floats, rate: float) -> Known:
        """Return what is learned once, from usual scores: the shape of the tail."""
        start = np.quantile(scores, 1 - self._tail(rate))
        peaks = scores[scores > start] - start
        known = super().learned(scores, rate)
        if len(peaks) < FEWEST_PEAKS or rate >= LARGEST_TAIL:
            return {**known, "shape": 0.0, "raised": 0.0}
        with np.errstate(all="ignore"):
            shape = float(genpareto.fit(peaks, floc=0)[0])
        return {**known, "shape": float(np.clip(shape, LIGHTEST, HEAVIEST)), "raised": 0.0}

    def placed(self, past: Past, rate: float, known: Known) -> tuple[float, Known]:
        """Return the threshold after a block."""
        raised = known["raised"] + self.step * past.excess(rate)
        raised = float(np.clip(raised, -MOST_RAISED, MOST_RAISED))
        by_law = self._by_law(past, rate, known)
        # Too little of a tail: stay.
        placed = float(past.met[-1]) if by_law is None else by_law + raised * known["width"]
        return placed, {**known, "raised": raised}

    def _by_law(self, past: Past, rate: float, known: Known) -> float | None:
        """Return the standard score that the promised share lies beyond, by the law of peaks."""
        tail, top = self._tail(rate), past.top()
        # Where all thresholds of the window lie above, no peak is missing.
        usual = past.scores[past.scores <= top]
        if rate >= tail or not len(usual):
            return None
        start = float(np.quantile(usual, 1 - tail))
        peaks = usual[usual > start] - start
        if len(peaks) < FEWEST_PEAKS or not top > start:
            return None
        law = CutPareto.of(float(peaks.mean()), top - start, known["shape"])
        # What was found are the peaks below the top among all that is below it.
        found = len(peaks) / len(usual)
        share = found / (1 - law.beyond + found * law.beyond)
        return start + law.peak(rate / share) if share > rate else None

    def _tail(self, rate: float) -> float:
        return min(max(self.tail, 5 * rate), LARGEST_TAIL)


STRATEGIES: dict[str, Any] = {
    "conformal": AdaptiveConformal,
    "extreme": PeaksOverThreshold,
    "quantile": RollingQuantile,
}


def explained_by_chance(scores: Floats, flags: NDArray[np.bool_], rate: float) -> Floats:
    """Return scores without those flagged ones, the highest, that are too many for false alarms."""
    expected = rate * len(scores)
    most = int(expected + CHANCE * np.sqrt(expected))
    return np.append(scores[~flags], np.sort(scores[flags])[:most])


def tail_width(scores: Floats, rate: float) -> float:
    """Return over which width scores become 2.7 times as rare, about the promised rate."""
    rare = max(rate, 2 / len(scores))
    common = min(10 * rare, 0.5)
    if common <= rare:
        return float(np.std(scores)) or 1.0
    low, high = np.quantile(scores, [1 - common, 1 - rare])
    width = float((high - low) / np.log(common / rare))
    return width or float(np.std(scores)) or 1.0
