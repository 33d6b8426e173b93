"""A dense autoencoder: what it cannot reconstruct is abnormal."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from skdqm._sklearn import Interval, StrOptions
from skdqm.detectors._neural import NeuralDetector
from skdqm.exceptions import DataError, UsageError
from skdqm.nn import (
    ACTIVATIONS,
    LOSSES,
    Affine,
    DenseAutoencoder,
    DenseForward,
    ReconstructionLoss,
    in_tiles,
)

Rows = NDArray[np.float64]

# Standardised values beyond this are cut: they are abnormal anyway, and their squares stay finite.
LARGEST_INPUT = 1e6
# Added to a feature's training loss, so that a (nearly) constant feature does not rule the score.
LOSS_FLOOR = 1e-2
# Counts beyond this are cut: their deviance stays finite, in float32 too.
LARGEST_COUNT = 1e30
# Training rows whose losses are averaged.
WEIGHED_ROWS = 16_384
# A feature that spans less than this share of its largest value does so by rounding.
ROUNDING = 16 * np.finfo(np.float64).eps


class AutoencoderDetector(NeuralDetector):
    """Reconstruction error of a denoising dense autoencoder.

    The network learns to restore normal rows from a narrow latent vector [1]_, given them with
    noise added [2]_, which keeps it from learning the identity. The anomaly score of a row is its
    mean loss over the features, each relative to the feature's own training loss: the negative
    log-likelihood, up to a constant, under a Gaussian residual with a variance per feature. So a
    small error counts where the network is usually exact, and a large one does not where it is not.

    Features are standardised inside, with the mean and spread of the first rows seen, so their
    units do not matter. The network runs in float32 as it trained, the rest of a score in float64,
    and a score is, to the bit, that of the row alone.

    Layers, `noise`, `dropout` and `loss` are those of the first fit until the next one starts anew;
    `lr`, `weight_decay` and `batch_size` may change before a ``partial_fit``.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, default=(64, 32)
        Widths from the input to the latent vector; the decoder mirrors them.
    latent_dim : int or None, default=None
        Width of the latent vector; None takes the square root of the number of features.
    activation : {"relu", "leaky_relu", "elu", "silu", "gelu", "tanh"}, default="tanh"
        Activation between the layers.
    dropout : float, default=0.0
        Probability of dropping a hidden unit while training, in [0, 1).
    noise : float, default=1.0
        Standard deviation of the normal noise added to the inputs while training, in units of
        each feature's spread.
    loss : {"squared", "absolute", "huber", "poisson"}, default="squared"
        Loss of one feature. ``"poisson"`` is the Poisson deviance, for counts as they are
        (not scaled): they enter by their logarithm and the network gives the log of their rate.
        It knows no exposure: rows of different totals are different rows to it.
    optimizer : {"adam", "adamw", "sgd", "rmsprop", "nadam"} or type, default="adam"
        Optimiser, or a class of :mod:`torch.optim`.
    lr : float, default=1e-3
        Learning rate.
    weight_decay : float, default=0.0
        Weight decay of the optimiser.
    batch_size : int or "auto", default="auto"
        Rows in a training step. ``"auto"`` takes a 64th of the rows, at least 32, at most 512.
    max_epochs : int, default=50
        Passes over the training rows in all, with those of earlier fits when `warm_start` goes
        on. A ``partial_fit`` makes one pass.
    early_stopping : bool, default=False
        Hold rows out of ``fit``, stop when their loss no longer falls, keep the best epoch.
    validation_fraction : float, default=0.1
        Share of the rows held out for early stopping, in (0, 1).
    n_iter_no_change : int, default=10
        Epochs without a better validation loss before early stopping.
    warm_start : bool, default=False
        Let ``fit`` continue an earlier fit until the history has `max_epochs` epochs.
    callbacks : list of skorch.callbacks.Callback or None, default=None
        Further callbacks for skorch; copies are used. They are not part of a model file.
    device : str, default="cpu"
        Torch device to train on, for example ``"cuda"``. Scoring runs on the CPU.
    random_state : int, RandomState instance or None, default=None
        Seed of weights, order of rows and noise. An int reproduces to the bit on the CPU.
    verbose : int, default=0
        Show a progress bar on standard error when not 0.
    contamination : float, default=0.01
        Share of the training rows that the threshold flags, in (0, 0.5]. See
        :meth:`calibrate` for an alarm rate that holds on new rows.

    Attributes
    ----------
    history_ : list of dict
        Figures of each epoch: ``epoch``, ``train_loss``, ``dur`` (seconds), and ``valid_loss``
        with early stopping.
    net_ : skorch.NeuralNet
        The trained net, with the module in ``net_.module_``.
    location_, scale_ : ndarray of shape (n_features_in_,)
        What the features were standardised with.
    feature_loss_ : ndarray of shape (n_features_in_,)
        Mean training loss of each feature, over at most 16,384 rows.
    offset_ : float
        The threshold on ``score_samples``.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, when ``fit`` saw a data frame.

    See Also
    --------
    VAEDetector : Scores by likelihood in place of the residual alone.

    References
    ----------
    .. [1] M. A. Kramer, "Nonlinear principal component analysis using autoassociative neural
           networks", AIChE Journal 37 (1991) 233.
    .. [2] P. Vincent et al., "Extracting and composing robust features with denoising
           autoencoders", ICML (2008).

    Examples
    --------
    >>> from skdqm.datasets import make_detector_data
    >>> from skdqm.detectors import AutoencoderDetector
    >>> X, y = make_detector_data(1000, random_state=0)
    >>> detector = AutoencoderDetector(max_epochs=20, random_state=0).fit(X[y == 0])
    >>> float((detector.predict(X[y == 1]) == -1).mean()) > 0.5
    True
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **NeuralDetector._parameter_constraints,
        "hidden_layer_sizes": ["array-like"],
        "latent_dim": [Interval(Integral, 1, None, closed="left"), None],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "noise": [Interval(Real, 0, None, closed="left")],
        "loss": [StrOptions(set(LOSSES))],
    }

    _frozen_parameters: tuple[str, ...] = ("loss",)
    _network = DenseAutoencoder

    def __init__(
        self,
        *,
        hidden_layer_sizes: Sequence[int] = (64, 32),
        latent_dim: int | None = None,
        activation: str = "tanh",
        dropout: float = 0.0,
        noise: float = 1.0,
        loss: str = "squared",
        optimizer: Any = "adam",
        lr: float = 1e-3,
        weight_decay: float = 0.0,
        batch_size: int | str = "auto",
        max_epochs: int = 50,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        warm_start: bool = False,
        callbacks: Any = None,
        device: str = "cpu",
        random_state: Any = None,
        verbose: int = 0,
        contamination: float = 0.01,
    ) -> None:
        super().__init__(contamination=contamination)
        self.hidden_layer_sizes = hidden_layer_sizes
        self.latent_dim = latent_dim
        self.activation = activation
        self.dropout = dropout
        self.noise = noise
        self.loss = loss
        self.optimizer = optimizer
        self.lr = lr
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def _design(self) -> dict[str, Any]:
        return {
            "n_features": self.n_features_in_,
            "hidden_layer_sizes": checked_widths(self.hidden_layer_sizes),
            "latent_dim": self._n_features_out,
            "activation": self.activation,
            "dropout": self.dropout,
            "noise": self.noise,
        }

    def _make_module(self, **design: Any) -> nn.Module:
        return self._network(**design)

    def _make_criterion(self) -> nn.Module:
        return ReconstructionLoss(self._frozen["loss"], self._head())

    def _head(self) -> nn.Module | None:
        """Return what turns the output into log-rates, if counts are learned."""
        return Affine(self.location_, self.scale_) if self._counts() else None

    def _counts(self) -> bool:
        return bool(self._frozen["loss"] == "poisson")

    def _prepare(self, X: NDArray[Any]) -> None:
        """Learn the scale of the features, so that their units do not matter."""
        self._n_features_out = self.latent_dim or self._default_latent_dim()
        values = self._values(X)
        largest = np.maximum(values.max(axis=0), -values.min(axis=0)).astype(np.float64)
        # In units of the largest value, squares neither overflow nor vanish.
        unit = np.where(largest > 0, largest, 1.0)
        shares = values / unit
        self.location_ = unit * shares.mean(axis=0)
        varies = np.ptp(shares, axis=0) > ROUNDING
        self.scale_ = np.where(varies, unit * shares.std(axis=0), 1.0)
        with np.errstate(over="ignore"):
            reach = LARGEST_INPUT * self.scale_
        self._bounds = np.stack([self.location_ - reach, self.location_ + reach])
        if not np.isfinite(reach).all():
            raise DataError(
                f"the spread of feature {int(np.argmin(np.isfinite(reach)))} is too large for "
                "floating-point numbers; scale the features or mask invalid values"
            )

    def _default_latent_dim(self) -> int:
        return max(1, round(self.n_features_in_**0.5))

    def _tensors(self, X: NDArray[Any]) -> tuple[torch.Tensor, ...]:
        standard = torch.from_numpy(self._standardise(X).astype(np.float32))
        if not self._counts():
            return (standard,)
        return standard, torch.from_numpy(np.minimum(X, LARGEST_COUNT).astype(np.float32))

    def _compile(self) -> tuple[DenseForward, DenseForward]:
        return DenseForward(self.net_.module_.encoder), DenseForward(self.net_.module_.decoder)

    def _weigh(self, X: NDArray[Any], n_before: int) -> None:
        # Some thousands of rows say as much as a million.
        chosen = X
        if len(X) > WEIGHED_ROWS:
            chosen = X[
                np.random.default_rng(self._seed).choice(len(X), WEIGHED_ROWS, replace=False)
            ]
        mean = in_tiles(lambda rows: self._losses(rows, *self._encode(rows)), chosen).mean(axis=0)
        if n_before:
            mean = (n_before * self.feature_loss_ + len(X) * mean) / (n_before + len(X))
        self.feature_loss_: Rows = mean

    def _latent(self, X: NDArray[Any]) -> NDArray[np.float64]:
        return in_tiles(lambda rows: self._encode(rows)[1][..., : self._n_features_out], X)

    def _anomaly_score(self, X: NDArray[Any]) -> NDArray[np.float64]:
        return in_tiles(self._reconstruction, X)

    def _feature_scores(self, X: NDArray[Any]) -> NDArray[np.float64]:
        return in_tiles(lambda rows: self._relative_losses(rows, *self._encode(rows)), X)

    def _reconstruction(self, rows: Rows) -> Rows:
        losses = self._relative_losses(rows, *self._encode(rows))
        return np.add.reduce(losses, axis=-1) / self.n_features_in_

    def _encode(self, rows: Rows) -> tuple[Rows, NDArray[np.float32]]:
        """Return rows standardised, and what the encoder gives for them."""
        encoder, _ = self._compiled
        standard = self._standardise(rows)
        return standard, encoder(standard)

    def _losses(self, rows: Rows, standard: Rows, code: NDArray[np.float32]) -> Rows:
        """Return the losses of encoded rows; the network alone runs in float32."""
        _, decoder = self._compiled
        output = decoder(code[..., : self._n_features_out])
        if self._counts():
            rates = self.location_ + self.scale_ * output
            return LOSSES["poisson"](rates, np.minimum(rows, LARGEST_COUNT), np)
        return LOSSES[self._frozen["loss"]](output, standard, np)

    def _relative_losses(self, rows: Rows, standard: Rows, code: NDArray[np.float32]) -> Rows:
        return self._losses(rows, standard, code) / (self.feature_loss_ + LOSS_FLOOR)

    def _standardise(self, X: NDArray[Any]) -> Rows:
        lowest, highest = self._bounds
        standard = np.minimum(np.maximum(self._values(X), lowest), highest)
        standard -= self.location_
        standard /= self.scale_
        return standard

    def _values(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return what is standardised: the features, or the logarithm of counts."""
        if not self._counts():
            return X
        if (X < 0).any():
            raise DataError(
                f"loss='poisson' needs counts, found {int((X < 0).sum())} negative values; "
                "give the counts as they are, without scaling, or take another loss"
            )
        return np.log1p(X)


def checked_widths(widths: Any) -> list[int]:
    """Return the widths of hidden layers, or say what is wrong with them."""
    if not all(isinstance(width, Integral) and int(width) > 0 for width in widths):
        raise UsageError(f"hidden_layer_sizes must be whole numbers above zero, found {widths!r}")
    return [int(width) for width in widths]
