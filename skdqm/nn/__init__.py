"""Networks, losses and batches: the torch side of the neural detectors."""

from skdqm.nn._activations import ACTIVATIONS
from skdqm.nn._batches import TensorBatches
from skdqm.nn._contrastive import (
    ContrastiveLoss,
    ContrastiveModule,
    MaskFeatures,
    NTXentLoss,
    ScaleRows,
    ShiftImages,
    ShortcutEncoder,
    ShortcutForward,
    TurnImages,
)
from skdqm.nn._conv import ConvAutoencoder, ConvVAE, conv_decoder, conv_encoder
from skdqm.nn._dense import DenseAutoencoder, DenseForward, DenseVAE, dense_layers
from skdqm.nn._forward import ModuleForward, RowByRowForward
from skdqm.nn._graph import GraphAutoencoder, GraphDecoder, GraphEncoder, NodeLoss, nearest_edges
from skdqm.nn._losses import (
    LARGEST_LOG_RATE,
    LOSSES,
    SMALLEST_TOTAL,
    Affine,
    ELBOLoss,
    ReconstructionLoss,
    log_exposure,
)
from skdqm.nn._noise import AddNoise, GaussianNoise
from skdqm.nn._quantum import QuantumAutoencoder, QuantumCircuit, QuantumForward
from skdqm.nn._stacked import StackedLinear, StackedLoss, StackedNoise
from skdqm.nn._threads import threads_for
from skdqm.nn._tiles import in_blocks, in_tiles

__all__ = [
    "ACTIVATIONS",
    "LARGEST_LOG_RATE",
    "LOSSES",
    "SMALLEST_TOTAL",
    "AddNoise",
    "Affine",
    "ContrastiveLoss",
    "ContrastiveModule",
    "ConvAutoencoder",
    "ConvVAE",
    "DenseAutoencoder",
    "DenseForward",
    "DenseVAE",
    "ELBOLoss",
    "GaussianNoise",
    "GraphAutoencoder",
    "GraphDecoder",
    "GraphEncoder",
    "MaskFeatures",
    "ModuleForward",
    "NTXentLoss",
    "NodeLoss",
    "QuantumAutoencoder",
    "QuantumCircuit",
    "QuantumForward",
    "ReconstructionLoss",
    "RowByRowForward",
    "ScaleRows",
    "ShiftImages",
    "ShortcutEncoder",
    "ShortcutForward",
    "StackedLinear",
    "StackedLoss",
    "StackedNoise",
    "TensorBatches",
    "TurnImages",
    "conv_decoder",
    "conv_encoder",
    "dense_layers",
    "in_blocks",
    "in_tiles",
    "log_exposure",
    "nearest_edges",
    "threads_for",
]
