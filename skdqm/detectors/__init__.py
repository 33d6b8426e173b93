"""The detectors, one file per method."""

from skdqm.detectors._autoencoder import AutoencoderDetector
from skdqm.detectors._contrastive import ContrastiveDetector
from skdqm.detectors._convolutional import ConvAutoencoderDetector
from skdqm.detectors._convolutional_vae import ConvVAEDetector
from skdqm.detectors._graph import GraphAutoencoderDetector
from skdqm.detectors._quantum import QuantumAutoencoderDetector
from skdqm.detectors._training import Checkpoint
from skdqm.detectors._variational import VAEDetector

__all__ = [
    "AutoencoderDetector",
    "Checkpoint",
    "ContrastiveDetector",
    "ConvAutoencoderDetector",
    "ConvVAEDetector",
    "GraphAutoencoderDetector",
    "QuantumAutoencoderDetector",
    "VAEDetector",
]
