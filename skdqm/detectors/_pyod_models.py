"""What is known of PyOD's models: where they are, how each scores rows one by one, which cannot."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdqm.detectors._contain import contained, seed_everything
from skdqm.detectors._pyod_tails import Columns, copod, ecod
from skdqm.exceptions import MissingDependencyError, UsageError
from skdqm.nn import in_blocks

Rows = NDArray[np.float64]
Way = Callable[[Any, Rows], Rows]
PACKAGE = "pyod.models."
BLOCK_ROWS = 256
# LSCP compares every row with its region in a loop: a row alone should not wait for many.
FEW_ROWS = 16


def as_is(model: Any, X: Rows) -> Rows:
    """Score a whole table: the model takes each row by itself."""
    return np.asarray(model.decision_function(X), dtype=np.float64).ravel()


def blocks(model: Any, X: Rows) -> Rows:
    """Score always as many rows at once: matrix products round differently for others."""
    return in_blocks(lambda block: as_is(model, block), X, BLOCK_ROWS)


def network(model: Any, X: Rows) -> Rows:
    """Score in blocks that the model takes in one batch: in a smaller one places round apart."""
    model = copy(model)
    model.batch_size = BLOCK_ROWS
    return blocks(model, X)


def alone(model: Any, X: Rows) -> Rows:
    """Score row by row, each with the same random numbers."""
    return in_blocks(lambda row: _from_the_start(model, row), X, 1)


def unless_brute(search: str) -> Way:
    """Score a table as it is if a tree finds the neighbours, in blocks if a matrix product does."""

    def way(model: Any, X: Rows) -> Rows:
        with_tree = getattr(model, search)._fit_method != "brute"  # noqa: SLF001
        return (as_is if with_tree else blocks)(model, X)

    return way


def members(attribute: str, block_rows: int) -> Way:
    """Score a model of models in blocks, or row by row where one of them is for that."""

    def way(model: Any, X: Rows) -> Rows:
        classes = {check_model_class(type(each)) for each in getattr(model, attribute)}
        apart = any(way_of(each) in APART for each in classes)
        rows = 1 if apart else block_rows
        return in_blocks(lambda block: _from_the_start(model, block), X, rows)

    return way


def _from_the_start(model: Any, X: Rows) -> Rows:
    """Score with the same random numbers in every call; LSCP keeps a generator that goes on."""
    seed_everything(0)
    if isinstance(getattr(model, "random_state", None), np.random.RandomState):
        model.random_state = np.random.RandomState(0)
    return as_is(model, X)


def ecod_alone(model: Any, X: Rows) -> Rows:
    """Score as ECOD scores a row alone."""
    return ecod(_columns(model), X)


def copod_alone(model: Any, X: Rows) -> Rows:
    """Score as COPOD scores a row alone."""
    return copod(_columns(model), X)


def _columns(model: Any) -> Columns:
    """Return what is remembered of the training rows, and make it once."""
    if not hasattr(model, "columns_"):
        model.columns_ = tuple(Columns.of(model.X_train))
    return Columns(*model.columns_)


# Module, class and way of the models that score rows one by one.
WAYS: dict[str, tuple[str, Way]] = {
    "abod": ("ABOD", as_is),
    "ae1svm": ("AE1SVM", network),
    "alad": ("ALAD", alone),  # leaves dropout on, so that it draws while it scores
    "anogan": ("AnoGAN", as_is),
    "auto_encoder": ("AutoEncoder", network),
    "cblof": ("CBLOF", blocks),
    "copod": ("COPOD", copod_alone),  # joins the batch to the training rows
    "deep_svdd": ("DeepSVDD", network),
    "ecod": ("ECOD", ecod_alone),  # joins the batch to the training rows
    "feature_bagging": ("FeatureBagging", members("estimators_", BLOCK_ROWS)),
    "gmm": ("GMM", blocks),
    "hbos": ("HBOS", as_is),
    "hdbscan": ("HDBSCAN", unless_brute("tree_")),
    "iforest": ("IForest", as_is),
    "inne": ("INNE", blocks),
    "kde": ("KDE", as_is),
    "knn": ("KNN", unless_brute("neigh_")),
    "kpca": ("KPCA", alone),  # its products round by the place in the table
    "loda": ("LODA", blocks),
    "lof": ("LOF", unless_brute("detector_")),
    "lscp": ("LSCP", members("detector_list", FEW_ROWS)),
    "lunar": ("LUNAR", blocks),
    "mad": ("MAD", as_is),
    "mcd": ("MCD", as_is),
    "mo_gaal": ("MO_GAAL", blocks),
    "ocsvm": ("OCSVM", as_is),
    "pca": ("PCA", as_is),
    "qmcd": ("QMCD", as_is),
    "sampling": ("Sampling", as_is),
    "so_gaal": ("SO_GAAL", blocks),
    "so_gaal_new": ("SO_GAAL", network),
    "suod": ("SUOD", members("base_estimators", BLOCK_ROWS)),
    "vae": ("VAE", alone),  # draws a latent vector while it scores
}

# Ways that part the rows: inside a model of models only a row alone does that.
APART = (alone, copod_alone, ecod_alone, network)

AMONG = "scores rows only by the other rows of the same table, never by those it was fitted on"
LABELS = "learns from labels"
REFUSALS = {
    "cd": ("CD", "takes the leverage of a row among the rows scored with it"),
    "cof": ("COF", AMONG),
    "devnet": ("DevNet", LABELS),
    "dif": ("DIF", "standardises every table that it scores by itself"),
    "lmdd": ("LMDD", AMONG),
    "loci": ("LOCI", AMONG),
    "rgraph": ("RGraph", "walks over a graph of the training rows and those scored with them"),
    "rod": ("ROD", "takes the spread of angles in the table that it scores"),
    "sod": ("SOD", AMONG),
    "sos": ("SOS", AMONG),
    "xgbod": ("XGBOD", LABELS),
    "audio_ae": ("AudioAE", "takes sounds, not tables"),
    "embedding": ("EmbeddingOD", "takes texts or images, not tables"),
}
KNOWN: dict[str, tuple[str, Any]] = {**WAYS, **REFUSALS}
# Whole families, by the beginning of their modules' names.
FAMILIES = {"pyg_": "takes graphs, not tables", "ts_": "takes time series, not tables of rows"}


def model_class(name: str) -> Any:
    """Return the class of a model of PyOD by its name.

    Parameters
    ----------
    name : str
        Such as ``"KNN"``; small and capital letters are the same, and underscores do not matter.

    Returns
    -------
    model_class : type
        The class.

    Raises
    ------
    MissingDependencyError
        When a package is missing that the model needs beyond PyOD.
    UsageError
        When PyOD has no such model, or it has no score for a row of a table alone.
    """
    _check_wrappable(_module_of(name))
    return any_model_class(name)


def any_model_class(name: str) -> Any:
    """Return the class of a model of PyOD, also of one that cannot be a detector of single rows.

    Parameters
    ----------
    name : str
        As in :func:`model_class`.

    Returns
    -------
    model_class : type
        The class.

    Raises
    ------
    MissingDependencyError
        When a package is missing that the model needs beyond PyOD.
    UsageError
        When PyOD has no such model.
    """
    module = _module_of(name)
    with contained(), named_dependencies(name):
        return getattr(import_module(PACKAGE + module), KNOWN[module][0])


def _module_of(name: str) -> str:
    for module, (each, _) in KNOWN.items():
        if _key(each) == _key(name):
            return module
    names = sorted({each for each, _ in WAYS.values()})
    raise UsageError(f"PyOD has no model for tables called {name!r}; there are {', '.join(names)}")


def _key(name: str) -> str:
    return name.lower().replace("_", "")


def way_of(model_class: Any) -> Way:
    """Return how a model scores so that no row depends on the others; alone if nothing is known."""
    module = model_class.__module__
    return WAYS.get(module.removeprefix(PACKAGE), ("", alone))[1]


def check_model_class(found: Any) -> Any:
    """Return a class that is a model of PyOD for tables, and refuse any other.

    Parameters
    ----------
    found : type
        The class.

    Returns
    -------
    found : type
        The same.

    Raises
    ------
    UsageError
        When it is not; the message says why.
    """
    from pyod.models.base import BaseDetector

    if not issubclass(found, BaseDetector):
        raise UsageError(
            f"{found.__module__}.{found.__qualname__} is not a model of PyOD: expected a subclass "
            "of pyod.models.base.BaseDetector, with which a high score is abnormal"
        )
    _check_wrappable(found.__module__.removeprefix(PACKAGE))
    return found


def _check_wrappable(module: str) -> None:
    family = next((why for start, why in FAMILIES.items() if module.startswith(start)), None)
    name, why = REFUSALS.get(module, (module, family))
    if why is not None:
        raise UsageError(f"PyOD's {name} {why}, so it cannot be a detector of single rows")


@contextmanager
def named_dependencies(model: str) -> Iterator[None]:
    """Say which package a model of PyOD lacks, and how to get it."""
    try:
        yield
    except ImportError as error:
        package = (error.name or "pyod").partition(".")[0]
        raise MissingDependencyError(
            f"PyOD's {model} needs the package {package!r}, which cannot be imported ({error}); "
            f"install it with: python -m pip install {package}"
        ) from error
