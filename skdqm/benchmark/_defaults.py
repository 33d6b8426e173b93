"""Who competes where nobody is named."""

from skdqm.registry import detector_names

# What takes any table, as far as this version has it, and PyOD's that finish in their time.
OURS = ("auto", "ensemble", "neighbors", "histogram", "autoencoder", "vae", "contrastive")
THEIRS = ("KNN", "LOF", "IForest", "ECOD", "COPOD", "HBOS", "PCA", "AutoEncoder", "VAE")


def default_contenders() -> list[str]:
    """Return the detectors that take any table, and PyOD's.

    Returns
    -------
    names : list of str
        For :func:`skdqm.benchmark._contenders.contender`.
    """
    known = detector_names()
    return [name for name in OURS if name in known] + [f"pyod:{name}" for name in THEIRS]
