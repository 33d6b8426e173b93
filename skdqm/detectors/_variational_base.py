"""What variational detectors share: the evidence lower bound, and scores of the latent law."""

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from skdqm._sklearn import Interval, StrOptions
from skdqm.detectors._reconstruction import ReconstructionDetector
from skdqm.detectors._score_parameter import ScoreParameterMixin
from skdqm.detectors._standardise import Rows
from skdqm.nn import ELBOLoss

# The log-variance that the encoder may give; exp() of it stays finite.
LARGEST_LOG_VARIANCE = 14.0


class VariationalDetector(ScoreParameterMixin, ReconstructionDetector):
    """Base class of reconstruction detectors whose encoder gives mean and log-variance."""

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **ReconstructionDetector._parameter_constraints,
        "beta": [Interval(Real, 0, None, closed="left")],
        "score": [StrOptions({"reconstruction", "kl", "elbo"})],
    }

    def _make_criterion(self) -> nn.Module:
        frozen = self._frozen
        return ELBOLoss(frozen["loss"], frozen["beta"], self._head(), self._usual_total)

    def _kl(self, rows: Rows) -> Rows:
        return self._divergence(self._encode(rows)[1])

    def _elbo(self, rows: Rows) -> Rows:
        standard, code = self._encode(rows)
        losses = self._scored_losses(rows, standard, code)
        divergence = self._frozen["beta"] * self._divergence(code)
        return 0.5 * np.add.reduce(losses, axis=-1) + divergence

    def _divergence(self, code: NDArray[np.float32]) -> Rows:
        """Return the Kullback-Leibler divergence of the latent distribution from the prior."""
        code = code.astype(np.float64)
        width = self._latent_width()
        mean, log_variance = code[..., :width], code[..., width:]
        log_variance = np.minimum(log_variance, LARGEST_LOG_VARIANCE)
        terms = mean * mean + np.exp(log_variance) - 1 - log_variance
        return 0.5 * np.add.reduce(terms, axis=-1)
