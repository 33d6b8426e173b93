"""Who competes over tables where nobody is named."""

from skdqm.benchmark._contenders import PYOD

# Every detector of tables but those that only lead to others (PyOD's by another name) or simulate a
# quantum computer.
OURS = ("auto", "ensemble", "neighbors", "histogram", "autoencoder", "vae", "contrastive")
# Their counterparts and the usual references, as far as they finish in their time.
THEIRS = ("KNN", "LOF", "IForest", "ECOD", "COPOD", "HBOS", "PCA", "AutoEncoder", "VAE")
DEFAULT_CONTENDERS = (*OURS, *(PYOD + name for name in THEIRS))
