"""What all ensembles share: members fitted side by side, and their scores on one scale."""

from abc import abstractmethod
from numbers import Integral
from typing import Any, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state
from sklearn.utils.parallel import Parallel, delayed

from skdqm._sklearn import available_if
from skdqm.base import BaseDetector, blame_of, turned
from skdqm.detectors._memory import remembered
from skdqm.detectors._standardise import StandardisingMixin
from skdqm.ensemble._members import Named, can_learn, fitted, learned, scores_of, unfitted
from skdqm.ensemble._rules import RULES
from skdqm.ensemble._scales import SCALES, Scores
from skdqm.exceptions import TrainingError, UsageError

# Training rows whose scores say what is usual.
REFERENCE_ROWS = 2048
# Those of them whose feature scores say how large these are.
LOCALISED_ROWS = 256
# Smaller feature scores are rounding: nothing varies.
SMALLEST_SIZE = 1e-12


class Blending(TypedDict):
    """How scores become one: plain data, kept as it was at the fit."""

    scale: str  # a key of SCALES
    rule: str  # a key of RULES
    weights: list[float]  # of the members, with sum one


class BlendDetector(StandardisingMixin, BaseDetector):
    """Base class of detectors that blend the scores of others.

    A subclass writes ``_members`` and ``_blending``.
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **BaseDetector._parameter_constraints,
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    n_jobs: int | None
    random_state: Any

    detectors_: list[Any]
    _blend: Blending

    @abstractmethod
    def _members(self) -> Named:
        """Return the names and the unfitted detectors, checked."""

    @abstractmethod
    def _blending(self, n_members: int) -> Blending:
        """Return how scores are blended from this fit on."""

    @property
    def named_detectors_(self) -> dict[str, Any]:
        """The fitted members by name."""
        return dict(zip(self._names, self.detectors_, strict=True))

    def member_scores(self, X: ArrayLike) -> NDArray[np.float64]:
        """Score rows by each member, on the common scale; low is abnormal.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to score.

        Returns
        -------
        scores : ndarray of shape (n_samples, n_members)
            What ``score_samples`` combines, in the order of ``detectors_``.
        """
        return turned(self._scaled_scores(self._validated(X)))

    def member_predictions(self, X: ArrayLike) -> NDArray[np.int64]:
        """Label rows by each member, at the threshold of the ensemble.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to label.

        Returns
        -------
        labels : ndarray of shape (n_samples, n_members)
            +1 is normal, -1 is abnormal, in the order of ``detectors_``.
        """
        return np.where(self.member_scores(X) >= self.offset_, 1, -1)

    def agreement(self, X: ArrayLike) -> NDArray[np.float64]:
        """Measure how far the members flag the same rows, beyond chance.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to label.

        Returns
        -------
        kappa : ndarray of shape (n_members, n_members)
            Cohen's kappa [1]_ of the labels of every two members: 1 where they are the same, 0
            where they agree as often as by chance. Members of which one flags nothing agree by
            chance, unless both do.

        References
        ----------
        .. [1] J. Cohen, "A coefficient of agreement for nominal scales", Educational and
               Psychological Measurement 20 (1960) 37.
        """
        flags = (self.member_predictions(X) == -1).astype(np.float64)
        rates, others = flags.mean(axis=0), 1 - flags
        observed = (flags.T @ flags + others.T @ others) / len(flags)
        by_chance = np.outer(rates, rates) + np.outer(1 - rates, 1 - rates)
        beyond = np.where(by_chance < 1, 1 - by_chance, 1.0)
        kappa = (observed - by_chance) / beyond
        # Also where both flag nothing, and chance alone would make them agree.
        return np.where(observed == 1, 1.0, kappa)

    def _known_members(self) -> Named:
        """Return the fitted members, or those to fit; none if the parameters are wrong."""
        if hasattr(self, "detectors_"):
            return list(self.named_detectors_.items())
        try:
            return self._members()
        except UsageError:
            return []

    def _start(self, X: NDArray[Any]) -> list[Any]:
        """Return members that have learned nothing, and settle what belongs to all of them."""
        members = self._members()
        random = check_random_state(self.random_state)
        self._seed = int(random.randint(2**31 - 1))
        self._names = [name for name, _ in members]
        self._blend = self._blending(len(members))
        self._learn_scale(X)
        return [unfitted(detector, random) for _, detector in members]

    def _fit(self, X: NDArray[Any]) -> None:
        made = self._start(X)
        jobs = (delayed(fitted)(each, self._rows_for(each, X), self._seed) for each in made)
        self.detectors_, self._n_blocks = list(Parallel(n_jobs=self.n_jobs)(jobs)), 0
        self._refer(X)
        if not self._all_learn():
            del self._reference_rows  # only learning asks for them again

    def _all_learn(self) -> bool:
        return all(can_learn(detector) for _, detector in self._known_members())

    def _some_localise(self) -> bool:
        return any(hasattr(detector, "feature_scores") for _, detector in self._known_members())

    @available_if(_all_learn)
    def _partial_fit(self, X: NDArray[Any]) -> None:
        first = not hasattr(self, "detectors_")
        if first:
            self.detectors_, rows, self._n_blocks = self._start(X), X, 0
        else:
            rows = np.concatenate([self._reference_rows, X])
        self.detectors_ = [
            learned(each, self._rows_for(each, X), self._seed, first=first)
            for each in self.detectors_
        ]
        self._refer(rows)

    def _refer(self, rows: NDArray[Any]) -> None:
        """Learn from rows what scores are usual, and how large those of features are."""
        self._n_blocks += 1
        self._reference_rows = remembered(rows, REFERENCE_ROWS, [self._seed, self._n_blocks])
        self._localised = self._sizes_of_feature_scores()
        scores = self._scores_by_name(self._reference_rows)
        for name, column in scores.items():
            if not np.isfinite(column).all():
                raise TrainingError(f"the detector {name!r} gives scores that are not finite")
        self._settle(np.column_stack([np.sort(column) for column in scores.values()]))

    def _settle(self, reference: Scores) -> None:
        self.reference_scores_ = reference
        scale = SCALES[self._blend["scale"]]
        self._scales = [scale(column) for column in np.ascontiguousarray(reference.T)]

    def _rows_for(self, detector: Any, X: NDArray[Any]) -> NDArray[Any]:
        """Return rows that a member can take: of other packages, most fail on extremes."""
        return X if isinstance(detector, BaseDetector) else np.clip(X, *self._bounds)

    def _scaled_scores(self, X: NDArray[Any]) -> Scores:
        found = self._scores_by_name(X).values()
        return np.column_stack(
            [scale(scores) for scale, scores in zip(self._scales, found, strict=True)]
        )

    def _scores_by_name(self, X: NDArray[Any]) -> dict[str, Scores]:
        return {
            name: scores_of(detector, self._rows_for(detector, X))
            for name, detector in self.named_detectors_.items()
        }

    def _anomaly_score(self, X: NDArray[Any]) -> Scores:
        combine = RULES[self._blend["rule"]]
        return combine(self._scaled_scores(X), np.asarray(self._blend["weights"]))

    def _sizes_of_feature_scores(self) -> list[float]:
        """Return how large those of each member that localises are; 0 for the others."""
        rows = self._reference_rows[:: -(-len(self._reference_rows) // LOCALISED_ROWS)]
        return [
            _size(blame_of(detector, rows)) if hasattr(detector, "feature_scores") else 0.0
            for detector in self.detectors_
        ]

    @available_if(_some_localise)
    def _feature_scores(self, X: NDArray[Any]) -> NDArray[np.float64]:
        relative = [
            blame_of(detector, X) / usual
            for detector, usual in zip(self.detectors_, self._localised, strict=True)
            if usual > 0
        ]
        return np.add.reduce(relative) / len(relative)

    def _get_state(self) -> dict[str, Any]:
        return {name: value for name, value in super()._get_state().items() if name != "_scales"}

    def _set_state(self, state: dict[str, Any]) -> None:
        super()._set_state(state)
        if hasattr(self, "reference_scores_"):
            self._settle(self.reference_scores_)


def _size(feature_scores: NDArray[np.float64]) -> float:
    """Return a unit of feature scores, of either sign, that can be divided by."""
    size = float(np.abs(feature_scores).mean())
    return size if size > SMALLEST_SIZE else 1.0
