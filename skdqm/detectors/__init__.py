"""The detectors, one file per method; models of PyOD and river among them, and both ways back."""

from skdqm.detectors._as_pyod import as_pyod
from skdqm.detectors._as_river import RiverAnomalyDetector
from skdqm.detectors._autoencoder import AutoencoderDetector
from skdqm.detectors._contrastive import ContrastiveDetector
from skdqm.detectors._convolutional import ConvAutoencoderDetector
from skdqm.detectors._convolutional_vae import ConvVAEDetector
from skdqm.detectors._graph import GraphAutoencoderDetector
from skdqm.detectors._histogram import HistogramDetector
from skdqm.detectors._neighbors import NeighborsDetector
from skdqm.detectors._pyod import PyODDetector
from skdqm.detectors._quantum import QuantumAutoencoderDetector
from skdqm.detectors._reference import ReferenceDetector
from skdqm.detectors._river import RiverDetector
from skdqm.detectors._training import Checkpoint
from skdqm.detectors._variational import VAEDetector

__all__ = [
    "AutoencoderDetector",
    "Checkpoint",
    "ContrastiveDetector",
    "ConvAutoencoderDetector",
    "ConvVAEDetector",
    "GraphAutoencoderDetector",
    "HistogramDetector",
    "NeighborsDetector",
    "PyODDetector",
    "QuantumAutoencoderDetector",
    "ReferenceDetector",
    "RiverAnomalyDetector",
    "RiverDetector",
    "VAEDetector",
    "as_pyod",
]
