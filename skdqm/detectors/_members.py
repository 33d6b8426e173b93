"""Detectors of several networks of one shape: a deep ensemble, trained in one go."""

from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import nn

from skdqm._sklearn import Interval
from skdqm.base import turned
from skdqm.detectors._reconstruction import ReconstructionDetector
from skdqm.detectors._standardise import Rows
from skdqm.nn import StackedLoss, in_tiles


class MembersDetector(ReconstructionDetector):
    """Base class of reconstruction detectors that may have several networks.

    What several networks give for tiles of rows has the member first. The arithmetic of a score is
    the same for each of them, and means over members are taken last.
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **ReconstructionDetector._parameter_constraints,
        "n_members": [Interval(Integral, 1, None, closed="left")],
    }

    n_members: int

    def member_scores(self, X: ArrayLike) -> NDArray[np.float64]:
        """Score rows by each network of the ensemble; low is abnormal.

        Their mean is what ``score_samples`` gives. Their spread is an uncertainty of it, of what
        chance decides in training: members agree where there were training rows, and differ where
        they extrapolate [1]_. It grows with the score, so read it beside the score.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to score.

        Returns
        -------
        scores : ndarray of shape (n_samples, n_members)
            The negative anomaly score of each row by each network.

        References
        ----------
        .. [1] B. Lakshminarayanan et al., "Simple and scalable predictive uncertainty estimation
               using deep ensembles", NeurIPS (2017).
        """
        return turned(self._by_member(self._scores, self._validated(X)))

    def _prepare(self, X: NDArray[Any]) -> None:
        super()._prepare(X)
        self._n_features_out *= int(self.n_members)

    def _asked_members(self) -> dict[str, int]:
        """Return what several members add to a design; one adds nothing."""
        return {"n_members": int(self.n_members)} if self.n_members > 1 else {}

    def _n_trained(self) -> int:
        """Return the number of members that there are, whatever the parameter is now."""
        return int(self._design_.get("n_members", 1))

    def _latent_width(self) -> int:
        return int(self._design_["latent_dim"])

    def _make_criterion(self) -> nn.Module:
        criterion, n_members = super()._make_criterion(), self._n_trained()
        return criterion if n_members == 1 else StackedLoss(criterion, n_members)

    def _latent(self, X: NDArray[Any]) -> NDArray[np.float64]:
        return self._by_member(self._latent_vectors, X).reshape(len(X), -1)

    def _by_row(self, function: Callable[[Rows], Rows], X: NDArray[Any]) -> Rows:
        if self._n_trained() == 1:
            return in_tiles(function, X)
        return in_tiles(lambda rows: function(rows).mean(axis=0), X)

    def _by_member(self, function: Callable[[Rows], NDArray[Any]], X: NDArray[Any]) -> Rows:
        """Apply a function of tiles of rows, to an array of shape (n_samples, n_members, ...)."""
        if self._n_trained() == 1:
            return in_tiles(function, X)[:, None]
        return in_tiles(lambda rows: np.moveaxis(function(rows), 0, 2), X)
