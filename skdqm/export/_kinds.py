"""Fitted neural detectors to torch modules that score rows as they do."""
# ruff: noqa: SLF001 (a twin of what a detector does is made of what it knows)

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
from torch import nn

from skdqm._messages import listed
from skdqm.detectors import (
    AutoencoderDetector,
    ContrastiveDetector,
    ConvAutoencoderDetector,
    ConvVAEDetector,
    GraphAutoencoderDetector,
    QuantumAutoencoderDetector,
    VAEDetector,
)
from skdqm.detectors._reconstruction import LOSS_FLOOR
from skdqm.detectors._standardise import LARGEST_INPUT
from skdqm.exceptions import UsageError
from skdqm.export._graphs import EdgeEncoder, GraphScorer, Nodes, PlainNodes
from skdqm.export._inputs import Counts, Features
from skdqm.export._points import TWINS, Points
from skdqm.export._quantum import Circuit
from skdqm.export._scores import (
    Divergence,
    LatentDistance,
    Losses,
    MeanLoss,
    NegativeELBO,
    Scorer,
    SmoothedLosses,
    Sum,
)
from skdqm.nn._quantum import QUARTER_TURN


def scorer_of(detector: Any) -> nn.Module:
    """Return a module that maps rows of float64 to the anomaly scores of a fitted detector."""
    build = BUILDERS.get(type(detector))
    if build is None:
        raise UsageError(
            f"{type(detector).__name__} cannot be exported; expected one of the neural detectors "
            f"{listed([kind.__name__ for kind in BUILDERS])}, alone or as the last step of a "
            "Pipeline"
        )
    return build(detector).eval().requires_grad_(requires_grad=False)


def _copied(module: Any) -> nn.Module:
    copied: nn.Module = deepcopy(module).eval()
    return copied


def _inputs(detector: Any) -> Features:
    arguments = detector.location_, detector.scale_, detector._bounds
    exists = getattr(detector, "_exists", None)
    if detector._counts():
        return Counts(*arguments, exists, usual_total=detector._usual_total)
    return Features(*arguments, exists)


def _scorer(detector: Any, encoder: nn.Module, score: nn.Module, n_members: int = 1) -> Scorer:
    decoder, width = _copied(detector.net_.module_.decoder), detector._latent_width()
    return Scorer(_inputs(detector), encoder, decoder, width, score, n_members=n_members)


def _losses(detector: Any) -> Losses:
    return Losses(detector._frozen["loss"], detector.feature_loss_ + LOSS_FLOOR)


def _smoothed_losses(detector: Any) -> Losses:
    usual, frozen = detector.smoothed_loss_ + LOSS_FLOOR, detector._frozen
    shape, exists = detector._image_shape, detector._exists
    return SmoothedLosses(frozen["loss"], usual, shape, frozen["smoothing"], exists)


def _score(detector: Any, losses: Losses, n_features: int) -> nn.Module:
    """Return what the parameter `score` of the detector names."""
    frozen, width = detector._frozen, detector._latent_width()
    # One of them is asked for, and what belongs to another may not be there.
    made: dict[str, Callable[[], nn.Module]] = {
        "reconstruction": lambda: MeanLoss(losses, n_features),
        "kl": lambda: Divergence(width),
        "elbo": lambda: NegativeELBO(losses, width, frozen["beta"]),
        "mahalanobis": lambda: LatentDistance(detector.latent_mean_, detector._whiten),
        "sum": lambda: Sum(
            MeanLoss(losses, n_features), LatentDistance(detector.latent_mean_, detector._whiten)
        ),
    }
    return made[frozen.get("score", "reconstruction")]()


def _dense(detector: Any) -> Scorer:
    module, n_members = detector.net_.module_, detector._n_trained()
    # What adds noise while training hands rows to every member.
    encoder = nn.Sequential(_copied(module.noise), _copied(module.encoder))
    score = _score(detector, _losses(detector), detector.n_features_in_)
    return _scorer(detector, encoder, score, n_members)


def _quantum(detector: Any) -> Scorer:
    forward, _ = detector._compiled
    circuit = Circuit(forward.parts, forward.signs, QUARTER_TURN)
    encoder = nn.Sequential(_copied(detector.net_.module_.encoder), circuit)
    score = _score(detector, _losses(detector), detector.n_features_in_)
    return _scorer(detector, encoder, score)


def _convolutional(detector: Any) -> Scorer:
    exists = detector._exists
    n_pixels = detector.n_features_in_ if exists is None else int(np.count_nonzero(exists))
    score = _score(detector, _smoothed_losses(detector), n_pixels)
    return _scorer(detector, _copied(detector.net_.module_.encoder), score)


def _contrastive(detector: Any) -> Scorer:
    distance = getattr(detector, "_distance", None)
    if detector._frozen["score"] == "reconstruction":
        score = _score(detector, _losses(detector), detector.n_features_in_)
    else:
        score = Points(detector._units, TWINS[type(distance)](distance))
    return _scorer(detector, _copied(detector.net_.module_.encoder), score)


def _graph(detector: Any) -> GraphScorer:
    shape, module = detector._graph_shape, detector.net_.module_
    kind = Nodes if detector._is_set else PlainNodes
    inputs = Features(detector.location_, detector.scale_, detector._bounds)
    unit = detector._unit
    nodes = kind(inputs, shape, detector._weight, unit, LARGEST_INPUT * unit)
    usual = (detector.feature_loss_ + LOSS_FLOOR).reshape(shape)
    modules = EdgeEncoder(_copied(module.encoder)), _copied(module.decoder)
    return GraphScorer(nodes, *modules, detector._frozen["loss"], usual)


BUILDERS: dict[type, Callable[[Any], nn.Module]] = {
    AutoencoderDetector: _dense,
    VAEDetector: _dense,
    ConvAutoencoderDetector: _convolutional,
    ConvVAEDetector: _convolutional,
    ContrastiveDetector: _contrastive,
    GraphAutoencoderDetector: _graph,
    QuantumAutoencoderDetector: _quantum,
}
