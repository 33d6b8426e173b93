"""Contrastive learning: abnormal is what lies far from good rows in a space learned from views."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from skdqm._row_shape import checked_image_shape
from skdqm._sklearn import Interval, StrOptions
from skdqm.detectors._contrastive_design import contrastive_module, width_of
from skdqm.detectors._latent_scores import LATENT_SCORES
from skdqm.detectors._memory import remembered
from skdqm.detectors._neural import checked_widths
from skdqm.detectors._reconstruction import LOSS_FLOOR, ReconstructionDetector
from skdqm.detectors._score_parameter import ScoreParameterMixin
from skdqm.detectors._standardise import Rows, group_means
from skdqm.exceptions import UsageError
from skdqm.nn import (
    ACTIVATIONS,
    ContrastiveLoss,
    DenseForward,
    ModuleForward,
    ReconstructionLoss,
    RowByRowForward,
    ShortcutForward,
    in_tiles,
)

LARGEST_LATENT_DIM = 64
# Weight of a residual beside the latent vector, one for all data: at 0.3, 0.5 and 1 the mean AUC
# (kNN score, per cent) was 84.9, 85.2 and 85.4 on 22 sets of ADBench cut to 3,000 rows, and 83.4,
# 81.8 and 77.7 on 3,000 events of the LHC Olympics.
RESIDUAL_WEIGHT = 0.3
# Keeps the unit of latent vectors above zero when rows are all alike.
SMALLEST_VARIANCE = 1e-12
# What `encoder` is called in the design when it is a module of the user.
GIVEN = "given"
# How encoder and decoder become functions of tiles of rows.
FORWARDS: dict[str, tuple[Any, Any]] = {
    "dense": (ShortcutForward, DenseForward),
    "conv": (ModuleForward, ModuleForward),
    GIVEN: (RowByRowForward, DenseForward),
}


class ContrastiveDetector(ScoreParameterMixin, ReconstructionDetector):
    """Distance from good rows in a latent space learned by telling views of rows apart.

    Two random views of every row, with noise, another scale and some values of other rows, must
    be found among those of the other rows of a batch, by their latent vectors (NT-Xent, [1]_,
    with the masks of [2]_ for tables); and a decoder must restore the row from either. The dense
    encoder has a linear shortcut that starts as a rotation: the latent space begins with the
    distances between the inputs, and training changes what it can improve.

    A row becomes a point: its latent vector, what the encoder understood, beside its residuals,
    what it did not, in units of their usual size. Points of at most `memory_size` training rows
    are remembered, and the anomaly score (`score`) is

    * ``"knn"``: the mean distance to the `n_neighbors` nearest of them;
    * ``"mahalanobis"``: the squared Mahalanobis distance from their mean, per coordinate;
    * ``"cosine"``: one minus the mean cosine to the `n_neighbors` of nearest direction, seen from
      their mean. It is blind to length: no score for rows that are far away;
    * ``"reconstruction"``: the score of :class:`AutoencoderDetector`, which needs no memory.

    The memory holds rows, not latent vectors: ``partial_fit`` replaces some of them by new ones,
    and encodes all anew, since the encoder has moved. A row that is remembered is none of its own
    neighbours, so that training scores are like those of new rows.
    ``feature_scores`` are relative losses with every `score`.

    Standardisation, precision and what is not said here are as in :class:`AutoencoderDetector`;
    with `image_shape` all pixels share one scale, which keeps the relation between them.

    Parameters
    ----------
    encoder : {"dense", "conv"} or torch.nn.Module, default="dense"
        Network from standardised rows to latent vectors. A module of your own takes a tensor of
        shape (n_rows, n_features), or (n_rows, channels, height, width) with `image_shape`, and
        gives (n_rows, latent_dim); a copy of it is trained, from the weights that it has. It is
        code, so :func:`skdqm.persistence.save` refuses it.
    image_shape : tuple of int or None, default=None
        Channels, height and width, in pixels, of the images that the rows hold.
    hidden_layer_sizes : sequence of int, default=(64, 32)
        Widths from the input to the latent vector; the dense decoder mirrors them.
    hidden_channels : sequence of int, default=(16, 32)
        Channels after each convolution, which halves the image; the decoder mirrors them.
    latent_dim : int or None, default=None
        Width of the latent vector; None takes the number of features, at most 64. A module of
        your own decides itself.
    activation : {"relu", "leaky_relu", "elu", "silu", "gelu", "tanh"}, default="tanh"
        Activation between the layers.
    noise : float, default=1.0
        Standard deviation of the normal noise in a view, in units of each feature's spread.
    row_scaling : float, default=0.1
        Standard deviation of the factor by which a view is larger or smaller.
    masked_fraction : float, default=0.2
        Share of the values of a view that come from other rows, in [0, 1).
    max_shift : int, default=0
        Pixels by which the image of a view moves at most, each way; the mean moves in. Needs
        `image_shape`.
    turns : bool, default=False
        Turn the image of a view by right angles; by half turns if it is not square. Needs
        `image_shape`, and images that mean the same when turned.
    temperature : float, default=0.5
        Temperature of the contrast: the smaller, the more the most similar other rows count.
    contrast : float, default=1.0
        Weight of the contrast beside the reconstruction loss; 0 leaves a denoising autoencoder.
    loss : {"squared", "absolute", "huber", "poisson"}, default="squared"
        Loss of one feature. ``"poisson"`` is the Poisson deviance, for counts as they are
        (not scaled): they enter by their logarithm and the network gives the log of their rate.
        It knows no exposure: rows of different totals are different rows to it.
    score : {"knn", "mahalanobis", "cosine", "reconstruction"}, default="knn"
        What the anomaly score is: see above. It is a parameter alone, no attribute: scikit-learn
        takes whatever is called ``score`` for a method.
    n_neighbors : int, default=5
        Remembered points that a distance or a cosine is the mean of.
    memory_size : int, default=2048
        Training rows remembered at most. Time of a score and size of a model file grow with it.
    optimizer : {"adam", "adamw", "sgd", "rmsprop", "nadam"} or type, default="adam"
        Optimiser, or a class of ``torch.optim``.
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
    location_, scale_ : ndarray of shape (n_features,)
        What the features were standardised with.
    feature_loss_ : ndarray of shape (n_features,)
        Mean training loss of each feature, over at most 16,384 rows.
    memory_ : ndarray of shape (n_remembered, n_features)
        The training rows remembered; not with ``score="reconstruction"``.
    offset_ : float
        The threshold on ``score_samples``.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, when ``fit`` saw a data frame.

    See Also
    --------
    AutoencoderDetector : The residuals alone, from a narrower latent vector.

    References
    ----------
    .. [1] T. Chen et al., "A simple framework for contrastive learning of visual representations",
           ICML (2020).
    .. [2] D. Bahri et al., "SCARF: self-supervised contrastive learning using random feature
           corruption", ICLR (2022).

    Examples
    --------
    >>> from skdqm.datasets import make_detector_data
    >>> from skdqm.detectors import ContrastiveDetector
    >>> X, y = make_detector_data(1000, random_state=0)
    >>> detector = ContrastiveDetector(max_epochs=5, random_state=0).fit(X[y == 0])
    >>> float((detector.predict(X[y == 1]) == -1).mean()) > 0.5
    True
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **ReconstructionDetector._parameter_constraints,
        "encoder": [StrOptions({"dense", "conv"}), nn.Module],
        "image_shape": ["array-like", None],
        "hidden_layer_sizes": ["array-like"],
        "hidden_channels": ["array-like"],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "row_scaling": [Interval(Real, 0, None, closed="left")],
        "masked_fraction": [Interval(Real, 0, 1, closed="left")],
        "max_shift": [Interval(Integral, 0, None, closed="left")],
        "turns": ["boolean"],
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "contrast": [Interval(Real, 0, None, closed="left")],
        "score": [StrOptions({*LATENT_SCORES, "reconstruction"})],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "memory_size": [Interval(Integral, 1, None, closed="left")],
    }

    _frozen_parameters = ("image_shape", "loss", "score", "n_neighbors")

    def __init__(
        self,
        *,
        encoder: Any = "dense",
        image_shape: Sequence[int] | None = None,
        hidden_layer_sizes: Sequence[int] = (64, 32),
        hidden_channels: Sequence[int] = (16, 32),
        latent_dim: int | None = None,
        activation: str = "tanh",
        noise: float = 1.0,
        row_scaling: float = 0.1,
        masked_fraction: float = 0.2,
        max_shift: int = 0,
        turns: bool = False,
        temperature: float = 0.5,
        contrast: float = 1.0,
        loss: str = "squared",
        score: str = "knn",
        n_neighbors: int = 5,
        memory_size: int = 2048,
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
        self.encoder = encoder
        self.image_shape = image_shape
        self.hidden_layer_sizes = hidden_layer_sizes
        self.hidden_channels = hidden_channels
        self.latent_dim = latent_dim
        self.activation = activation
        self.noise = noise
        self.row_scaling = row_scaling
        self.masked_fraction = masked_fraction
        self.max_shift = max_shift
        self.turns = turns
        self.temperature = temperature
        self.contrast = contrast
        self.loss = loss
        self.score = score
        self.n_neighbors = n_neighbors
        self.memory_size = memory_size
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
            "encoder": self.encoder if isinstance(self.encoder, str) else GIVEN,
            "image_shape": self._sides(),
            "hidden_layer_sizes": checked_widths(self.hidden_layer_sizes, "hidden_layer_sizes"),
            "hidden_channels": checked_widths(self.hidden_channels, "hidden_channels"),
            "latent_dim": self._n_features_out,
            "activation": self.activation,
            "noise": self.noise,
            "row_scaling": self.row_scaling,
            "masked_fraction": self.masked_fraction,
            "max_shift": self.max_shift,
            "turns": self.turns,
        }

    def _make_module(self, **design: Any) -> nn.Module:
        return contrastive_module(design, self.encoder if design["encoder"] == GIVEN else None)

    def _prepare(self, X: NDArray[Any]) -> None:
        super()._prepare(X)
        for learned in ("memory_", "_units", "_distance"):
            self.__dict__.pop(learned, None)
        if isinstance(self.encoder, nn.Module):
            self._n_features_out = width_of(self.encoder, self.n_features_in_, self._sides())

    def _make_criterion(self) -> nn.Module:
        reconstruction = ReconstructionLoss(self._frozen["loss"], self._head())
        return ContrastiveLoss(reconstruction, self.temperature, self.contrast)

    def _groups(self) -> NDArray[np.intp] | None:
        """Let all pixels of images share one scale."""
        if self._frozen["image_shape"] is None:
            return None
        return np.zeros(self.n_features_in_, dtype=np.intp)

    def _sides(self) -> list[int] | None:
        """Return channels, height and width of images; None for rows that hold none."""
        if self.image_shape is not None:
            return checked_image_shape(self.image_shape, self.n_features_in_)
        asked = {
            "encoder='conv'": self.encoder == "conv",
            "max_shift": self.max_shift > 0,
            "turns": self.turns,
        }
        if any(asked.values()):
            named = " and ".join(name for name in asked if asked[name])
            raise UsageError(f"{named} needs image_shape=(channels, height, width), found None")
        return None

    def _default_latent_dim(self) -> int:
        return min(self.n_features_in_, LARGEST_LATENT_DIM)

    def _compile(self) -> tuple[Any, Any]:
        module, kind = self.net_.module_, self._design_["encoder"]
        encoder, decoder = FORWARDS[kind]
        return encoder(module.encoder), decoder(module.decoder)

    def _weigh(self, X: NDArray[Any], n_before: int) -> None:
        super()._weigh(X, n_before)
        if self._frozen["score"] in LATENT_SCORES:
            rows = np.concatenate([self.memory_, X]) if n_before else X
            seed = [self._seed, len(self.history_)]
            self.memory_: NDArray[Any] = remembered(rows, self.memory_size, seed)
            self._remember()

    def _remember(self) -> None:
        """Encode the remembered rows, and learn what a point is compared with."""
        coordinates = in_tiles(self._coordinates, self.memory_)
        self._units = self._units_of(coordinates)
        learn = LATENT_SCORES[self._frozen["score"]]
        self._distance = learn(coordinates / self._units, self._frozen["n_neighbors"])

    def _units_of(self, coordinates: Rows) -> Rows:
        """Return one unit for the latent vector, and one for each residual; pixels share theirs."""
        latent, residuals = np.split(coordinates, [self._n_features_out], axis=1)
        variance = np.full(latent.shape[1], latent.var(axis=0).mean() + SMALLEST_VARIANCE)
        losses = (residuals**2).mean(axis=0) + LOSS_FLOOR
        groups = self._groups()
        if groups is not None:
            losses = group_means(losses, groups)
        return np.sqrt(np.concatenate([variance, losses / RESIDUAL_WEIGHT**2]))

    def _coordinates(self, rows: Rows) -> Rows:
        """Return the latent vectors of rows beside their residuals."""
        _, decoder = self._compiled
        standard, latent = self._encode(rows)
        return np.concatenate([latent, decoder(latent) - standard], axis=-1)

    def _anomaly_score(self, X: NDArray[Any]) -> Rows:
        if self._frozen["score"] in LATENT_SCORES:
            return in_tiles(lambda rows: self._distance(self._coordinates(rows) / self._units), X)
        return super()._anomaly_score(X)

    def _get_state(self) -> dict[str, Any]:
        if getattr(self, "_design_", {}).get("encoder") == GIVEN:
            raise UsageError(
                "a net with an encoder of your own cannot be saved: it is code, and a model file "
                "holds none; take encoder='dense' or 'conv', or pickle the detector"
            )
        return {name: value for name, value in super()._get_state().items() if name != "_distance"}

    def _set_state(self, state: dict[str, Any]) -> None:
        super()._set_state(state)
        if hasattr(self, "memory_"):
            self._remember()
