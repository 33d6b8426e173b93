"""An autoencoder of graphs: sets of particles that cannot be restored are abnormal."""

import math
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from skdqm._row_shape import checked_row_shape
from skdqm._sklearn import Interval, StrOptions
from skdqm.detectors._neural import checked_widths
from skdqm.detectors._reconstruction import ReconstructionDetector
from skdqm.detectors._standardise import LARGEST_INPUT, Rows
from skdqm.exceptions import DataError, UsageError
from skdqm.nn import ACTIVATIONS, LOSSES, GraphAutoencoder, ModuleForward, NodeLoss


class GraphAutoencoderDetector(ReconstructionDetector):
    """Reconstruction error of a graph autoencoder, for sets of particles.

    A row holds one or several sets of nodes, such as the particles of jets, and `graph_shape` says
    how. Each node is joined to its nearest neighbours in `coordinates`, edge convolutions [1]_
    [2]_ and a pooling turn each set into one latent vector, and a decoder gives the nodes back,
    hardest first. The anomaly score of a row is the mean of its losses, each times the weight of
    its node and relative to the mean loss of this feature of a node in training. With the
    transverse momentum as weight and the absolute loss it is linear in energy, as distances between
    jets should be [3]_, and soft particles hardly count. A heavy jet, whose hard particles lie far
    from its axis, scores high.

    The order of the nodes of a set does not matter, to the bit. Nodes of weight zero are padding,
    wherever they are; a row of padding alone has nothing to lose and scores zero. Nodes are
    standardised inside, with one mean and spread of each feature for all of them: what a set weighs
    in all is not lost. All sets of a row share one network, and no edge joins two of them.

    Without `graph_shape` every column is a node of one feature, standardised by itself and known
    by its place; it listens to the `k` columns that are closest in value.

    `loss`, `weight`, shapes and layers are those of the first fit until the next one starts anew;
    `lr`, `weight_decay` and `batch_size` may change before a ``partial_fit``. A score is, to the
    bit, that of the row alone. This detector needs PyTorch Geometric: ``skdqm[graph]``.

    Parameters
    ----------
    graph_shape : tuple of int or None, default=None
        ``(n_nodes, n_node_features)``, or ``(n_graphs, n_nodes, n_node_features)`` where a row
        holds several sets: ``constituents_shape_`` of
        :class:`~skdqm.preprocessing.JetConstituents`. None: see above.
    coordinates : sequence of int, default=(1, 2)
        The features of a node that say where it is, in a plane: azimuths must not wrap, so give
        positions relative to the axis of a jet. Used with `graph_shape`.
    weight : int or None, default=0
        The feature of a node, not negative, that weighs its loss and by which nodes are sorted;
        used with `graph_shape`. None weighs all nodes alike, and those whose features are all zero
        are padding.
    k : int, default=8
        Nearest neighbours that a node listens to, itself among them.
    hidden_channels : sequence of int, default=(32, 32)
        Channels of a node after each edge convolution; the decoder mirrors them.
    latent_dim : int or None, default=None
        Width of the latent vector of a set; None takes the square root of the number of its values.
        ``transform`` gives those of all sets of a row, side by side.
    activation : {"relu", "leaky_relu", "elu", "silu", "gelu", "tanh"}, default="relu"
        Activation between the layers.
    noise : float, default=0.0
        Standard deviation of the normal noise added to the nodes while training, in units of
        each feature's spread.
    loss : {"absolute", "squared", "huber"}, default="absolute"
        Loss of one feature of a node.
    optimizer : {"adam", "adamw", "sgd", "rmsprop", "nadam"} or type, default="adam"
        Optimiser, or a class of ``torch.optim``.
    lr : float, default=3e-3
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
        What the features were standardised with.
    feature_loss_ : ndarray of shape (n_features,)
        Mean training loss of each feature of a node, over at most 16,384 rows.
    offset_ : float
        The threshold on ``score_samples``.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, when ``fit`` saw a data frame.

    See Also
    --------
    skdqm.preprocessing.JetConstituents : Particles of an event to rows for this detector.
    ConvAutoencoderDetector : For jets as images.

    Notes
    -----
    On jets of the LHC Olympics the network learns the momenta of the particles; where they are it
    hardly predicts better than by the middle of the jet. So the score is close to the
    momentum-weighted width of the jets, and the hardest 20 to 30 particles say more than all.

    References
    ----------
    .. [1] Y. Wang et al., "Dynamic graph CNN for learning on point clouds", ACM Transactions on
           Graphics 38 (2019) 146, arXiv:1801.07829. Here neighbours stay those in `coordinates`.
    .. [2] H. Qu and L. Gouskos, "Jet tagging via particle clouds", Phys. Rev. D 101 (2020)
           056019, arXiv:1902.08570.
    .. [3] P. T. Komiske, E. M. Metodiev and J. Thaler, "Metric space of collider events",
           Phys. Rev. Lett. 123 (2019) 041801, arXiv:1902.02346.

    Examples
    --------
    >>> import numpy as np
    >>> from skdqm.detectors import GraphAutoencoderDetector
    >>> jets = np.random.default_rng(0).exponential([50.0, 0.1, 0.1], size=(64, 10, 3))
    >>> wide = jets[:8] * [1.0, 5.0, 5.0]
    >>> detector = GraphAutoencoderDetector(graph_shape=(10, 3), max_epochs=2, random_state=0)
    >>> labels = detector.fit(jets.reshape(64, 30)).predict(wide.reshape(8, 30))
    >>> float((labels == -1).mean()) > 0.5
    True
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **ReconstructionDetector._parameter_constraints,
        "graph_shape": ["array-like", None],
        "coordinates": ["array-like"],
        "weight": [Interval(Integral, 0, None, closed="left"), None],
        "k": [Interval(Integral, 1, None, closed="left")],
        "hidden_channels": ["array-like"],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "loss": [StrOptions({"squared", "absolute", "huber"})],
    }

    _network = GraphAutoencoder

    def __init__(
        self,
        *,
        graph_shape: Sequence[int] | None = None,
        coordinates: Sequence[int] = (1, 2),
        weight: int | None = 0,
        k: int = 8,
        hidden_channels: Sequence[int] = (32, 32),
        latent_dim: int | None = None,
        activation: str = "relu",
        noise: float = 0.0,
        loss: str = "absolute",
        optimizer: Any = "adam",
        lr: float = 3e-3,
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
        self.graph_shape = graph_shape
        self.coordinates = coordinates
        self.weight = weight
        self.k = k
        self.hidden_channels = hidden_channels
        self.latent_dim = latent_dim
        self.activation = activation
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
            "graph_shape": self._graph_shape,
            "hidden_channels": checked_widths(self.hidden_channels, "hidden_channels"),
            "latent_dim": self._n_features_out // self._graph_shape[0],
            "activation": self.activation,
            "coordinates": self._coordinates,
            "k": self.k,
            "noise": self.noise,
        }

    def _make_criterion(self) -> nn.Module:
        return NodeLoss(self._frozen["loss"])

    def _prepare(self, X: NDArray[Any]) -> None:
        self._is_set = self.graph_shape is not None
        self._graph_shape = self._checked_shape()
        self._coordinates, self._weight = self._checked_roles() if self._is_set else ([0], None)
        latent_dim = self.latent_dim or self._default_latent_dim()
        self._n_features_out = self._graph_shape[0] * latent_dim
        self._unit = 1.0
        if self._is_set:
            self._learn_nodes(X)
        else:
            self._learn_scale(X)

    def _learn_nodes(self, X: NDArray[Any]) -> None:
        """Learn one scale of each feature of a node, from the nodes that are no padding."""
        weights = self._weights(X)
        present = weights > 0
        if not present.any():
            raise DataError(
                "every node has weight zero and is padding; give rows with nodes, or name the "
                "feature that weighs them with weight"
            )
        self._unit = float(weights[present].max())
        self._unit *= float((weights[present] / self._unit).mean())  # the sum could overflow
        self._learn_scale(self._split(X)[present])
        self.location_, self.scale_ = self._of_all(self.location_), self._of_all(self.scale_)
        self._bounds = self._of_all(self._bounds)

    def _of_all(self, values: Rows) -> Rows:
        """Repeat what is known of the features of one node for all nodes of a row."""
        return np.tile(values, math.prod(self._graph_shape[:2]))

    def _checked_shape(self) -> list[int]:
        """Return graphs in a row, nodes in a graph and features of a node."""
        if self.graph_shape is None:
            return [1, self.n_features_in_, 1]
        sides = ["n_graphs", "n_nodes", "n_node_features"]
        if len(self.graph_shape) == len(sides) - 1:
            sides = sides[1:]
        shape = checked_row_shape("graph_shape", self.graph_shape, sides, self.n_features_in_)
        return [1, *shape][-3:]

    def _checked_roles(self) -> tuple[list[int], int | None]:
        """Return the coordinates and the weight, which must be features of a node."""
        coordinates: list[Any] = list(self.coordinates)
        weights: list[Any] = [] if self.weight is None else [self.weight]
        n_known = self._graph_shape[-1]
        known = [isinstance(f, Integral) and f in range(n_known) for f in coordinates + weights]
        if not (coordinates and all(known)):
            raise UsageError(
                f"coordinates={self.coordinates!r} and weight={self.weight!r}: expected numbers of "
                f"features of a node, from 0 to {n_known - 1} (graph_shape={self.graph_shape!r})"
            )
        return [int(c) for c in coordinates], None if self.weight is None else int(self.weight)

    def _default_latent_dim(self) -> int:
        return max(1, round(math.prod(self._graph_shape[1:]) ** 0.5))

    def _split(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return rows as nodes, of shape (..., n_graphs, n_nodes, n_node_features)."""
        return X.reshape(*X.shape[:-1], *self._graph_shape)

    def _weights(self, X: NDArray[Any]) -> Rows:
        """Return the weight of each node, zero for padding."""
        nodes = self._split(X)
        if not self._is_set:
            return np.ones(nodes.shape[:-1])
        if self._weight is None:
            return np.asarray(nodes.any(axis=-1), dtype=np.float64)
        weights: Rows = nodes[..., self._weight]
        if (weights < 0).any():
            raise DataError(
                f"feature {self._weight} of a node weighs it, found negative values, "
                f"as {weights.min():g}; name another feature with weight, or None"
            )
        return weights

    def _sorting(self, X: NDArray[Any]) -> NDArray[np.intp]:
        """Return the order of nodes: the hardest first, those of equal weight by their features."""
        if not self._is_set:
            return np.broadcast_to(np.arange(X.shape[-1]), (*X.shape[:-1], *self._graph_shape[:2]))
        features = np.moveaxis(self._split(X), -1, 0)
        return np.lexsort([*-features[::-1], -self._weights(X)])

    def _nodes(self, X: NDArray[Any]) -> Rows:
        """Return nodes sorted and standardised, with their weights as one more feature."""
        weights = np.minimum(self._weights(X), LARGEST_INPUT * self._unit) / self._unit
        nodes = np.concatenate([self._split(self._standardise(X)), weights[..., None]], axis=-1)
        return np.take_along_axis(nodes, self._sorting(X)[..., None], axis=-2)

    def _tensors(self, X: NDArray[Any]) -> tuple[torch.Tensor, ...]:
        return (torch.from_numpy(self._nodes(X).astype(np.float32)),)

    def _compile(self) -> tuple[ModuleForward, ModuleForward]:
        module = self.net_.module_
        return ModuleForward(module.encoder), ModuleForward(module.decoder)

    def _weigh(self, X: NDArray[Any], n_before: int) -> None:
        super()._weigh(X, n_before)
        if self._is_set:
            each = self.feature_loss_.reshape(-1, self._graph_shape[-1]).mean(axis=0)
            self.feature_loss_ = self._of_all(each)

    def _encode(self, rows: Rows) -> tuple[Rows, NDArray[np.float32]]:
        encoder, _ = self._compiled
        nodes = self._nodes(rows)
        return nodes, encoder(nodes)

    def _losses(self, rows: Rows, standard: Rows, code: NDArray[np.float32]) -> Rows:
        _, decoder = self._compiled
        losses = LOSSES[self._frozen["loss"]](decoder(code), standard[..., :-1], np)
        return (losses * standard[..., -1:]).reshape(rows.shape)

    def _feature_scores(self, X: NDArray[Any]) -> NDArray[np.float64]:
        return self._in_order(super()._feature_scores(X), X)

    def _restored(self, rows: Rows) -> Rows:
        _, decoder = self._compiled
        output = decoder(self._encode(rows)[1]).reshape(rows.shape)
        restored = self.location_ + self.scale_ * self._in_order(output, rows)
        present = np.broadcast_to(self._weights(rows)[..., None] > 0, self._split(rows).shape)
        return np.where(present.reshape(rows.shape), restored, 0.0)

    def _in_order(self, values: NDArray[Any], X: NDArray[Any]) -> NDArray[Any]:
        """Give what belongs to sorted nodes the order that the nodes have in `X`."""
        back = np.argsort(self._sorting(X), axis=-1)[..., None]
        return np.take_along_axis(self._split(values), back, axis=-2).reshape(X.shape)
