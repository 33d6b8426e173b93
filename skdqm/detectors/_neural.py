"""What all neural detectors share: training through skorch, randomness, state."""

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags, check_random_state
from skorch import NeuralNet
from skorch.callbacks import Callback
from torch import nn
from torch.utils.data import TensorDataset

from skdqm._sklearn import Interval, StrOptions
from skdqm.base import RECENT_SCORES, BaseDetector
from skdqm.detectors._training import (
    FUSED,
    OPTIMIZERS,
    HoldOut,
    ProgressBar,
    RecordHistory,
    ReseedEveryEpoch,
    StopEarly,
    StopWhenDiverging,
    seed_torch,
    stopped_early,
)
from skdqm.exceptions import UsageError
from skdqm.nn import TensorBatches, threads_for

# batch_size="auto": small sets still get enough optimiser steps, large ones run at full speed.
STEPS_PER_EPOCH = 64
SMALLEST_BATCH = 32
LARGEST_BATCH = 512


class NeuralDetector(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseDetector):
    """Base class of detectors that train a torch module with skorch.

    A subclass writes ``_design``, ``_make_module``, ``_make_criterion``, ``_tensors`` and
    ``_latent``; it may write ``_prepare`` (look at the first rows), ``_loss_limit``, ``_compile``
    and ``_weigh``.
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **BaseDetector._parameter_constraints,
        "optimizer": [StrOptions(set(OPTIMIZERS)), callable],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
        "callbacks": [list, tuple, None],
        "device": [str],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    # Parameters that a model file leaves out, because they are code.
    _transient_parameters = ("callbacks",)

    optimizer: Any
    lr: float
    weight_decay: float
    batch_size: int | str
    max_epochs: int
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: int
    warm_start: bool
    callbacks: Any
    device: str
    random_state: Any
    verbose: int

    _design_: dict[str, Any]

    @abstractmethod
    def _design(self) -> dict[str, Any]:
        """Return what decides the shape of the module, as plain data.

        It is asked for once, before training starts, and kept: parameters that change later
        do not change a module that exists.
        """

    @abstractmethod
    def _make_module(self, **design: Any) -> nn.Module:
        """Return a module with fresh weights."""

    @abstractmethod
    def _make_criterion(self) -> nn.Module:
        """Return the loss of what the module gives and the last of the tensors."""

    @abstractmethod
    def _tensors(self, X: NDArray[Any]) -> tuple[torch.Tensor, ...]:
        """Turn validated rows into what the module takes, and the target if it is another."""

    @abstractmethod
    def _latent(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Return the latent vectors of validated rows."""

    def _prepare(self, X: NDArray[Any]) -> None:
        """Look at the first rows ever seen, before the module is made."""

    def _loss_limit(self, dataset: TensorDataset) -> float:
        """Return the largest training loss that makes sense."""
        return float("inf")

    def _weigh(self, X: NDArray[Any], n_before: int) -> None:
        """Learn from trained rows what scoring needs beside the module.

        `n_before` says how many rows what was learned before stands for; 0 forgets it.
        """

    def _compile(self) -> Any:
        """Turn the trained module into what scoring uses, kept in ``_compiled``."""

    def transform(self, X: ArrayLike) -> NDArray[np.float64]:
        """Encode rows to their latent vectors.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to encode.

        Returns
        -------
        latent : ndarray of shape (n_samples, latent_dim)
            The latent vectors; for a variational detector, their means.
        """
        return self._latent(self._validated(X))

    def _fit(self, X: NDArray[Any]) -> None:
        if not (self.warm_start and hasattr(self, "net_")):
            self._start(X)
        elif X.shape[1] != self._design_["n_features"]:
            raise UsageError(
                f"warm_start=True continues a net of {self._design_['n_features']} features, found "
                f"{X.shape[1]}; give the same features, or warm_start=False to start again"
            )
        self._train(X, self.max_epochs - len(self.history_), hold_out=self.early_stopping)
        self._weigh(X, n_before=0)
        self._n_seen = len(X)
        self._patience.clear()

    def _partial_fit(self, X: NDArray[Any]) -> None:
        if not hasattr(self, "offset_"):
            self._start(X)
        self._train(X, 1, hold_out=False)
        self._weigh(X, n_before=min(self._n_seen, RECENT_SCORES))
        self._n_seen += len(X)

    def _start(self, X: NDArray[Any]) -> None:
        """Make an untrained net, and everything that belongs to it."""
        self._checked_device()
        self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self._generator = torch.Generator().manual_seed(self._seed)
        self._n_seen = 0
        self._patience: dict[str, Any] = {}
        self.history_: list[dict[str, float]] = []
        self._prepare(X)
        self._design_ = self._design()
        with torch.random.fork_rng(devices=[]):
            seed_torch(self._seed)
            self.net_ = self._make_net(self._make_module(**self._design_))

    def _train(self, X: NDArray[Any], epochs: int, *, hold_out: bool) -> None:
        if epochs <= 0:
            return
        dataset = TensorDataset(*self._tensors(X))
        resting, n_recorded = self.net_, len(self.history_)
        # Moments of one kind of optimiser mean nothing to another.
        same = type(resting.optimizer_) is OPTIMIZERS.get(self.optimizer, self.optimizer)
        # A copy learns, so that a failure or an interrupt leaves the model as it was.
        self.net_ = self._make_net(
            deepcopy(resting.module_),
            resting.optimizer_.state_dict() if same else None,
            device=self._checked_device(),
            n_rows=len(X),
            split=HoldOut(self.validation_fraction, self._seed) if hold_out else None,
            callbacks=self._session_callbacks(dataset, epochs, hold_out=hold_out),
        )
        try:
            self._run_epochs(dataset, epochs)
        except BaseException:
            self.net_ = resting
            del self.history_[n_recorded:]
            raise
        # What only served this session is dropped, and the net rests on the CPU: it can be copied,
        # pickled, and loaded on a machine without the device.
        self.net_ = self._make_net(self.net_.module_, self.net_.optimizer_.state_dict())
        self.net_.module_.eval()
        self._compiled = self._compile()

    def _run_epochs(self, dataset: TensorDataset, epochs: int) -> None:
        with self._own_randomness(), threads_for(self._multiplications(len(dataset))):
            self.net_.notify("on_train_begin", X=dataset, y=None)
            try:
                self.net_.fit_loop(dataset, epochs=epochs)
            except KeyboardInterrupt:
                if not stopped_early(self.net_):
                    raise
            self.net_.notify("on_train_end", X=dataset, y=None)

    def _session_callbacks(
        self, dataset: TensorDataset, epochs: int, *, hold_out: bool
    ) -> list[Callback]:
        callbacks = [
            ReseedEveryEpoch(self._generator),
            StopWhenDiverging(self._loss_limit(dataset)),
            RecordHistory(self.history_),
        ]
        if hold_out:
            n_before = len(self.history_)
            callbacks.append(StopEarly(self.n_iter_no_change, self._patience, n_before))
        if self.verbose:
            callbacks.append(ProgressBar(epochs))
        # Copies, so that one list of callbacks can serve several detectors.
        return callbacks + deepcopy(list(self.callbacks or []))

    def _make_net(
        self,
        module: nn.Module,
        optimizer_state: dict[str, Any] | None = None,
        *,
        device: str = "cpu",
        n_rows: int = 1,
        split: HoldOut | None = None,
        callbacks: list[Callback] | None = None,
    ) -> NeuralNet:
        optimizer = OPTIMIZERS.get(self.optimizer, self.optimizer)
        fused = {"optimizer__fused": True} if optimizer in FUSED else {}
        net = NeuralNet(
            module=module,
            criterion=self._make_criterion(),
            optimizer=optimizer,
            optimizer__weight_decay=self.weight_decay,
            lr=self.lr,
            batch_size=self._batch_rows(n_rows),
            iterator_train=TensorBatches,
            iterator_train__generator=self._generator,
            iterator_valid=TensorBatches,
            train_split=split,
            callbacks=callbacks,
            callbacks__print_log=None,
            device=device,
            verbose=0,
            **fused,
        )
        net.initialize()
        if optimizer_state is not None:
            _restore(net.optimizer_, optimizer_state, self.lr)
        return net

    def _checked_device(self) -> str:
        try:
            kind = torch.device(self.device).type
        except RuntimeError as error:
            raise UsageError(
                f"device={self.device!r} is not a torch device; give 'cpu' or 'cuda'"
            ) from error
        if kind == "cuda" and not torch.cuda.is_available():
            raise UsageError(
                f"device={self.device!r}, but torch sees no GPU here; give device='cpu'"
            )
        return self.device

    @contextmanager
    def _own_randomness(self) -> Iterator[None]:
        """Leave the user's random generators as they were."""
        device = torch.device(self.device)
        if device.type == "cpu":
            forked = torch.random.fork_rng(devices=[])
        else:
            forked = torch.random.fork_rng(devices=[device.index or 0], device_type=device.type)
        with forked:
            yield

    def _multiplications(self, n_rows: int) -> int:
        n_weights = sum(weight.numel() for weight in self.net_.module_.parameters())
        return 3 * n_weights * min(self._batch_rows(n_rows), n_rows)

    def _batch_rows(self, n_rows: int) -> int:
        if isinstance(self.batch_size, str):
            return int(np.clip(n_rows // STEPS_PER_EPOCH, SMALLEST_BATCH, LARGEST_BATCH))
        return self.batch_size

    def _get_state(self) -> dict[str, Any]:
        state = super()._get_state()
        net = state.pop("net_", None)
        state.pop("_compiled", None)
        if net is None:
            return state
        state["_patience"] = _to_arrays(self._patience)
        state["_generator"] = self._generator.get_state().numpy()
        state["_module"] = _to_arrays(net.module_.state_dict())
        state["_optimizer"] = _to_arrays(net.optimizer_.state_dict())
        return state

    def _set_state(self, state: dict[str, Any]) -> None:
        state = dict(state)
        module, optimizer = state.pop("_module", None), state.pop("_optimizer", None)
        super()._set_state(state)
        if module is None:
            return
        self._patience = _to_tensors(self._patience)
        self._generator = torch.Generator()
        self._generator.set_state(torch.from_numpy(state["_generator"]))
        with torch.random.fork_rng(devices=[]):
            self.net_ = self._make_net(self._make_module(**self._design_), _to_tensors(optimizer))
        self.net_.module_.load_state_dict(_to_tensors(module))
        self.net_.module_.eval()
        self._compiled = self._compile()

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags


def _restore(optimizer: torch.optim.Optimizer, state: dict[str, Any], lr: float) -> None:
    """Go on with the moments of an optimiser, at the learning rate asked for now."""
    optimizer.load_state_dict(state)
    for group in optimizer.param_groups:
        group["lr"] = lr


def _to_arrays(tree: Any) -> Any:
    """Replace tensors by arrays, everywhere in nested dicts and lists."""
    if isinstance(tree, torch.Tensor):
        return tree.detach().cpu().numpy()
    if isinstance(tree, dict):
        return {key: _to_arrays(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(_to_arrays(value) for value in tree)
    return tree


def _to_tensors(tree: Any) -> Any:
    """Turn back what :func:`_to_arrays` did."""
    if isinstance(tree, np.ndarray):
        return torch.from_numpy(tree)
    if isinstance(tree, dict):
        return {key: _to_tensors(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(_to_tensors(value) for value in tree)
    return tree
