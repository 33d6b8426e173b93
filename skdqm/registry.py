"""Short names of the classes that the command line offers and that a model file may hold.

A model file names its classes by these names alone, never by an import path. Packages add their
own detectors under the entry-point group ``skdqm.detectors``.
"""

from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from skdqm.exceptions import UsageError

__all__ = [
    "DETECTORS_GROUP",
    "class_of",
    "detector_class",
    "detector_names",
    "detector_path",
    "name_of",
]

DETECTORS_GROUP = "skdqm.detectors"

_DETECTORS = {
    "adaptive_threshold": "skdqm.streaming:AdaptiveThreshold",
    "auto": "skdqm.ensemble:AutoDetector",
    "autoencoder": "skdqm.detectors:AutoencoderDetector",
    "continual": "skdqm.continual:ContinualDetector",
    "contrastive": "skdqm.detectors:ContrastiveDetector",
    "convolutional": "skdqm.detectors:ConvAutoencoderDetector",
    "convolutional_vae": "skdqm.detectors:ConvVAEDetector",
    "elements": "skdqm.monitoring:ElementsDetector",
    "ensemble": "skdqm.ensemble:EnsembleDetector",
    "graph": "skdqm.detectors:GraphAutoencoderDetector",
    "histogram": "skdqm.detectors:HistogramDetector",
    "minimum_entries": "skdqm.monitoring:MinimumEntries",
    "neighbors": "skdqm.detectors:NeighborsDetector",
    "persistence": "skdqm.monitoring:PersistenceDetector",
    "pyod": "skdqm.detectors:PyODDetector",
    "quantum": "skdqm.detectors:QuantumAutoencoderDetector",
    "reference": "skdqm.detectors:ReferenceDetector",
    "river": "skdqm.detectors:RiverDetector",
    "vae": "skdqm.detectors:VAEDetector",
}
_SKLEARN = {
    "sklearn.compose": ["ColumnTransformer"],
    "sklearn.decomposition": ["PCA", "TruncatedSVD"],
    "sklearn.feature_selection": ["VarianceThreshold"],
    "sklearn.impute": ["SimpleImputer"],
    "sklearn.pipeline": ["FeatureUnion", "Pipeline"],
    "sklearn.preprocessing": [
        "Binarizer",
        "FunctionTransformer",
        "MaxAbsScaler",
        "MinMaxScaler",
        "Normalizer",
        "PolynomialFeatures",
        "PowerTransformer",
        "QuantileTransformer",
        "RobustScaler",
        "StandardScaler",
    ],
}
_TRANSFORMERS = {
    **{
        name: f"skdqm.preprocessing:{name}"
        for name in (
            "ChannelMask",
            "HistogramNormalizer",
            "JetClusterer",
            "JetConstituents",
            "JetFeatures",
            "JetImages",
            "LumisectionSum",
            "NormalScores",
            "OccupancyCorrection",
            "OrientedGradients",
        )
    },
    **{name: f"{module}:{name}" for module, names in _SKLEARN.items() for name in names},
}
# The parts of a ContinualDetector.
_CONTINUAL = (
    "ACIThreshold",
    "BalancedMemory",
    "ConformalThreshold",
    "DistillationStrategy",
    "EWCStrategy",
    "FadingMemory",
    "FixedThreshold",
    "GuardedGate",
    "NaiveStrategy",
    "OpenGate",
    "PoolStrategy",
    "RefitStrategy",
    "ReplayStrategy",
    "ReservoirMemory",
    "StaticStrategy",
    "ThresholdGate",
    "WindowMemory",
)
# The strategies of an AdaptiveThreshold.
_STREAMING = ("AdaptiveConformal", "PeaksOverThreshold", "RollingQuantile")
# What detectors are made of: outlier detectors of other packages, and what they are made of.
_SKLEARN_MEMBERS = {
    "sklearn.cluster": ["KMeans"],
    "sklearn.covariance": ["EllipticEnvelope", "MinCovDet"],
    "sklearn.ensemble": ["IsolationForest"],
    "sklearn.kernel_approximation": ["Nystroem"],
    "sklearn.linear_model": ["SGDOneClassSVM"],
    "sklearn.mixture": ["GaussianMixture"],
    "sklearn.neighbors": ["KernelDensity", "LocalOutlierFactor", "NearestNeighbors"],
    "sklearn.svm": ["OneClassSVM"],
    "sklearn.tree": ["ExtraTreeRegressor"],
}
# Some of them have the name of a class of scikit-learn.
_PYOD_PREFIX = "pyod."
_PYOD_MEMBERS = (
    "CBLOF",
    "COPOD",
    "ECOD",
    "GMM",
    "HBOS",
    "IForest",
    "INNE",
    "KDE",
    "KNN",
    "LODA",
    "LOF",
    "MCD",
    "OCSVM",
    "PCA",
    "Sampling",
)
# Drift detectors of river, by their settings alone, and models of rows with what they have learned.
_RIVER_PREFIX = "river."
_RIVER = {
    "river.anomaly": ["HalfSpaceTrees", "LODA", "LocalOutlierFactor", "OneClassSVM"],
    "river.compose": ["Pipeline"],
    "river.drift": ["ADWIN", "KSWIN", "PageHinkley"],
    "river.drift.binary": ["DDM", "EDDM", "FHDDM", "HDDMA", "HDDMW", "HDDM_A", "HDDM_W"],
    "river.preprocessing": ["MinMaxScaler", "StandardScaler"],
}
_PARTS = {
    **_TRANSFORMERS,
    **{name: f"skdqm.continual:{name}" for name in _CONTINUAL},
    **{name: f"skdqm.streaming:{name}" for name in _STREAMING},
    "DriftMonitor": "skdqm.drift:DriftMonitor",
    **{name: f"{module}:{name}" for module, names in _SKLEARN_MEMBERS.items() for name in names},
    **{
        f"{_RIVER_PREFIX}{name}": f"{module}:{name}"
        for module, names in _RIVER.items()
        for name in names
    },
    **{f"{_PYOD_PREFIX}{name}": f"pyod.models.{name.lower()}:{name}" for name in _PYOD_MEMBERS},
}


