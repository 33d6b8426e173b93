"""A convolutional variational autoencoder: abnormal is what is unlikely under it."""

from collections.abc import Sequence
from typing import Any

from skdqm.detectors._convolutional import ConvAutoencoderDetector
from skdqm.detectors._variational_base import VariationalDetector
from skdqm.nn import ConvVAE


class ConvVAEDetector(VariationalDetector, ConvAutoencoderDetector):
    """Convolutional variational autoencoder: likelihood of an image under a smooth latent model.

    The network of :class:`ConvAutoencoderDetector`, whose encoder gives a normal distribution of
    the latent vector, trained as :class:`VAEDetector` [1]_. Images are scored at the latent mean,
    without a draw:

    * ``"reconstruction"``: the score of that name of :class:`ConvAutoencoderDetector`;
    * ``"kl"``: the divergence of the image's latent distribution from the prior. On images it says
      little by itself (AUC near 0.5 for the LHC Olympics jets);
    * ``"elbo"``: half the sum of the relative losses, plus `beta` times the divergence.

    ``feature_scores`` is the map of relative losses, not blurred, with every `score`.

    Parameters
    ----------
    image_shape : sequence of three int or None, default=None
        Channels, height and width of the images that the rows hold, channel after channel and line
        after line; None takes a row as one line of pixels of one channel.
    mask : array-like of bool or None, default=None
        True where a pixel exists; of shape (height, width) for all channels, or of `image_shape`.
        The others are ignored, whatever they hold (but NaN), and their ``feature_scores`` are 0.
    scaling : {"image", "channel", "pixel"}, default="image"
        What shares one mean and one spread in the standardisation: all pixels, which keeps every
        ratio in an image; the pixels of a channel, for channels of different units; or the
        pixel alone over all images, for maps where each pixel is a detector channel of its own.
    hidden_channels : sequence of int, default=(16, 32)
        Channels after each convolution of the encoder, which halves height and width; the decoder
        mirrors them.
    latent_dim : int or None, default=None
        Width of the latent vector; None takes the square root of the number of pixels, at most 16.
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
        Standard deviation, in pixels, of the normal distribution that residuals are blurred with
        before they are scored; 0 leaves them as they are.
    beta : float, default=1.0
        Weight of the Kullback-Leibler term, in training and in the ``"elbo"`` score.
    score : {"elbo", "kl", "reconstruction"}, default="elbo"
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
    offset_ : float
        The threshold on ``score_samples``.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, when ``fit`` saw a data frame.

    See Also
    --------
    ConvAutoencoderDetector : The reconstruction error alone; shapes, masks and scaling.
    VAEDetector : The same for tables.

    References
    ----------
    .. [1] D. P. Kingma and M. Welling, "Auto-encoding variational Bayes", ICLR (2014),
           equation 10; for jet images, T. Cheng et al., "Variational autoencoders for anomalous jet
           tagging", Phys. Rev. D 107 (2023) 016002, arXiv:2007.01850.

    Examples
    --------
    >>> import numpy as np
    >>> from skdqm.detectors import ConvVAEDetector
    >>> rng = np.random.default_rng(0)
    >>> centre = rng.uniform(3, 7, size=(500, 1, 1))
    >>> maps = rng.poisson(50 * np.exp(-0.1 * (np.arange(10) - centre) ** 2) * np.ones((6, 1)))
    >>> detector = ConvVAEDetector(image_shape=(1, 6, 10), max_epochs=30, random_state=0)
    >>> detector = detector.fit(maps.reshape(500, -1))
    >>> dead = maps[:1].copy()
    >>> dead[:, 3:] = 0
    >>> bool(detector.predict(dead.reshape(1, -1))[0] == -1)
    True
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **ConvAutoencoderDetector._parameter_constraints,
        **VariationalDetector._parameter_constraints,
    }

    _frozen_parameters: tuple[str, ...] = (
        "loss",
        "exposure",
        "scaling",
        "smoothing",
        "beta",
        "score",
    )
    _network = ConvVAE

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
        beta: float = 1.0,
        score: str = "elbo",
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
        super().__init__(
            image_shape=image_shape,
            mask=mask,
            scaling=scaling,
            hidden_channels=hidden_channels,
            latent_dim=latent_dim,
            activation=activation,
            noise=noise,
            loss=loss,
            exposure=exposure,
            smoothing=smoothing,
            optimizer=optimizer,
            lr=lr,
            weight_decay=weight_decay,
            batch_size=batch_size,
            max_epochs=max_epochs,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            warm_start=warm_start,
            callbacks=callbacks,
            device=device,
            random_state=random_state,
            verbose=verbose,
            contamination=contamination,
        )
        self.beta = beta
        self.score = score
