"""Strategies that hold a network to what it was while it learns what is new."""

from abc import abstractmethod
from copy import copy, deepcopy
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from skorch import NeuralNet
from skorch.callbacks import Callback
from torch import nn

from skdqm._sklearn import Interval
from skdqm.continual._expert import Expert
from skdqm.continual._pool import Pool
from skdqm.continual._rows import Rows
from skdqm.continual._strategies import ReplayStrategy, Workshop
from skdqm.continual._trainer import Trainer
from skdqm.detectors._neural import NeuralDetector
from skdqm.detectors._tensors import to_arrays, to_tensors
from skdqm.detectors._training import seed_torch
from skdqm.exceptions import UsageError
from skdqm.monitoring._wrapper import behind_steps, last_of

# Attribute of a detector that says what it is held to: plain data, so that it goes into model files
# and back with versions, as the detector does.
ANCHOR = "_held_to"
# Rows that the Fisher information is estimated from, and how many at once: gradients of rows add up
# as independent draws where training has converged, and losses that compare rows need some.
FISHER_ROWS, FISHER_BATCH = 512, 8
SMALLEST_LOSS = 1e-6
# A drift that is found again before so many rows were learned is still the same one: the network
# does not know its condition yet, and is held to what it knew before.
SETTLING_ROWS = 1000


