"""What all detectors share that score by reconstruction: scale, losses, maps."""

from abc import abstractmethod
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from skdqm._sklearn import Interval, StrOptions
from skdqm.detectors._neural import NeuralDetector
from skdqm.detectors._standardise import Rows, StandardisingMixin, group_means
from skdqm.exceptions import DataError, UsageError
from skdqm.nn import (
    LARGEST_LOG_RATE,
    LOSSES,
    SMALLEST_TOTAL,
    Affine,
    ReconstructionLoss,
    in_tiles,
    log_exposure,
)

# Added to a feature's training loss, so that a (nearly) constant feature does not rule the score.
LOSS_FLOOR = 1e-2
# Counts beyond this are cut: their deviance stays finite, in float32 too.
LARGEST_COUNT = 1e30
# Training rows whose losses are averaged.
WEIGHED_ROWS = 16_384


class ReconstructionDetector(StandardisingMixin, NeuralDetector):
    """Base class of detectors that encode rows, decode them again, and score what is lost.

    A subclass names its ``_network`` (or writes ``_make_module``) and writes ``_design``,
    ``_default_latent_dim`` and ``_compile``, which gives the encoder and the decoder as functions
    of tiles of rows.
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **NeuralDetector._parameter_constraints,
        "latent_dim": [Interval(Integral, 1, None, closed="left"), None],
        "noise": [Interval(Real, 0, None, closed="left")],
        "loss": [StrOptions(set(LOSSES))],
    }

    # The usual total of a row of counts, if rows are known to differ by their exposure.
    _usual_total: float | None
    _frozen_parameters: tuple[str, ...] = ("loss",)

    _network: type[nn.Module]

    latent_dim: int | None
    noise: float
    loss: str

    @abstractmethod
    def _default_latent_dim(self) -> int:
        """Return the width of the latent vector when none is asked for."""

    @abstractmethod
    def _compile(self) -> tuple[Any, Any]:
        """Return the encoder and the decoder, which map (..., n_inputs) to (..., n_outputs)."""

    def reconstruct(self, X: ArrayLike) -> Rows:
        """Return rows as the network restores them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to encode and decode again.

        Returns
        -------
        X_reconstructed : ndarray of shape (n_samples, n_features)
            What the decoder gives, in the units of `X`; expected counts with ``loss="poisson"``.
            Of several networks, the mean in these units.
        """
        return self._by_row(self._restored, self._validated(X))

    def _restored(self, rows: Rows) -> Rows:
        output, _ = self._decode(rows, *self._encode(rows))
        if self._counts():
            # Already with the logarithm of the row's exposure.
            return self._masked(np.exp(np.minimum(output, LARGEST_LOG_RATE)))
        return self._masked(self.location_ + self.scale_ * output)

    def _groups(self) -> NDArray[np.intp] | None:
        """Say which columns share a scale and a mean loss, as numbers; None: each has its own."""
        return None

    def _masked(self, values: NDArray[Any]) -> NDArray[Any]:
        """Set to zero what belongs to columns that do not count."""
        return values

    def _make_module(self, **design: Any) -> nn.Module:
        return self._network(**design)

    def _make_criterion(self) -> nn.Module:
        return ReconstructionLoss(self._frozen["loss"], self._head(), self._usual_total)

    def _head(self) -> nn.Module | None:
        """Return what turns the output into log-rates, if counts are learned."""
        return Affine(self.location_, self.scale_) if self._counts() else None

    def _counts(self) -> bool:
        return bool(self._frozen["loss"] == "poisson")

    @property
    def signed_feature_scores(self) -> bool:  # type: ignore[override]
        """Whether feature scores are pulls: those of counts are, once it is fitted."""
        return hasattr(self, "_frozen") and self._counts()

    def _prepare(self, X: NDArray[Any]) -> None:
        self._usual_total = self._learned_total(X)
        self._n_features_out = self._asked_width()
        self._learn_scale(self._values(X), self._groups())

    @property
    def takes_counts(self) -> bool:  # type: ignore[override]
        """Whether rows are counts."""
        return self.loss == "poisson"

    def _learned_total(self, X: NDArray[Any]) -> float | None:
        if self._frozen.get("exposure") is None:
            return None
        if not self._counts():
            raise UsageError("exposure='total' is for counts; set loss='poisson', or exposure=None")
        totals = np.add.reduce(self._targets(X), axis=-1, dtype=np.float64)
        return float(np.median(totals[totals > 0])) if (totals > 0).any() else 1.0

    def _asked_width(self) -> int:
        return self.latent_dim or self._default_latent_dim()

    def _latent_width(self) -> int:
        """Return the width of the latent vector that the network has."""
        return self._n_features_out

    def _tensors(self, X: NDArray[Any]) -> tuple[torch.Tensor, ...]:
        standard = torch.from_numpy(self._standardise(self._values(X)).astype(np.float32))
        if not self._counts():
            return (standard,)
        return standard, torch.from_numpy(self._targets(X).astype(np.float32))

    def _weigh(self, X: NDArray[Any], n_before: int) -> None:
        before = self.feature_loss_ if n_before else None
        self.feature_loss_: Rows = self._mean_losses(self._losses, X, before, n_before)

    def _mean_losses(
        self, losses: Callable[..., Rows], X: NDArray[Any], before: Rows | None, n_before: int
    ) -> Rows:
        """Average losses over rows, and with what was known from `n_before` others."""
        some = self._by_row(lambda rows: losses(rows, *self._encode(rows)), self._some(X))
        mean = some.mean(axis=0)
        groups = self._groups()
        if groups is not None:
            mean = group_means(mean, groups)
        if before is None:
            return mean
        return (n_before * before + len(X) * mean) / (n_before + len(X))

    def _some(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return rows to take means over: some thousands say as much as a million."""
        if len(X) <= WEIGHED_ROWS:
            return X
        return X[np.random.default_rng(self._seed).choice(len(X), WEIGHED_ROWS, replace=False)]

    def _latent(self, X: NDArray[Any]) -> NDArray[np.float64]:
        return in_tiles(self._latent_vectors, X)

    def _latent_vectors(self, rows: Rows) -> NDArray[np.float32]:
        return self._encode(rows)[1][..., : self._latent_width()]

    def _anomaly_score(self, X: NDArray[Any]) -> NDArray[np.float64]:
        return self._by_row(self._scores, X)

    def _scores(self, rows: Rows) -> Rows:
        # The parameter `score`, where there is one, names the method.
        return getattr(self, f"_{self._frozen.get('score', 'reconstruction')}")(rows)

    def _feature_scores(self, X: NDArray[Any]) -> NDArray[np.float64]:
        function = self._pulls if self._counts() else self._relative_losses
        return self._by_row(lambda rows: function(rows, *self._encode(rows)), X)

    def _pulls(self, rows: Rows, standard: Rows, code: NDArray[np.float32]) -> Rows:
        """Return deviance residuals of counts, in units of those of the training rows."""
        output, counts = self._decode(rows, standard, code)
        usual = np.sqrt(self.feature_loss_ + LOSS_FLOOR)
        residuals = np.sqrt(self._losses(rows, standard, code)) / usual
        return np.copysign(residuals, counts - np.exp(np.minimum(output, LARGEST_LOG_RATE)))

    def _by_row(self, function: Callable[[Rows], Rows], X: NDArray[Any]) -> Rows:
        """Apply a function of tiles of rows to all rows."""
        return in_tiles(function, X)

    def _reconstruction(self, rows: Rows) -> Rows:
        losses = self._scored_losses(rows, *self._encode(rows))
        return self._mean(losses)

    def _mean(self, losses: Rows) -> Rows:
        """Return the mean loss of rows over what counts in them."""
        return np.add.reduce(losses, axis=-1) / self.n_features_in_

    def _encode(self, rows: Rows) -> tuple[Rows, NDArray[np.float32]]:
        """Return rows standardised, and what the encoder gives for them."""
        encoder, _ = self._compiled
        standard = self._standardise(self._values(rows))
        return standard, encoder(standard)

    def _losses(self, rows: Rows, standard: Rows, code: NDArray[np.float32]) -> Rows:
        """Return the losses of encoded rows."""
        output, target = self._decode(rows, standard, code)
        return self._masked(LOSSES[self._frozen["loss"]](output, target, np))

    def _decode(self, rows: Rows, standard: Rows, code: NDArray[np.float32]) -> tuple[Rows, Rows]:
        """Return what the loss compares: standardised values, or log-rates and counts.

        The network alone runs in float32.
        """
        _, decoder = self._compiled
        output = decoder(code[..., : self._latent_width()])
        if not self._counts():
            return output, standard
        log_rates, counts = self.location_ + self.scale_ * output, self._targets(rows)
        if self._usual_total is not None:
            log_rates = log_rates + log_exposure(counts, self._usual_total, np)
        return log_rates, counts

    def _relative_losses(self, rows: Rows, standard: Rows, code: NDArray[np.float32]) -> Rows:
        return self._losses(rows, standard, code) / (self.feature_loss_ + LOSS_FLOOR)

    def _scored_losses(self, rows: Rows, standard: Rows, code: NDArray[np.float32]) -> Rows:
        """Return the relative losses that a score sums; by default those of each feature."""
        return self._relative_losses(rows, standard, code)

    def _values(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return what is standardised: the features, or the logarithm of counts."""
        values = self._masked(X)
        if not self._counts():
            return values
        if (values < 0).any():
            raise DataError(
                f"loss='poisson' needs counts, found negative values, as {values.min():g}; "
                "give the counts as they are, without scaling, or take another loss"
            )
        if self._usual_total is not None:
            totals = np.maximum(np.add.reduce(values, axis=-1, keepdims=True), SMALLEST_TOTAL)
            values = values * (self._usual_total / totals)
        return np.log1p(values)

    def _targets(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return the counts that the rates are compared with."""
        return np.minimum(self._masked(X), LARGEST_COUNT)
