"""Deep and statistical anomaly detectors for data quality monitoring, as scikit-learn estimators.

==========================  ==========================================================
Subpackage                  What it holds
==========================  ==========================================================
:mod:`skdqm.detectors`      the estimators: autoencoders, contrastive, neighbours, PyOD ...
:mod:`skdqm.ensemble`       ensembles of any detectors, and a blend to begin with
:mod:`skdqm.base`           ``BaseDetector``: the contract that every detector keeps
:mod:`skdqm.registry`       short names of detectors and of transformers that can be saved
:mod:`skdqm.persistence`    ``save`` and ``load`` of a detector or a Pipeline, as data
:mod:`skdqm.io`             readers of HDF5, CSV, Parquet and NumPy files, whole or in batches
:mod:`skdqm.preprocessing`  physics features, images, ranks
:mod:`skdqm.datasets`       seeded generators and public data
:mod:`skdqm.metrics`        figures of merit of high-energy physics, scorers
:mod:`skdqm.benchmark`      honest comparisons with PyOD
:mod:`skdqm.exceptions`     errors and warnings
==========================  ==========================================================

Importing :mod:`skdqm` itself loads none of them.
"""

__version__ = "0.1.0"
