"""Networks, losses and batches: the torch side of the neural detectors."""

from skdqm.nn._activations import ACTIVATIONS
from skdqm.nn._batches import TensorBatches
from skdqm.nn._conv import ConvAutoencoder, ConvVAE, conv_decoder, conv_encoder
from skdqm.nn._dense import DenseAutoencoder, DenseForward, DenseVAE, dense_layers
from skdqm.nn._forward import ModuleForward
from skdqm.nn._losses import LARGEST_LOG_RATE, LOSSES, Affine, ELBOLoss, ReconstructionLoss
from skdqm.nn._noise import GaussianNoise
from skdqm.nn._threads import threads_for
from skdqm.nn._tiles import in_tiles

__all__ = [
    "ACTIVATIONS",
    "LARGEST_LOG_RATE",
    "LOSSES",
    "Affine",
    "ConvAutoencoder",
    "ConvVAE",
    "DenseAutoencoder",
    "DenseForward",
    "DenseVAE",
    "ELBOLoss",
    "GaussianNoise",
    "ModuleForward",
    "ReconstructionLoss",
    "TensorBatches",
    "conv_decoder",
    "conv_encoder",
    "dense_layers",
    "in_tiles",
    "threads_for",
]
