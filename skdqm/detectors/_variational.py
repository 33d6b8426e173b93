"""A dense variational autoencoder: abnormal is what is unlikely under it."""

from collections.abc import Sequence
from typing import Any

from skdqm.detectors._autoencoder import AutoencoderDetector
from skdqm.detectors._variational_base import VariationalDetector
from skdqm.nn import DenseVAE


class VAEDetector(AutoencoderDetector, VariationalDetector):
    """Variational autoencoder: likelihood of a row under a smooth latent model.

    The encoder gives a normal distribution of the latent vector, the decoder restores the row from
    a draw of it, and both learn to maximise the evidence lower bound [1]_ with unit residuals, its
    Kullback-Leibler term weighted by `beta` [2]_. Rows are scored at the latent mean, without a
    draw, so two calls give the same scores:

    * ``"reconstruction"``: the score of :class:`AutoencoderDetector`, the mean loss over the
      features, each relative to its own training loss;
    * ``"kl"``: the divergence of the row's latent distribution from the prior, a density-like
      score: the best one where anomalies lie inside the range of normal features, as for the
      LHC Olympics signal in :class:`~skdqm.preprocessing.JetFeatures`. With a saturating
      activation it hardly grows with a single wild channel: no score for broken channels;
    * ``"elbo"``: half the sum of the relative losses, plus `beta` times the divergence.

    Standardisation, precision, ensembles and what is not said here are as in
    :class:`AutoencoderDetector`.
    ``feature_scores`` are relative losses with every `score`.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, default=(64, 32)
        Widths from the input to the latent vector; the decoder mirrors them.
    latent_dim : int or None, default=None
        Width of the latent vector; None takes half the number of features.
    n_members : int, default=1
        Number of networks, trained at once and each as if it were alone: with first weights and
        draws of its own, on the same rows in the same order. Scores are means over them.
    activation : {"relu", "leaky_relu", "elu", "silu", "gelu", "tanh"}, default="tanh"
        Activation between the layers.
    dropout : float, default=0.0
        Probability of dropping a hidden unit while training, in [0, 1).
    noise : float, default=0.0
        Standard deviation of the normal noise added to the inputs while training, in units of
        each feature's spread.
    loss : {"squared", "absolute", "huber", "poisson"}, default="squared"
        Loss of one feature. ``"poisson"`` is the Poisson deviance, for counts as they are
        (not scaled): they enter by their logarithm and the network gives the log of their rate.
        Feature scores are pulls then, with a sign.
    exposure : {"total"} or None, default=None
        ``"total"``, for ``loss="poisson"``: what is learned is the shape of a row, in proportion to
        the sum of its counts, so that rows of other statistics are no other rows. None: rows of
        different totals are different rows.
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
        Mean training loss of each feature, over members.
    offset_ : float
        The threshold on ``score_samples``.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, when ``fit`` saw a data frame.

    See Also
    --------
    AutoencoderDetector : The reconstruction error of a denoising autoencoder.

    References
    ----------
    .. [1] D. P. Kingma and M. Welling, "Auto-encoding variational Bayes", ICLR (2014),
           equation 10.
    .. [2] I. Higgins et al., "beta-VAE: learning basic visual concepts with a constrained
           variational framework", ICLR (2017).

    Examples
    --------
    >>> from skdqm.datasets import make_detector_data
    >>> from skdqm.detectors import VAEDetector
    >>> X, y = make_detector_data(1000, random_state=0)
    >>> detector = VAEDetector(max_epochs=20, random_state=0).fit(X[y == 0])
    >>> float((detector.predict(X[y == 1]) == -1).mean()) > 0.5
    True
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **AutoencoderDetector._parameter_constraints,
        **VariationalDetector._parameter_constraints,
    }

    _frozen_parameters: tuple[str, ...] = ("loss", "exposure", "beta", "score")
    _network = DenseVAE

    def __init__(
        self,
        *,
        hidden_layer_sizes: Sequence[int] = (64, 32),
        latent_dim: int | None = None,
        n_members: int = 1,
        activation: str = "tanh",
        dropout: float = 0.0,
        noise: float = 0.0,
        loss: str = "squared",
        exposure: str | None = None,
        beta: float = 1.0,
        score: str = "elbo",
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
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes,
            latent_dim=latent_dim,
            n_members=n_members,
            activation=activation,
            dropout=dropout,
            noise=noise,
            loss=loss,
            exposure=exposure,
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

    def _default_latent_dim(self) -> int:
        return max(1, self.n_features_in_ // 2)
