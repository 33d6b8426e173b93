"""Faults that stay: the last few maps of a run, taken together."""

from collections.abc import Callable
from numbers import Integral
from typing import Any
from warnings import warn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skdqm._lumisections import LUMISECTION, RUN, lumisections_of, runs_of
from skdqm._sklearn import Interval, StrOptions, available_if
from skdqm.exceptions import MissingRunsWarning
from skdqm.monitoring._wrapper import (
    Rows,
    WrapperDetector,
    enough,
    last_of,
    maps,
    of_columns,
    scores,
    seen_by,
    wraps,
)

Floats = NDArray[np.float64]

# Training rows that tell what a usual map is.
FEWEST_ROWS = 10
# Smaller pulls are taken for this: their logarithm stays finite.
SMALLEST_PULL = 1e-9


def _mean(maps: Floats) -> Floats:
    """Sum divided by the root of the number: pulls that only fluctuate keep their size."""
    total: Floats = np.add.reduce(maps, axis=0) / np.sqrt(len(maps))
    return total


def _product(maps: Floats) -> Floats:
    """Geometric mean of the sizes, where all have one sign."""
    sizes = np.maximum(np.abs(maps), SMALLEST_PULL)
    return _common_sign(maps) * np.exp(np.add.reduce(np.log(sizes), axis=0) / len(maps))


def _minimum(maps: Floats) -> Floats:
    """Smallest of the sizes, where all have one sign."""
    smallest: Floats = _common_sign(maps) * np.abs(maps).min(axis=0)
    return smallest


def _common_sign(maps: Floats) -> Floats:
    signs = np.sign(maps)
    return np.where((signs == signs[0]).all(axis=0), signs[0], 0.0)


COMBINATIONS: dict[str, Callable[[Floats], Floats]] = {
    "mean": _mean,
    "minimum": _minimum,
    "product": _product,
}


