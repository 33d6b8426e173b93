"""Deep and statistical anomaly detectors for data quality monitoring, as scikit-learn estimators.

============================  ============================================================
Subpackage                    What it holds
============================  ============================================================
:mod:`skdqm.detectors`        the estimators: autoencoders, contrastive, neighbours, PyOD, river ...
:mod:`skdqm.ensemble`         ensembles of any detectors, and a blend to begin with
:mod:`skdqm.monitoring`       gates, many histograms at once, faults that stay, alarms
:mod:`skdqm.continual`        detectors that follow a drifting stream, and not its faults
:mod:`skdqm.streaming`        single events, thresholds that follow, workers, sinks, sources
:mod:`skdqm.out_of_core`      training and scoring of files larger than memory
:mod:`skdqm.distributed`      the same on several machines, through Dask
:mod:`skdqm.drift`            monitors of a stream, and tests of two samples
:mod:`skdqm.base`             ``BaseDetector``: the contract that every detector keeps
:mod:`skdqm.registry`         short names of detectors and of transformers that can be saved
:mod:`skdqm.persistence`      ``save`` and ``load`` of a detector or a Pipeline, as data
:mod:`skdqm.io`               readers of HDF5, ROOT, CSV, Parquet and NumPy, whole or in batches
:mod:`skdqm.preprocessing`    physics features, images, ranks, histograms
:mod:`skdqm.statistics`       tests of histograms on plain arrays
:mod:`skdqm.datasets`         seeded generators and public data
:mod:`skdqm.metrics`          figures of merit of high-energy physics, scorers
:mod:`skdqm.model_selection`  splits by run, forward in time
:mod:`skdqm.inspection`       displays: scores, curves, maps, members, streams, drift
:mod:`skdqm.report`           the shifter's page
:mod:`skdqm.benchmark`        honest comparisons with other packages
:mod:`skdqm.exceptions`       errors and warnings
============================  ============================================================

Importing :mod:`skdqm` itself loads none of them.
"""

__version__: str


def __getattr__(name: str) -> str:
    # Looked up when asked for: reading the metadata takes as long as all the rest of this import.
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version

    return version(__name__)
