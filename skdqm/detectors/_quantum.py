"""An autoencoder with a quantum circuit at its narrowest place."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

from skdqm._sklearn import Interval
from skdqm.detectors._autoencoder import AutoencoderDetector
from skdqm.exceptions import ModelFileError
from skdqm.nn import DenseForward, QuantumAutoencoder, QuantumForward

# Every qubit doubles the work: with more than these, a training step takes seconds.
MOST_QUBITS = 10
# Qubits that are taken without being asked for, so that a fit ends within minutes.
MOST_BY_DEFAULT = 6


class QuantumAutoencoderDetector(AutoencoderDetector):
    """Reconstruction error of an autoencoder with a quantum circuit at its narrowest place.

    A dense encoder gives an angle for each of a few qubits. A variational quantum circuit entangles
    the qubits [1]_, and the expectations of Pauli-Z, one per qubit in [-1, 1], are the latent
    vector that a dense decoder restores the row from. All three are trained together, by
    backpropagation through PennyLane's exact simulator. Noise, losses, standardisation and scores
    are those of :class:`AutoencoderDetector`. It needs ``pip install "skdqm[quantum]"``.

    The circuit adds little to the classical head, and costs much. On 9,106 background events of the
    LHC Olympics 2020 (4 qubits, three seeds) the area under the ROC curve against the signal is
    0.835 on the 14 columns as they are, where :class:`AutoencoderDetector` of the same width has
    0.819, and 0.828 with a mere tanh in place of the circuit. That gain needs the full training:
    with 3,000 events and 15 epochs it is 0.81 to 0.82 against 0.83 to 0.84. On jet features both
    have 0.71, with a spread of 0.03 to 0.04 between seeds. On eleven small tables of ADBench (two
    seeds) the mean is 82.5 % against 82.0 %, all of it from one table where both are below chance;
    it loses up to 4 points on others. Turning the qubits by their angles before every layer,
    rather than once, gained nothing.

    A fit of these events takes 16 times the processor time (53 s against 3.3 s). With 6, 8 and 10
    qubits a training step takes 2, 7 and 29 times as long as with 4. Scoring takes less than twice
    the time, because it runs no simulator: once trained, the circuit is one unitary matrix of
    ``2 ** n_qubits`` rows. Scores are exact, as from a quantum computer without noise after
    infinitely many shots.

    Layers, qubits, `noise`, `dropout` and `loss` are those of the first fit until the next one
    starts anew; `lr`, `weight_decay` and `batch_size` may change before a ``partial_fit``.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, default=(64, 32)
        Widths from the input to the angles of the qubits; the decoder mirrors them.
    n_qubits : int or None, default=None
        Number of qubits, which is the width of the latent vector, at most 10; None takes the
        square root of the number of features, at most 6.
    n_layers : int, default=2
        Number of entangling layers, of three trained angles per qubit.
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
        Feature scores are pulls then, with a sign.
    exposure : {"total"} or None, default=None
        ``"total"``, for ``loss="poisson"``: what is learned is the shape of a row, in proportion to
        the sum of its counts, so that rows of other statistics are no other rows. None: rows of
        different totals are different rows.
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
        Torch device to train on, for example ``"cuda"``: the layers; the circuit is simulated on
        the CPU. Scoring runs on the CPU.
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
    offset_ : float
        The threshold on ``score_samples``.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, when ``fit`` saw a data frame.

    See Also
    --------
    AutoencoderDetector : The same without the circuit.

    References
    ----------
    .. [1] M. Schuld et al., "Circuit-centric quantum classifiers", Physical Review A 101 (2020)
           032308.

    Examples
    --------
    >>> from skdqm.datasets import make_detector_data
    >>> from skdqm.detectors import QuantumAutoencoderDetector
    >>> X, y = make_detector_data(200, random_state=0)
    >>> detector = QuantumAutoencoderDetector(n_qubits=2, max_epochs=2, random_state=0)
    >>> detector.fit(X[y == 0]).transform(X).shape
    (200, 2)
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **{
            name: constraints
            for name, constraints in AutoencoderDetector._parameter_constraints.items()
            if name not in {"latent_dim", "n_members"}
        },
        "n_qubits": [Interval(Integral, 1, MOST_QUBITS, closed="both"), None],
        "n_layers": [Interval(Integral, 1, None, closed="left")],
    }

    _network = QuantumAutoencoder

    def __init__(
        self,
        *,
        hidden_layer_sizes: Sequence[int] = (64, 32),
        n_qubits: int | None = None,
        n_layers: int = 2,
        activation: str = "tanh",
        dropout: float = 0.0,
        noise: float = 1.0,
        loss: str = "squared",
        exposure: str | None = None,
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
        self.n_qubits = n_qubits
        self.n_layers = n_layers

    def _design(self) -> dict[str, Any]:
        return {**super()._design(), "n_layers": int(self.n_layers)}

    def _default_latent_dim(self) -> int:
        # There is no parameter `latent_dim`: what is asked for is the number of qubits.
        return int(self.n_qubits or min(super()._default_latent_dim(), MOST_BY_DEFAULT))

    def _compile(self) -> tuple[Any, DenseForward]:
        module = self.net_.module_
        n_qubits = module.circuit.layer.weights.shape[1]
        if n_qubits > MOST_QUBITS:  # The memory that they take doubles twice with each.
            raise ModelFileError(f"the model has {n_qubits} qubits, expected {MOST_QUBITS} at most")
        return QuantumForward(module.encoder, module.circuit), DenseForward(module.decoder)