class PersistenceDetector(WrapperDetector):
    """Ask of a fault that it stays: combine the last maps of the same run.

    The feature scores (pulls) of another detector, of a lumisection and of those before it in its
    run, become one map; the largest cell of it, in size, is the score. A fault that stays adds up,
    a fluctuation does not. The loss maps of the CMS ECAL are treated so in [1]_.

    The first lumisections of a run have no past: what is missing counts as no deviation at all, so
    that an alarm needs up to `persistence` of them to build up. So do lumisections on which the
    detector abstains. Where feature scores, or scores, have no sign, their excess over the median
    of the training rows is the deviation.

    Parameters
    ----------
    detector : detector, Pipeline or None, default=None
        What gives the maps; without feature scores its scores are taken. None is a
        :class:`~skdqm.detectors.ReferenceDetector`.
    persistence : int, default=6
        Number of lumisections that are taken together, at least 1.
    combine : {"mean", "product", "minimum"}, default="mean"
        ``"mean"``: the sum divided by the root of their number, for weak faults too.
        ``"product"``: the geometric mean; ``"minimum"``: the smallest. In both a cell must deviate
        in all of them, and to the same side.
    random_state : int, RandomState instance or None, default=None
        Seed of a detector that has none of its own.
    contamination : float, default=0.01
        Share of the training rows that the threshold flags, in (0, 0.5]. See
        :meth:`calibrate` for an alarm rate that holds on new rows.

    Attributes
    ----------
    detector_ : detector or Pipeline
        The fitted detector.
    offset_ : float
        The threshold on ``score_samples``.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, when ``fit`` saw a data frame.

    Warns
    -----
    MissingRunsWarning
        When rows do not say their run and lumisection: each stands alone then. A detector that was
        fitted to such rows takes one at a time for good.

    References
    ----------
    .. [1] CMS ECAL collaboration, "Autoencoder-based anomaly detection system for online data
           quality monitoring of the CMS electromagnetic calorimeter", Computing and Software for
           Big Science 8 (2024) 11.

    Examples
    --------
    >>> from skdqm.datasets import inject_faults, make_lumisections
    >>> from skdqm.monitoring import PersistenceDetector
    >>> X, _ = make_lumisections(4, 50, fault_fraction=0, drift=0, random_state=0)
    >>> detector = PersistenceDetector().fit(X)
    >>> faulty, _ = inject_faults(X, "dead", size=1, first=20, duration=20, random_state=0)
    >>> bool((detector.predict(faulty)[25:40] == -1).all())
    True
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **WrapperDetector._parameter_constraints,
        "persistence": [Interval(Integral, 1, None, closed="left")],
        "combine": [StrOptions(set(COMBINATIONS))],
    }

    def __init__(
        self,
        detector: Any = None,
        *,
        persistence: int = 6,
        combine: str = "mean",
        random_state: Any = None,
        contamination: float = 0.01,
    ) -> None:
        super().__init__(contamination=contamination)
        self.detector = detector
        self.persistence = persistence
        self.combine = combine
        self.random_state = random_state

    def kinds(self, X: ArrayLike) -> NDArray[np.str_]:
        """Tell faults that stay from those that come and go.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to judge, whole runs of them.

        Returns
        -------
        kinds : ndarray of str of shape (n_samples,)
            ``"persistent"`` where the maps together are abnormal, ``"transient"`` where only the
            row alone is, by the threshold of the wrapped detector, and ``""`` elsewhere.
        """
        rows = seen_by(self.detector_, self._validated(X))
        alone = np.asarray(self.detector_.predict(rows)) == -1
        kinds = np.where(self.predict(X) == -1, "persistent", np.where(alone, "transient", ""))
        return np.asarray(kinds, dtype=np.str_)

    def _fit(self, X: Rows) -> None:
        self._start(X)
        self.detector_ = self._fitted(self._made(), X)
        self._usual = self._usual_map(X)

    @available_if(wraps("partial_fit"))
    def _partial_fit(self, X: Rows) -> None:
        first = not hasattr(self, "detector_")
        if first:
            self._start(X)
        known = self._made() if first else self.detector_
        self.detector_ = self._learned(known, X, first=first)
        if first or self._has_enough(X).sum() >= FEWEST_ROWS:
            self._usual = self._usual_map(X)

    def _start(self, X: Rows) -> None:
        self._steps, self._combine = int(self.persistence), self.combine
        if self._steps > 1 and runs_of(X) is None:
            # Nothing ever stays where every row is alone: maps of one row mean something still.
            _warn_of_missing_runs()
            self._steps = 1

    def _has_enough(self, rows: Rows) -> NDArray[np.bool_]:
        return enough(self.detector_, rows)

    def _anomaly_score(self, X: Rows) -> Floats:
        together = self._together(X)
        largest: Floats = (np.abs(together) if self._is_signed() else together).max(axis=1)
        return largest

    @available_if(wraps("feature_scores"))
    def _feature_scores(self, X: Rows) -> Floats:
        return of_columns(self._together(X), X)

    def _together(self, X: Rows) -> Floats:
        """Return the combined map of each row."""
        has_enough = enough(self.detector_, X)[:, None]
        deviations = np.where(has_enough, self._maps(X) - self._usual, 0.0)
        combine = COMBINATIONS[self._combine]
        order, past = _past(X, self._steps)
        combined = np.empty_like(deviations)
        for row, taken in zip(order, past, strict=True):
            seen = np.zeros((self._steps, deviations.shape[1]))
            seen[: len(taken)] = deviations[taken]
            combined[row] = combine(seen)
        return combined

    def _maps(self, X: Rows) -> Floats:
        if self._has_maps():
            return maps(self.detector_, X)
        return scores(self.detector_, X)[:, None]

    def _has_maps(self) -> bool:
        return hasattr(last_of(self.detector_), "feature_scores")

    def _is_signed(self) -> bool:
        return self._has_maps() and self.signed_feature_scores

    def _usual_map(self, X: Rows) -> Floats:
        """Return the map that means no deviation: pulls are around 0, and other scores are not."""
        found = self._maps(X)
        if self._is_signed():
            return np.zeros(found.shape[1])
        usual: Floats = np.median(found[enough(self.detector_, X)], axis=0)
        return usual


def _past(X: Rows, steps: int) -> tuple[NDArray[np.intp], list[NDArray[np.intp]]]:
    """Return rows in the order of time, and for each those of its run that are taken with it."""
    everything = np.arange(len(X))
    runs = runs_of(X)
    if runs is None:
        if steps > 1:
            _warn_of_missing_runs()
        return everything, [everything[row : row + 1] for row in everything]
    numbers = lumisections_of(X)
    order = np.lexsort((numbers, runs))
    starts = _starts(runs[order], numbers[order], steps)
    return order, [order[start : place + 1] for place, start in enumerate(starts)]


def _warn_of_missing_runs() -> None:
    warn(
        "rows without a run and a lumisection stand alone: expected a data frame with the index "
        f"levels {RUN!r} and {LUMISECTION!r}, as skdqm.io.read_histograms gives",
        MissingRunsWarning,
        stacklevel=2,
    )


def _starts(runs: NDArray[Any], numbers: NDArray[Any], steps: int) -> NDArray[np.intp]:
    """Return for each sorted row the first one of its run that is less than `steps` before it."""
    starts = np.arange(len(runs))
    for back in range(1, steps):
        same = (runs[back:] == runs[:-back]) & (numbers[back:] - numbers[:-back] < steps)
        starts[back:] -= same
    return starts
