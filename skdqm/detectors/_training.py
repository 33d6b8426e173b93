"""Small parts that skorch is given to train with: callbacks, the hold-out split, optimisers."""

import math
import time
from collections.abc import Callable
from typing import Any

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, EarlyStopping
from torch.utils.data import TensorDataset
from tqdm import tqdm

from skdqm.exceptions import TrainingError

OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
    "rmsprop": torch.optim.RMSprop,
    "nadam": torch.optim.NAdam,
}
# Training is given up when its loss is this many times what it was before, on so many rows.
HOPELESS = 10.0
YARDSTICK_ROWS = 4096
# One kernel updates all weights: several times faster than tensor by tensor, on the CPU too.
FUSED = (torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD)


class Net(NeuralNet):
    """skorch's net, which walks through all modules before every batch to set their mode."""

    def _set_training(self, training: bool = True) -> None:  # noqa: FBT001, FBT002 (skorch's)
        if self.module_.training != training:
            super()._set_training(training)


def seed_torch(seed: int, device: str = "cpu") -> None:
    """Seed the generators of the CPU and of one device; ``torch.manual_seed`` seeds them all."""
    torch.default_generator.manual_seed(seed)
    if torch.device(device).type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)


class ReseedEveryEpoch(Callback):
    """Seed torch from the detector's generator: an epoch resumes as it would have run."""

    def __init__(self, generator: torch.Generator) -> None:
        self.generator = generator

    def on_epoch_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        seed_torch(int(torch.randint(2**31, (), generator=self.generator)), str(net.device))


class RecordHistory(Callback):
    """Append each epoch's figures to a list, without its batches."""

    def __init__(self, history: list[dict[str, float]]) -> None:
        self.history = history

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        last = net.history[-1]
        names = ("train_loss", "valid_loss", "dur")
        figures = {name: float(last[name]) for name in names if name in last}
        self.history.append({"epoch": len(self.history) + 1, **figures})


class StopWhenDiverging(Callback):
    """Raise an error when the loss is not finite, or far above what it was before training."""

    def on_train_begin(self, net: NeuralNet, *, X: TensorDataset, **kwargs: Any) -> None:
        inputs, target = (tensor[:YARDSTICK_ROWS] for tensor in (X.tensors[0], X.tensors[-1]))
        with torch.no_grad():
            before = float(net.get_loss(net.infer(inputs), target))
        self.limit_ = HOPELESS * (1 + (before if math.isfinite(before) else 0))

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        loss = net.history[-1]["train_loss"]
        if not (math.isfinite(loss) and loss <= self.limit_):
            raise TrainingError(
                f"training diverged: the loss is {loss:.3g} in epoch {len(net.history)}, where "
                f"at most {self.limit_:.3g} makes sense; lower lr (now {net.lr:g}), and look for "
                "extreme values in the training rows"
            )


class ProgressBar(Callback):
    """Show the epochs done, the loss and the time left on standard error."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        self.bar_ = tqdm(total=self.epochs, unit="epoch", desc="training")

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        self.bar_.set_postfix(loss=f"{net.history[-1]['train_loss']:.4g}", refresh=False)
        self.bar_.update()


class Checkpoint(Callback):
    """Call a function at the end of an epoch, at most once in `seconds`.

    Parameters
    ----------
    write : callable
        Writes what training has reached so far; takes no argument.
    seconds : float, default=10.0
        Least time between two calls, in seconds.
    """

    def __init__(self, write: Callable[[], object], seconds: float = 10.0) -> None:
        self.write = write
        self.seconds = seconds

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        self.written_ = time.monotonic()

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        if time.monotonic() - self.written_ >= self.seconds:
            self.write()
            self.written_ = time.monotonic()


class StopEarly(EarlyStopping):
    """skorch's early stopping, able to go on in a later session as if there had been one.

    Parameters
    ----------
    patience : int
        Epochs without a better validation loss before it stops.
    memory : dict
        What it knows so far; empty at first, filled at the end of every epoch.
    n_before : int
        Epochs of earlier sessions: skorch counts from one in each.
    """

    def __init__(self, patience: int, memory: dict[str, Any], n_before: int) -> None:
        super().__init__(patience=patience, load_best=True, sink=_silent)
        self.memory = memory
        self.n_before = n_before

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        super().on_train_begin(net, **kwargs)
        if self.memory:
            self.misses_ = self.memory["misses"]
            self.dynamic_threshold_ = self.memory["threshold"]
            self.best_epoch_ = self.memory["epoch"] - self.n_before
            self.best_model_weights_ = self.memory["weights"]

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        try:
            super().on_epoch_end(net, **kwargs)
        finally:
            self.memory |= {
                "misses": self.misses_,
                "threshold": float(self.dynamic_threshold_),
                "epoch": self.best_epoch_ + self.n_before,
                "weights": self.best_model_weights_,
            }


def run_epochs(net: NeuralNet, dataset: TensorDataset, epochs: int) -> None:
    """Train, tell a user's interrupt from early stopping, and leave the terminal clean."""
    net.notify("on_train_begin", X=dataset, y=None)
    try:
        net.fit_loop(dataset, epochs=epochs)
    except KeyboardInterrupt:
        if not stopped_early(net):
            raise
    finally:
        for _, callback in net.callbacks_:
            if isinstance(callback, ProgressBar):
                callback.bar_.close()
    net.notify("on_train_end", X=dataset, y=None)


def stopped_early(net: NeuralNet) -> bool:
    """Tell whether the interrupt that ended training came from skorch's early stopping.

    skorch stops early by raising a KeyboardInterrupt, as a user at the keyboard does.
    """
    callbacks = (callback for _, callback in net.callbacks_)
    return any(isinstance(c, EarlyStopping) and c.misses_ >= c.patience for c in callbacks)


def _silent(message: str, **kwargs: Any) -> None:
    """Swallow what skorch would print."""


class HoldOut:
    """Split a dataset into a training and a validation part, the same way every time.

    Parameters
    ----------
    fraction : float
        Share of the rows held out, in (0, 1); at least one row, and never all.
    seed : int
        Decides which rows.
    """

    def __init__(self, fraction: float, seed: int) -> None:
        self.fraction = fraction
        self.seed = seed

    def __call__(self, dataset: TensorDataset) -> tuple[TensorDataset, TensorDataset]:
        n_rows = len(dataset)
        n_valid = min(max(1, round(self.fraction * n_rows)), n_rows - 1)
        order = torch.randperm(n_rows, generator=torch.Generator().manual_seed(self.seed))
        parts = order[n_valid:], order[:n_valid]
        train, valid = (TensorDataset(*(t[rows] for t in dataset.tensors)) for rows in parts)
        return train, valid