class _HeldStrategy(ReplayStrategy):
    """Base class: a network learns on, held to itself as it was when a drift was last found.

    A subclass says what is remembered of a network (``_remembered``), and what holds the next
    lessons to it (``_holder``).
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **ReplayStrategy._parameter_constraints,
        "strength": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, strength: float = 1.0, replay: float = 0.0, n_passes: int = 1) -> None:
        super().__init__(replay=replay, n_passes=n_passes)
        self.strength = strength

    def check(self, detector: Any) -> None:
        """Refuse detectors that have no network."""
        last = last_of(detector)
        if not isinstance(last, NeuralDetector):
            raise UsageError(
                f"{type(self).__name__} holds the weights of a network, found a "
                f"{type(last).__name__}; give a detector of skdqm that trains one, such as "
                "AutoencoderDetector(), or a Pipeline that ends in one, or take "
                "strategy='replay', which is for all"
            )

    def adopted(self, pool: Pool, rows: Rows, shop: Workshop) -> Pool:
        """Return the pool after the network learned rows, held to what it has been until now."""
        expert = pool.expert
        anchor = _anchor_of(expert.detector)
        if anchor is None or expert.n_learned - anchor["n_learned"] >= SETTLING_ROWS:
            settled = replace(expert, detector=self._settled(expert, shop))
            pool = replace(pool.with_expert(settled), n_made=pool.n_made + 1)
        return self.learned(pool, rows, shop)

    def _taught(self, expert: Expert, new: Rows, kept: Rows, shop: Workshop) -> Any:
        is_held = _anchor_of(expert.detector) is not None
        detector = expert.detector if is_held else self._settled(expert, shop)
        holders = self._holders(detector, expert.memory, shop)
        own = last_of(detector).callbacks
        lent = _with(detector, callbacks=[*(own or []), *holders])
        taught = super()._taught(replace(expert, detector=lent), new, kept, shop)
        return _with(taught, callbacks=own)

    def _settled(self, expert: Expert, shop: Workshop) -> Any:
        """Return the detector of an expert, which is to be held to itself from now on."""
        if not len(expert.memory):
            return expert.detector
        found = {
            "last_row": int(expert.memory.positions.max()),
            "n_learned": expert.n_learned,
            "weights": to_arrays(last_of(expert.detector).net_.module_.state_dict()),
            **self._remembered(expert, shop),
        }
        return _with(expert.detector, **{ANCHOR: found})

    def _holders(self, detector: Any, memory: Rows, shop: Workshop) -> list[Callback]:
        anchor = _anchor_of(detector)
        if anchor is None or not self.strength:
            return []
        known = memory[memory.positions <= anchor["last_row"]]
        return [self._holder(detector, anchor, known, shop)] if len(known) else []

    def _remembered(self, expert: Expert, shop: Workshop) -> dict[str, Any]:
        """Return what is to be remembered of an expert beside its weights, as plain data."""
        del expert, shop
        return {}

    @abstractmethod
    def _holder(
        self, detector: Any, anchor: dict[str, Any], known: Rows, shop: Workshop
    ) -> Callback:
        """Return what adds to the gradients of a lesson; `known` rows were learned before."""


class EWCStrategy(_HeldStrategy):
    """Learn new rows, with the weights tied to what they were: elastic weight consolidation [1]_.

    When a drift is found, the weights of the network are remembered, and how much the kept rows
    depend on each: the diagonal of the Fisher information. From then on a quadratic penalty pulls
    every weight back as strongly as that. There is one penalty, not one for every condition: kept
    rows are of all conditions so far, as the sum of the online variant [2]_ is. Rows fade out of it
    as they fade out of the memory.

    For detectors of skdqm that train a network, and Pipelines that end in one. There to compare
    with: keeping rows, or an expert for every condition, forgets less.

    Parameters
    ----------
    strength : float, default=10.0
        Weight of the penalty. With 1 it is the loss of the kept rows, to second order, in the units
        of the training loss: as if they were as many as the new ones. Far from where it was
        estimated that holds too little.
    replay : float, default=0.0
        Kept rows that are learned again, in units of the new ones.
    n_passes : int, default=1
        Times that an update goes over its rows.

    References
    ----------
    .. [1] J. Kirkpatrick et al., "Overcoming catastrophic forgetting in neural networks", PNAS 114
           (2017) 3521, equation 3.
    .. [2] J. Schwarz et al., "Progress & compress: a scalable framework for continual learning",
           ICML (2018).

    Examples
    --------
    >>> from skdqm.continual import ContinualDetector, EWCStrategy
    >>> from skdqm.detectors import AutoencoderDetector
    >>> ContinualDetector(AutoencoderDetector(), strategy=EWCStrategy(strength=100.0))
    ContinualDetector(detector=AutoencoderDetector(),
                      strategy=EWCStrategy(strength=100.0))
    """

    def __init__(self, strength: float = 10.0, replay: float = 0.0, n_passes: int = 1) -> None:
        super().__init__(strength=strength, replay=replay, n_passes=n_passes)

    def _remembered(self, expert: Expert, shop: Workshop) -> dict[str, Any]:
        count = min(FISHER_ROWS, len(expert.memory))
        some = expert.memory[shop.random.choice(len(expert.memory), count, replace=False)]
        network = last_of(expert.detector)
        X = _inputs(expert.detector, some, shop.trainer)
        return {"curvature": _curvature(network, X, int(shop.random.integers(2**31)))}

    def _holder(
        self, detector: Any, anchor: dict[str, Any], known: Rows, shop: Workshop
    ) -> Callback:
        del detector, known, shop
        weights, curvature = to_tensors(anchor["weights"]), to_tensors(anchor["curvature"])
        return PullBack(weights, curvature, self.strength)


class DistillationStrategy(_HeldStrategy):
    """Learn new rows, and go on giving what the former self gave: learning without forgetting [1]_.

    When a drift is found, the network is remembered as it is. From then on every step of training
    also compares what it and its former self make of rows that were kept before that, with the same
    noise: for an autoencoder, what they reconstruct; for a variational one, the distribution in the
    latent space too.

    For detectors of skdqm that train a network, and Pipelines that end in one. There to compare
    with: keeping rows, or an expert for every condition, forgets less.

    Parameters
    ----------
    strength : float, default=1.0
        Weight of the mean squared difference, beside the loss of new rows.
    replay : float, default=0.0
        Kept rows that are also learned again, in units of the new ones.
    n_passes : int, default=1
        Times that an update goes over its rows.

    References
    ----------
    .. [1] Z. Li and D. Hoiem, "Learning without forgetting", IEEE TPAMI 40 (2018) 2935.

    Examples
    --------
    >>> from skdqm.continual import ContinualDetector, DistillationStrategy
    >>> from skdqm.detectors import AutoencoderDetector
    >>> ContinualDetector(AutoencoderDetector(), strategy=DistillationStrategy(strength=2.0))
    ContinualDetector(detector=AutoencoderDetector(),
                      strategy=DistillationStrategy(strength=2.0))
    """

    def _holder(
        self, detector: Any, anchor: dict[str, Any], known: Rows, shop: Workshop
    ) -> Callback:
        network = last_of(detector)
        former = deepcopy(network.net_.module_)
        former.load_state_dict(to_tensors(anchor["weights"]))
        inputs = network._tensors(_inputs(detector, known, shop.trainer))[0]  # noqa: SLF001
        return StayAlike(former, inputs, self.strength, int(shop.random.integers(2**31)))


class PullBack(Callback):
    """Add the gradient of a quadratic penalty on what weights have moved.

    Parameters
    ----------
    weights, curvature : dict of str to torch.Tensor
        Where the weights were, and how strongly each is held there.
    strength : float
        Weight of the penalty.
    """

    def __init__(
        self, weights: dict[str, torch.Tensor], curvature: dict[str, torch.Tensor], strength: float
    ) -> None:
        self.weights = weights
        self.curvature = curvature
        self.strength = strength

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        """Bring what is needed to the device of the net."""
        self.held_ = [
            (weight, self.weights[name].to(net.device), self.curvature[name].to(net.device))
            for name, weight in net.module_.named_parameters()
            if name in self.curvature
        ]

    def on_grad_computed(self, net: NeuralNet, **kwargs: Any) -> None:
        """Add to the gradients of a batch."""
        del net
        for weight, former, curvature in self.held_:
            if weight.grad is not None:
                pull = curvature * (weight.detach() - former)
                weight.grad.add_(pull, alpha=self.strength)


class StayAlike(Callback):
    """Add the gradient of the squared difference from what a former network gives.

    Parameters
    ----------
    former : torch.nn.Module
        The network as it was.
    inputs : torch.Tensor of shape (n_rows, ...)
        What both are given.
    strength : float
        Weight of the mean squared difference.
    seed : int
        Of the choice of rows, and of the noise that both add.
    """

    def __init__(self, former: nn.Module, inputs: torch.Tensor, strength: float, seed: int) -> None:
        self.former = former
        self.inputs = inputs
        self.strength = strength
        self.seed = seed

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        """Bring what is needed to the device of the net."""
        self.former_ = deepcopy(self.former).to(net.device).train()
        self.inputs_ = self.inputs.to(net.device)
        self.random_ = torch.Generator().manual_seed(self.seed)

    def on_grad_computed(self, net: NeuralNet, **kwargs: Any) -> None:
        """Add to the gradients of a batch."""
        count = min(int(net.batch_size), len(self.inputs_))
        chosen = torch.randint(len(self.inputs_), (count,), generator=self.random_)
        rows = self.inputs_[chosen.to(self.inputs_.device)]
        seed = int(torch.randint(2**31, (), generator=self.random_))
        # As in training: each of several networks gets the gradient that it would get alone.
        weight = self.strength * getattr(net.criterion_, "n_members", 1)
        seed_torch(seed, str(net.device))
        with torch.no_grad():
            before = _parts(self.former_(rows))
        seed_torch(seed, str(net.device))
        now = _parts(net.module_(rows))
        pairs = zip(now, before, strict=True)
        differences = torch.stack([nn.functional.mse_loss(*pair) for pair in pairs])
        torch.autograd.backward(weight * differences.sum())


def _anchor_of(detector: Any) -> dict[str, Any] | None:
    """Return what a detector is held to, if it is."""
    return getattr(last_of(detector), ANCHOR, None)


def _curvature(network: NeuralDetector, X: NDArray[Any], seed: int) -> dict[str, NDArray[Any]]:
    """Return the curvature of the mean loss on rows, by the diagonal of the Fisher information.

    The loss of a row is a mean over `d` values, with squared residuals of about the mean loss `L`:
    the logarithm of its likelihood is `-d / (2 L)` times the loss, and the second derivative of the
    mean loss is `d / (2 L)` times the mean square of the first one.
    """
    with network._own_torch():  # noqa: SLF001 (a lesson of its own, with nothing to learn)
        net = network._make_net(deepcopy(network.net_.module_), device=network.device)  # noqa: SLF001
        net.module_.train()
        seed_torch(seed, network.device)
        inputs, *_, target = (tensors := network._tensors(X))[0], tensors[-1]  # noqa: SLF001
        names, weights = zip(*net.module_.named_parameters(), strict=True)
        squares = [torch.zeros_like(weight) for weight in weights]
        losses = []
        for start in range(0, len(X), FISHER_BATCH):
            few = slice(start, start + FISHER_BATCH)
            loss = net.get_loss(net.infer(inputs[few]), target[few])
            losses.append(float(loss.detach()))
            slopes = torch.autograd.grad(loss, weights, allow_unused=True)
            for square, slope in zip(squares, slopes, strict=True):
                if slope is not None:
                    square.add_(slope.square(), alpha=len(inputs[few]))
        scale = target[0].numel() / (2 * max(float(np.mean(losses)), SMALLEST_LOSS)) / len(losses)
        return {
            name: (scale * square).cpu().numpy()
            for name, square in zip(names, squares, strict=True)
        }


def _inputs(detector: Any, rows: Rows, trainer: Trainer) -> NDArray[Any]:
    """Return rows as the network of a detector sees them, before they are tensors."""
    seen = behind_steps(detector, trainer.frame(rows))
    found: NDArray[Any] = last_of(detector)._validated(seen)  # noqa: SLF001
    return found


def _with(detector: Any, **attributes: Any) -> Any:
    """Return a copy of a detector, or of a Pipeline that ends in it, with other attributes."""
    last = copy(last_of(detector))
    vars(last).update(attributes)
    if not isinstance(detector, Pipeline):
        return last
    pipeline = copy(detector)
    pipeline.steps = [*detector.steps[:-1], (detector.steps[-1][0], last)]
    return pipeline


def _parts(output: Any) -> tuple[torch.Tensor, ...]:
    """Return what a network gives as a tuple of tensors."""
    return output if isinstance(output, tuple) else (output,)
