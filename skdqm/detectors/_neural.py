"""What all neural detectors share: training through skorch, randomness, state."""

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy, deepcopy
from inspect import signature
from numbers import Integral, Real
from threading import RLock
from typing import Any
from warnings import warn

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
from skdqm.detectors._standardise import warn_of_few_first_rows
from skdqm.detectors._tensors import to_arrays, to_tensors
from skdqm.detectors._training import (
    FUSED,
    OPTIMIZERS,
    HoldOut,
    Net,
    ProgressBar,
    RecordHistory,
    ReseedEveryEpoch,
    StopEarly,
    StopWhenDiverging,
    run_epochs,
    seed_torch,
)
from skdqm.exceptions import UsageError
from skdqm.nn import TensorBatches, threads_for

# batch_size="auto": small sets still get enough optimiser steps, large ones run at full speed.
STEPS_PER_EPOCH = 64
SMALLEST_BATCH = 32
LARGEST_BATCH = 512

ONE_AT_A_TIME = RLock()


class NeuralDetector(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseDetector):
    """Base class of detectors that train a torch module with skorch.

    A subclass writes ``_design``, ``_make_module``, ``_make_criterion``, ``_tensors`` and
    ``_latent``; it may write ``_prepare`` (look at the first rows), ``_compile`` and ``_weigh``.
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
    # Parameters that decide what the scores mean: threshold and calibration belong to their values
    # at the fit, which ``_frozen`` keeps.
    _frozen_parameters: tuple[str, ...] = ()

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

    history_: list[dict[str, float]]
    _design_: dict[str, Any]
    _frozen: dict[str, Any]
    _patience: dict[str, Any]

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
            The latent vectors; for a variational detector, their means. Those of several networks
            stand side by side, in ``n_members * latent_dim`` columns.
        """
        return self._latent(self._validated(X))

    def _fit(self, X: NDArray[Any]) -> None:
        if self.warm_start and hasattr(self, "net_"):
            self._check_width(X)
        else:
            self._start(X)
        epochs = self.max_epochs - len(self.history_)
        if epochs > 0:
            self._train(X, epochs, hold_out=self.early_stopping)
        else:
            warn(
                f"warm_start=True continues to max_epochs={self.max_epochs}, and the history has "
                f"{len(self.history_)} epochs already: nothing is trained; raise max_epochs",
                stacklevel=2,
            )
        self._weigh(X, n_before=0)
        self._n_seen = len(X)
        self._patience = {}

    def _partial_fit(self, X: NDArray[Any]) -> None:
        if hasattr(self, "net_"):
            self._check_width(X)
        else:
            self._start(X)
            warn_of_few_first_rows(X)
        self._train(X, 1, hold_out=False)
        self._weigh(X, n_before=min(self._n_seen, RECENT_SCORES))
        self._n_seen += len(X)

    def _check_width(self, X: NDArray[Any]) -> None:
        expected = self._design_["n_features"]
        if X.shape[1] != expected:
            raise UsageError(
                f"training continues a net of {expected} features, found {X.shape[1]}; "
                "give the same features, or fit with warm_start=False to start again"
            )

    def _start(self, X: NDArray[Any]) -> None:
        """Make an untrained net, and everything that belongs to it."""
        self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self._generator = torch.Generator().manual_seed(self._seed)
        self._n_seen = 0
        self._patience = {}
        self.history_ = []
        parameters = self.get_params(deep=False)
        self._frozen = {name: parameters[name] for name in self._frozen_parameters}
        self._prepare(X)
        self._design_ = self._design()
        with self._own_torch():
            seed_torch(self._seed)
            self.net_ = self._make_net(self._make_module(**self._design_).float())

    def _train(self, X: NDArray[Any], epochs: int, *, hold_out: bool) -> None:
        # Copies learn, so that a failure or an interrupt leaves the detector as it was.
        self.history_, self._patience = list(self.history_), dict(self._patience)
        self._generator = self._generator.clone_state()
        with self._own_torch(), threads_for(self._multiplications(len(X))):
            module, optimizer = deepcopy(self.net_.module_), self.net_.optimizer_
            # Moments of one kind of optimiser mean nothing to another.
            goes_on = type(optimizer) is self._optimizer_class()
            self.net_ = self._make_net(
                module,
                optimizer.state_dict() if goes_on else None,
                device=self.device,
                n_rows=len(X),
                split=HoldOut(self.validation_fraction, self._seed) if hold_out else None,
                callbacks=self._session_callbacks(epochs, hold_out=hold_out),
            )
            run_epochs(self.net_, TensorDataset(*self._tensors(X)), epochs)
            # What only served this session is dropped, and the net rests on the CPU: it can be
            # copied, pickled, and loaded on a machine without the device.
            self.net_ = self._make_net(module, self.net_.optimizer_.state_dict())
        module.eval()
        self._compiled = self._compile()

    def _session_callbacks(self, epochs: int, *, hold_out: bool) -> list[Callback]:
        callbacks = [
            ReseedEveryEpoch(self._generator),
            StopWhenDiverging(),
            RecordHistory(self.history_),
        ]
        if hold_out:
            n_before = len(self.history_)
            callbacks.append(StopEarly(self.n_iter_no_change, self._patience, n_before))
        if self.verbose:
            callbacks.append(ProgressBar(epochs))
        # Copies, so that one list of callbacks can serve several detectors.
        return callbacks + [copy(callback) for callback in self.callbacks or []]

    def _optimizer_class(self) -> type[torch.optim.Optimizer]:
        found = OPTIMIZERS.get(self.optimizer, self.optimizer)
        if not (isinstance(found, type) and issubclass(found, torch.optim.Optimizer)):
            raise UsageError(
                f"optimizer={self.optimizer!r} is no optimiser; give one of {sorted(OPTIMIZERS)} "
                "or a class of torch.optim"
            )
        return found

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
        optimizer = self._optimizer_class()
        options: dict[str, Any] = {"optimizer__fused": True} if optimizer in FUSED else {}
        if "weight_decay" in signature(optimizer).parameters:
            options["optimizer__weight_decay"] = self.weight_decay
        elif self.weight_decay:
            raise UsageError(
                f"weight_decay={self.weight_decay:g}, but {optimizer.__name__} has none; "
                "give weight_decay=0 or another optimizer"
            )
        net = Net(
            module=module,
            criterion=self._make_criterion(),
            optimizer=optimizer,
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
            **options,
        )
        net.initialize()
        if optimizer_state is not None:
            _restore(net.optimizer_, optimizer_state)
        return net

    def _checked_device(self) -> torch.device:
        try:
            torch.zeros(1, device=self.device).cpu()
        except (RuntimeError, AssertionError, NotImplementedError) as error:
            raise UsageError(
                f"device={self.device!r} cannot be used here; give 'cpu', or 'cuda' where torch "
                f"sees a GPU ({str(error).partition(chr(10))[0]})"
            ) from error
        return torch.device(self.device)

    @contextmanager
    def _own_torch(self) -> Iterator[None]:
        """Train with gradients; leave the user's random generators as they were.

        torch draws noise from generators that all threads share: fits in threads take turns.
        """
        device = self._checked_device()
        if device.type == "cpu":
            forked = torch.random.fork_rng(devices=[])
        else:
            forked = torch.random.fork_rng(devices=[device.index or 0], device_type=device.type)
        with ONE_AT_A_TIME, torch.inference_mode(mode=False), torch.enable_grad(), forked:
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
        state["_patience"] = to_arrays(self._patience)
        state["_generator"] = self._generator.get_state().numpy()
        state["_module"] = to_arrays(net.module_.state_dict())
        state["_optimizer"] = to_arrays(net.optimizer_.state_dict())
        return state

    def _set_state(self, state: dict[str, Any]) -> None:
        state = dict(state)
        module, optimizer = state.pop("_module", None), state.pop("_optimizer", None)
        super()._set_state(state)
        if module is None:
            return
        self._patience = to_tensors(self._patience)
        self._generator = torch.Generator()
        self._generator.set_state(torch.from_numpy(state["_generator"]))
        with torch.inference_mode(mode=False):
            # Without memory of its own until shapes and weights are found to fit together.
            with torch.device("meta"):
                empty = self._make_module(**self._design_)
            empty.load_state_dict(to_tensors(module), assign=True)
            self.net_ = self._make_net(empty, to_tensors(optimizer))
        empty.eval()
        self._compiled = self._compile()

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags


def checked_widths(widths: Any, name: str) -> list[int]:
    """Return the widths of hidden layers, or say what is wrong with them."""
    if not all(isinstance(width, Integral) and int(width) > 0 for width in widths):
        raise UsageError(f"{name} must be whole numbers above zero, found {widths!r}")
    return [int(width) for width in widths]


def _restore(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Go on with the moments of an optimiser, with the settings asked for now."""
    settings = [
        {key: value for key, value in group.items() if key != "params"}
        for group in optimizer.param_groups
    ]
    # A copy, because an optimiser goes on in the tensors that it is given.
    optimizer.load_state_dict(deepcopy(state))
    for group, asked in zip(optimizer.param_groups, settings, strict=True):
        group.update(asked)