def _detectors() -> dict[str, EntryPoint]:
    own = {name: EntryPoint(name, path, DETECTORS_GROUP) for name, path in _DETECTORS.items()}
    others = {point.name: point for point in entry_points(group=DETECTORS_GROUP)}
    return {**others, **own}


def detector_names() -> list[str]:
    """Return the names of all detectors, built in or added by other packages.

    Returns
    -------
    names : list of str
        In alphabetical order.

    Examples
    --------
    >>> from skdqm.registry import detector_names
    >>> "vae" in detector_names()
    True
    """
    return sorted(_detectors())


def detector_path(name: str) -> str:
    """Return where the class of a detector is imported from, without importing it.

    Parameters
    ----------
    name : str
        One of :func:`detector_names`.

    Returns
    -------
    path : str
        The module and the class, with dots.

    Raises
    ------
    UsageError
        When there is no such detector.

    Examples
    --------
    >>> from skdqm.registry import detector_path
    >>> detector_path("vae")
    'skdqm.detectors.VAEDetector'
    """
    return _detector(name).value.replace(":", ".")


def detector_class(name: str) -> Any:
    """Return the class of a detector.

    Parameters
    ----------
    name : str
        One of :func:`detector_names`.

    Returns
    -------
    detector_class : type
        The class.

    Raises
    ------
    UsageError
        When there is no detector of that name.

    Examples
    --------
    >>> from skdqm.registry import detector_class
    >>> detector_class("vae")
    <class 'skdqm.detectors._variational.VAEDetector'>
    """
    return _detector(name).load()


def _detector(name: str) -> EntryPoint:
    found = _detectors().get(name)
    if found is None:
        raise UsageError(
            f"no detector is called {name!r}; there are {', '.join(detector_names())}{_hint(name)}"
        )
    return found


def _hint(name: str) -> str:
    """Say which name was meant: by a slip of the finger, or by the name of a class."""
    found = _detectors().items()
    classes = {point.value.rpartition(":")[2].casefold(): short for short, point in found}
    near = get_close_matches(name.casefold(), [*classes, *detector_names()], 1, 0.66)
    return f"; did you mean {classes.get(near[0], near[0])!r}?" if near else ""


def class_of(name: str) -> Any:
    """Return the class that a model file calls `name`: a detector, a transformer or a part.

    Parameters
    ----------
    name : str
        A detector's short name, or the class name of a transformer or of what detectors are
        made of; models of PyOD as in ``"pyod.KNN"``.

    Returns
    -------
    found_class : type
        The class.

    Raises
    ------
    UsageError
        When nothing of that name may stand in a model file.

    Examples
    --------
    >>> from skdqm.registry import class_of
    >>> class_of("StandardScaler")
    <class 'sklearn.preprocessing._data.StandardScaler'>
    """
    if name in _PARTS:
        return EntryPoint(name, _PARTS[name], "skdqm.parts").load()
    return detector_class(name)


def name_of(estimator: object) -> str:
    """Return the name under which a model file holds an estimator.

    Parameters
    ----------
    estimator : object
        A detector, a transformer or what detectors are made of.

    Returns
    -------
    name : str
        What :func:`class_of` takes.

    Raises
    ------
    UsageError
        When the class of `estimator` is not registered.

    Examples
    --------
    >>> from skdqm.detectors import VAEDetector
    >>> from skdqm.registry import name_of
    >>> name_of(VAEDetector())
    'vae'
    """
    cls = type(estimator)
    for prefix in ("", _PYOD_PREFIX, _RIVER_PREFIX):
        name = prefix + cls.__name__
        if name in _PARTS and class_of(name) is cls:
            return name
    for name, point in _detectors().items():
        if point.attr == cls.__qualname__ and point.load() is cls:
            return name
    raise UsageError(
        f"{cls.__module__}.{cls.__qualname__} cannot be saved: a model file holds registered "
        "detectors, and those classes of scikit-learn, PyOD and river that skdqm.registry lists; "
        "pickle keeps it, for readers who trust its writer"
    )
