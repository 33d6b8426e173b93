"""Building the network of the contrastive detector from its design, which is plain data."""

from copy import deepcopy
from typing import Any

import torch
from torch import nn
from torch.nn import UninitializedParameter

from skdqm.exceptions import UsageError
from skdqm.nn import (
    AddNoise,
    ContrastiveModule,
    MaskFeatures,
    ScaleRows,
    ShiftImages,
    ShortcutEncoder,
    TurnImages,
    conv_decoder,
    conv_encoder,
    dense_layers,
)

# Widths of the small network between the latent vectors and the contrast.
PROJECTION = (64, 32)


def contrastive_module(design: dict[str, Any], given: nn.Module | None) -> ContrastiveModule:
    """Return the module of a design, with fresh weights; `given` is the user's encoder."""
    projector = dense_layers([design["latent_dim"], *PROJECTION], design["activation"])
    if given is not None:
        encoder, decoder = _given_encoder(given, design["image_shape"]), _dense_decoder(design)
    elif design["encoder"] == "conv":
        encoder, decoder = _conv_encoder(design), _conv_decoder(design)
    else:
        encoder, decoder = _dense_encoder(design), _dense_decoder(design)
    return ContrastiveModule(_augmentation(design), encoder, decoder, projector)


def _given_encoder(module: nn.Module, image_shape: list[int] | None) -> nn.Module:
    """Return a copy of the user's module that takes rows."""
    copied = deepcopy(module).float()
    return copied if image_shape is None else nn.Sequential(nn.Unflatten(1, image_shape), copied)


def width_of(module: nn.Module, n_features: int, image_shape: list[int] | None) -> int:
    """Return the width of the latent vectors that the user's module gives."""
    if any(isinstance(weight, UninitializedParameter) for weight in module.parameters()):
        raise _not_an_encoder("it has weights without a shape; run it once on such rows first")
    encoder = _given_encoder(module, image_shape).eval()
    rows = torch.linspace(-1, 1, 2 * n_features).reshape(2, n_features)
    try:
        # What it draws must not move the generator of the user.
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            latent = encoder(rows)
            alone = [encoder(rows[:1]) for _ in range(2)]
        n_rows, width = latent.shape
    except Exception as error:  # whatever the user's module raises
        raise _not_an_encoder(f"it failed ({error})") from error
    if n_rows != len(rows):
        raise _not_an_encoder(f"found shape {tuple(latent.shape)}")
    if not torch.equal(*alone):
        raise _not_an_encoder("in evaluation mode it gives the same row two results")
    return int(width)


def _not_an_encoder(found: str) -> UsageError:
    return UsageError(
        "the module given as encoder must map 2 standardised rows to a tensor of shape "
        f"(2, latent_dim): {found}"
    )


def _augmentation(design: dict[str, Any]) -> nn.Sequential:
    """Return what draws a view of rows; images move before noise and masks come."""
    shape = design["image_shape"]
    steps = [
        TurnImages(shape) if design["turns"] else None,
        ShiftImages(shape, design["max_shift"]) if design["max_shift"] else None,
        ScaleRows(design["row_scaling"]) if design["row_scaling"] else None,
        AddNoise(design["noise"]) if design["noise"] else None,
        MaskFeatures(design["masked_fraction"]) if design["masked_fraction"] else None,
    ]
    return nn.Sequential(*(step for step in steps if step is not None))


def _dense_encoder(design: dict[str, Any]) -> nn.Module:
    n_features, width = design["n_features"], design["latent_dim"]
    sizes = [n_features, *design["hidden_layer_sizes"], width]
    return ShortcutEncoder(dense_layers(sizes, design["activation"]), n_features, width)


def _dense_decoder(design: dict[str, Any]) -> nn.Module:
    hidden = design["hidden_layer_sizes"][::-1]
    sizes = [design["latent_dim"], *hidden, design["n_features"]]
    return dense_layers(sizes, design["activation"])


def _conv_encoder(design: dict[str, Any]) -> nn.Module:
    layers = conv_encoder(*_conv_arguments(design))
    return ShortcutEncoder(layers, design["n_features"], design["latent_dim"])


def _conv_decoder(design: dict[str, Any]) -> nn.Module:
    return conv_decoder(*_conv_arguments(design))


def _conv_arguments(design: dict[str, Any]) -> list[Any]:
    return [design[key] for key in ("image_shape", "hidden_channels", "latent_dim", "activation")]
