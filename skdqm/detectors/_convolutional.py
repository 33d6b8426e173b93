"""Convolutional autoencoders: images whose pixels cannot be reconstructed are abnormal."""

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import nn

from skdqm._row_shape import checked_image_shape
from skdqm._sklearn import Interval, StrOptions
from skdqm.detectors._neural import checked_widths
from skdqm.detectors._reconstruction import LOSS_FLOOR, ReconstructionDetector
from skdqm.detectors._score_parameter import ScoreParameterMixin
from skdqm.detectors._standardise import Rows
from skdqm.exceptions import UsageError
from skdqm.nn import (
    ACTIVATIONS,
    LARGEST_LOG_RATE,
    LOSSES,
    Affine,
    ConvAutoencoder,
    ModuleForward,
)

# The widest latent vector taken by default: with a wider one the network learns the identity.
WIDEST_LATENT = 16
# Share of the mean variance of latent vectors that is added to every variance of theirs.
VARIANCE_FLOOR = 1e-2
SMALLEST_VARIANCE = 1e-30
# Stands for a count of zero where a logarithm is taken: no rate is below it.
SMALLEST_COUNT = 1e-300


class ConvAutoencoderDetector(ScoreParameterMixin, ReconstructionDetector):
    """Reconstruction error of a convolutional autoencoder, for images of any size.

    Convolutions halve the image until a linear layer makes a narrow latent vector of it; the way
    back mirrors them [1]_. Rows are flattened images, so that the detector is a step of a Pipeline
    like any other. An image has two scores, each about one on average in training:

    * ``"reconstruction"``: the mean loss of its pixels, relative to the mean training loss of the
      pixels that share a scale. Residuals are blurred first over `smoothing` pixels: errors of
      neighbours that agree add up, and the noise of single pixels cancels;
    * ``"mahalanobis"``: the squared Mahalanobis distance of its latent vector from those of the
      training images, divided by their number of coordinates: it sees images that are well
      reconstructed and yet unusual [2]_;

    and ``"sum"`` is their sum. ``feature_scores`` is the map of relative losses, pixel by pixel and
    not blurred, to be reshaped to `image_shape`.

    Standardisation is inside, by default with one mean and one spread for all pixels. For jet
    images that decides: it keeps the scale of the transverse momentum, and an image is abnormal in
    how much there is, not only in where. No pixel is divided by the maximum of its image.

    The network runs in float32, in tiles of eight images, the rest of a score in float64; a score
    is, to the bit, that of the image alone. What decides what scores mean (layers, `image_shape`,
    `mask`, `scaling`, `loss`, `smoothing`, `score`) is that of the first fit until the next one
    starts anew.

    Parameters
    ----------
    image_shape : sequence of three int or None, default=None
        Channels, height and width of the images that the rows hold, channel after channel and line
        after line; None takes a row as one line of pixels of one channel.
    mask : array-like of bool or None, default=None
        True where a pixel exists; of shape (height, width) for all channels, or of `image_shape`.
        The others are ignored, whatever they hold (but NaN), and their ``feature_scores`` are 0.
    scaling : {"image", "channel", "pixel"}, default="image"
        What shares one mean, one spread and one training loss: all pixels, which keeps every
        ratio in an image; the pixels of a channel, for channels of different units; or the pixel
        alone over all images, for maps where each pixel is a detector channel of its own.
    hidden_channels : sequence of int, default=(16, 32)
        Channels after each convolution of the encoder, which halves height and width; the decoder
        mirrors them.
    latent_dim : int or None, default=None
        Width of the latent vector; None takes the square root of the number of pixels, at most 16:
        with wider ones the network learns to copy any image.
    activation : {"relu", "leaky_relu", "elu", "silu", "gelu", "tanh"}, default="silu"
        Activation between the layers.
    noise : float, default=0.0
        Standard deviation of the normal noise added to the inputs while training, in units of
        the spread.
    loss : {"squared", "absolute", "huber", "poisson"}, default="squared"
        Loss of one pixel. ``"poisson"`` is the Poisson deviance, for counts as they are
        (not scaled): they enter by their logarithm and the network gives the log of their rate.
        Feature scores are pulls then, with a sign.
    exposure : {"total"} or None, default=None
        ``"total"``, for ``loss="poisson"``: what is learned is the shape of a row, in proportion to
        the sum of its counts, so that rows of other statistics are no other rows. None: rows of
        different totals are different rows.
    smoothing : float, default=1.0
        Standard deviation, in pixels, of the normal distribution that residuals (signed roots of
        losses) are blurred with; 0 leaves them as they are, for faults of single pixels.
    score : {"sum", "reconstruction", "mahalanobis"}, default="sum"
        What the anomaly score is: see above. It is a parameter alone, no attribute: scikit-learn
        takes whatever is called ``score`` for a method.
    optimizer : {"adam", "adamw", "sgd", "rmsprop", "nadam"} or type, default="adam"
        Optimiser, or a class of ``torch.optim``.
    lr : float, default=1e-3
        Learning rate.
    weight_decay : float, default=0.0
        Weight decay of the optimiser.
    batch_size : int or "auto", default="auto"
        Rows in a training step. ``"auto"`` takes a 64th of the rows, at least 32, at most 512.
    max_epochs : int, default=20
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
    location_, scale_ : ndarray of shape (n_features,)
        What the pixels were standardised with.
    feature_loss_ : ndarray of shape (n_features,)
        Mean training loss of the pixels that share a scale, over at most 16,384 images.
    smoothed_loss_ : ndarray of shape (n_features,)
        The same of blurred residuals.
    latent_mean_, latent_covariance_ : ndarray
        Mean and covariance of the latent vectors of the training images.
    offset_ : float
        The threshold on ``score_samples``.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, when ``fit`` saw a data frame.

    See Also
    --------
    ConvVAEDetector : Scores by likelihood in place of the residual alone.
    skdqm.preprocessing.JetImages : Makes images of particle lists.

    References
    ----------
    .. [1] J. Masci et al., "Stacked convolutional auto-encoders for hierarchical feature
           extraction", ICANN (2011); for jets, M. Farina et al., "Searching for new physics with
           deep autoencoders", Phys. Rev. D 101 (2020) 075021, arXiv:1808.08992.
    .. [2] T. Denouden et al., "Improving reconstruction autoencoder out-of-distribution detection
           with Mahalanobis distance", arXiv:1812.02765.

    Examples
    --------
    A map of 6 x 10 cells with a bright spot that moves; then one with a dead half:

    >>> import numpy as np
    >>> from skdqm.detectors import ConvAutoencoderDetector
    >>> rng = np.random.default_rng(0)
    >>> centre = rng.uniform(3, 7, size=(500, 1, 1))
    >>> maps = rng.poisson(50 * np.exp(-0.1 * (np.arange(10) - centre) ** 2) * np.ones((6, 1)))
    >>> detector = ConvAutoencoderDetector(image_shape=(1, 6, 10), max_epochs=30, random_state=0)
    >>> detector = detector.fit(maps.reshape(500, -1))
    >>> dead = maps[:1].copy()
    >>> dead[:, 3:] = 0
    >>> bool(detector.predict(dead.reshape(1, -1))[0] == -1)
    True
    >>> loss_map = detector.feature_scores(dead.reshape(1, -1)).reshape(6, 10)
    >>> bool(loss_map[3:].mean() > 3 * loss_map[:3].mean())
    True
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **ReconstructionDetector._parameter_constraints,
        "image_shape": ["array-like", None],
        "mask": ["array-like", None],
        "hidden_channels": ["array-like"],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "scaling": [StrOptions({"image", "channel", "pixel"})],
        "smoothing": [Interval(Real, 0, None, closed="left")],
        "score": [StrOptions({"reconstruction", "mahalanobis", "sum"})],
        "exposure": [StrOptions({"total"}), None],
    }

    _frozen_parameters: tuple[str, ...] = ("loss", "exposure", "scaling", "smoothing", "score")
    _network: type[nn.Module] = ConvAutoencoder

    def __init__(
        self,
        *,
        image_shape: Sequence[int] | None = None,
        mask: Any = None,
        scaling: str = "image",
        hidden_channels: Sequence[int] = (16, 32),
        latent_dim: int | None = None,
        activation: str = "silu",
        noise: float = 0.0,
        loss: str = "squared",
        exposure: str | None = None,
        smoothing: float = 1.0,
        score: str = "sum",
        optimizer: Any = "adam",
        lr: float = 1e-3,
        weight_decay: float = 0.0,
        batch_size: int | str = "auto",
        max_epochs: int = 20,
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
        self.image_shape = image_shape
        self.mask = mask
        self.scaling = scaling
        self.hidden_channels = hidden_channels
        self.latent_dim = latent_dim
        self.activation = activation
        self.noise = noise
        self.loss = loss
        self.exposure = exposure
        self.smoothing = smoothing
        self.score = score
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
            "image_shape": self._image_shape,
            "hidden_channels": checked_widths(self.hidden_channels, "hidden_channels"),
            "latent_dim": self._n_features_out,
            "activation": self.activation,
            "noise": self.noise,
            "mask": self._exists,
        }

    def _prepare(self, X: NDArray[Any]) -> None:
        self._image_shape = self._checked_shape()
        self._exists = self._checked_mask()
        super()._prepare(X)

    def _checked_shape(self) -> list[int]:
        """Return channels, height and width; one row of pixels when nothing was said."""
        if self.image_shape is None:
            return [1, 1, self.n_features_in_]
        return checked_image_shape(self.image_shape, self.n_features_in_)

    def _checked_mask(self) -> NDArray[np.bool_] | None:
        """Return which pixels exist, one value for each feature; None where all do."""
        if self.mask is None:
            return None
        try:
            mask = np.asarray(self.mask)
        except ValueError as error:
            raise UsageError(f"mask: expected an array of booleans, found {error}") from error
        channels, *sides = self._image_shape
        if list(mask.shape) == sides:
            mask = np.stack([mask] * channels)
        if mask.dtype != bool or list(mask.shape) != self._image_shape or not mask.any():
            raise UsageError(
                f"mask: expected booleans of shape {tuple(sides)} or {tuple(self._image_shape)}, "
                f"True where a pixel exists, found {mask.dtype} of shape {mask.shape}, "
                f"{np.count_nonzero(mask)} of them true"
            )
        return mask.reshape(-1)

    def _groups(self) -> NDArray[np.intp] | None:
        if self._frozen["scaling"] == "pixel":
            return None
        pixels = np.arange(self.n_features_in_)
        channels = pixels // math.prod(self._image_shape[1:])
        groups = channels if self._frozen["scaling"] == "channel" else np.zeros_like(channels)
        # Pixels that do not exist are zero, and must not move the scale of the others.
        return groups if self._exists is None else np.where(self._exists, groups, groups.max() + 1)

    def _masked(self, values: NDArray[Any]) -> NDArray[Any]:
        return values if self._exists is None else np.where(self._exists, values, 0.0)

    def _mean(self, losses: Rows) -> Rows:
        n_pixels = self.n_features_in_ if self._exists is None else np.count_nonzero(self._exists)
        return np.add.reduce(losses, axis=-1) / n_pixels

    def _head(self) -> nn.Module | None:
        if not self._counts() or self._exists is None:
            return super()._head()
        # Where there is no pixel, no count is expected, and none is there: no loss.
        location = np.where(self._exists, self.location_, -LARGEST_LOG_RATE)
        return Affine(location, self.scale_)

    def _default_latent_dim(self) -> int:
        return min(WIDEST_LATENT, max(1, round(self.n_features_in_**0.5)))

    def _compile(self) -> tuple[ModuleForward, ModuleForward]:
        module = self.net_.module_
        return ModuleForward(module.encoder), ModuleForward(module.decoder)

    def _weigh(self, X: NDArray[Any], n_before: int) -> None:
        super()._weigh(X, n_before)
        before = self.smoothed_loss_ if n_before else None
        self.smoothed_loss_: Rows = self._mean_losses(self._smoothed_losses, X, before, n_before)
        if self._frozen["score"] in {"mahalanobis", "sum"}:
            self._learn_latent_law(self._latent(self._some(X)), len(X) / (n_before + len(X)))

    def _learn_latent_law(self, codes: Rows, share: float) -> None:
        """Merge mean and covariance of latent vectors, which count by `share`, with those known."""
        mean = codes.mean(axis=0)
        covariance = (codes - mean).T @ (codes - mean) / len(codes)
        if share < 1:
            step = mean - self.latent_mean_
            covariance = share * covariance + (1 - share) * self.latent_covariance_
            covariance += share * (1 - share) * np.outer(step, step)
            mean = self.latent_mean_ + share * step
        self.latent_mean_: Rows = mean
        self.latent_covariance_: Rows = covariance
        variances, axes = np.linalg.eigh(covariance)
        floor = VARIANCE_FLOOR * max(float(variances.mean()), SMALLEST_VARIANCE)
        self._whiten = axes / np.sqrt(variances.clip(min=0) + floor)

    def _smoothed_losses(self, rows: Rows, standard: Rows, code: NDArray[np.float32]) -> Rows:
        """Return losses of residuals (signed roots of losses) blurred over the image."""
        output, target = self._decode(rows, standard, code)
        losses = LOSSES[self._frozen["loss"]](output, target, np)
        if self._counts():
            target = np.log(np.maximum(target, SMALLEST_COUNT))
        residuals = self._masked(np.copysign(np.sqrt(losses), target - output))
        images = residuals.reshape(*residuals.shape[:-1], *self._image_shape)
        sigma = self._frozen["smoothing"]
        blurred = gaussian_filter(images, sigma, mode="constant", axes=(-2, -1))
        return self._masked(blurred.reshape(residuals.shape) ** 2)

    def _scored_losses(self, rows: Rows, standard: Rows, code: NDArray[np.float32]) -> Rows:
        losses = self._smoothed_losses(rows, standard, code)
        return losses / (self.smoothed_loss_ + LOSS_FLOOR)

    def _mahalanobis(self, rows: Rows) -> Rows:
        return self._latent_distance(self._encode(rows)[1])

    def _sum(self, rows: Rows) -> Rows:
        standard, code = self._encode(rows)
        losses = self._scored_losses(rows, standard, code)
        return self._mean(losses) + self._latent_distance(code)

    def _latent_distance(self, code: NDArray[np.float32]) -> Rows:
        """Return the squared Mahalanobis distance of latent vectors, per coordinate."""
        white = (code.astype(np.float64) - self.latent_mean_) @ self._whiten
        return np.add.reduce(white * white, axis=-1) / len(self.latent_mean_)
