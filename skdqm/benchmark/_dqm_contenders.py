"""Who competes over lumisections: tests of a reference, and what learns shapes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from importlib.metadata import version
from typing import Any

from sklearn.decomposition import NMF, PCA
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import make_pipeline

from skdqm import __version__
from skdqm.benchmark._dqm_residuals import CellPullDetector, Refitted, ResidualDetector
from skdqm.detectors import (
    AutoencoderDetector,
    ConvAutoencoderDetector,
    HistogramDetector,
    ReferenceDetector,
)
from skdqm.exceptions import UsageError
from skdqm.monitoring import ElementsDetector, MinimumEntries, PersistenceDetector
from skdqm.preprocessing import HistogramNormalizer

Make = Callable[[int], Any]

TESTS = (
    "max_pull",
    "chi2",
    "kolmogorov_smirnov",
    "beta_binomial",
    "modified_chi2",
    "pca",
    "nmf",
)
REFERENCES = ("fit", "rolling", "last-good-run", "k-nearest-runs")
# A detector that is fitted once and learns no more.
STATIC = "static"
# As many shapes as ReferenceDetector's projections have.
N_SHAPES = 3
LARGEST_PULL = "/pull"
SETTINGS_OF_ONE_CELL: dict[str, Any] = {"scaling": "pixel", "smoothing": 0.0}


@dataclass(frozen=True)
class Watcher:
    """A detector under the name it competes by.

    Attributes
    ----------
    name : str
        ``detector/reference`` over runs, and the bare name of the detector over maps.
    make : callable
        Makes it of a seed.
    learns : bool
        Whether it learns good lumisections of runs that are over.
    seeded : bool
        Whether seeds matter.
    own_score : bool
        Over maps: whether the score of the detector inside counts, not its largest pull.
    """

    name: str
    make: Make
    learns: bool = True
    seeded: bool = False
    own_score: bool = False

    @property
    def package(self) -> str:
        """Who made it."""
        foreign = self.name.startswith("isolation-forest") or "residual" in self.name
        return f"scikit-learn {version('scikit-learn')}" if foreign else f"skdqm {__version__}"

    def definition(self) -> dict[str, Any]:
        """Describe what competes, so that results of another definition are told apart.

        Returns
        -------
        definition : dict
            Name, package with its version, and parameters, as JSON can hold them.
        """
        parameters = {name: _plain(each) for name, each in self.make(0).get_params().items()}
        return {
            "contender": self.name,
            "package": self.package,
            "parameters": dict(sorted(parameters.items())) | {"learns": self.learns},
        }


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return type(value).__qualname__


def _reference(test: str, reference: str, _seed: int) -> Any:
    return ReferenceDetector(test=test, reference=reference)


def _by_area(detector: Any) -> Any:
    return make_pipeline(HistogramNormalizer(), detector)


def _residual(kind: type, seed: int) -> Any:
    # Sums of squares of shares are tiny: NMF would stop at its first step by its usual tolerance.
    more = {"init": "nndsvda", "tol": 1e-6, "max_iter": 2000} if kind is NMF else {}
    model = kind(n_components=N_SHAPES, random_state=seed, **more)
    return _by_area(Refitted(ResidualDetector(model)))


def _forest(seed: int) -> Any:
    return _by_area(Refitted(IsolationForest(random_state=seed)))


def _dense(seed: int) -> Any:
    return _by_area(AutoencoderDetector(random_state=seed))


def _dense_poisson(seed: int) -> Any:
    return AutoencoderDetector(loss="poisson", exposure="total", random_state=seed)


def _histogram(_seed: int) -> Any:
    return _by_area(HistogramDetector())


def over_runs() -> list[Watcher]:
    """Return who competes run by run.

    Returns
    -------
    watchers : list of Watcher
        Each test with each reference and with a static one, then each of the others learning run
        by run ("fit") and static. Those of shapes see histograms of unit area, tests and
        ``autoencoder-poisson`` see counts.
    """
    found = []
    for test in TESTS:
        found += [
            Watcher(f"{test}/{reference}", partial(_reference, test, reference))
            for reference in REFERENCES
        ]
        found.append(Watcher(f"{test}/{STATIC}", partial(_reference, test, "fit"), learns=False))
    others: dict[str, tuple[Make, bool]] = {
        "pca-residual": (partial(_residual, PCA), False),
        "nmf-residual": (partial(_residual, NMF), False),
        "histogram": (_histogram, False),
        "isolation-forest": (_forest, True),
        "autoencoder-mse": (_dense, True),
        "autoencoder-poisson": (_dense_poisson, True),
    }
    for name, (make, seeded) in others.items():
        found.append(Watcher(f"{name}/fit", make, seeded=seeded))
        found.append(Watcher(f"{name}/{STATIC}", make, learns=False, seeded=seeded))
    return found


def over_maps(shape: Sequence[int]) -> list[Watcher]:
    """Return who looks for single faulty cells of maps.

    Parameters
    ----------
    shape : pair of int
        Number of cells along each axis.

    Returns
    -------
    watchers : list of Watcher
        A network twice: with its own score, and with its largest pull, where its name ends in
        ``/pull``.
    """
    sides = (1, *shape)

    def conv(seed: int, **more: Any) -> Any:
        settings = {"image_shape": sides, "random_state": seed, **SETTINGS_OF_ONE_CELL}
        return ConvAutoencoderDetector(**settings, **more)

    networks: dict[str, Make] = {
        "dense-mse": _dense,
        "dense-poisson": _dense_poisson,
        "conv-mse": lambda seed: _by_area(conv(seed)),
        "conv-poisson": partial(conv, loss="poisson", exposure="total"),
    }
    found = [
        Watcher("cell-pull", lambda _: _persistent(CellPullDetector(), 1)),
        Watcher("reference", lambda _: _persistent(ReferenceDetector(), 1)),
        Watcher("persistence-6", lambda _: _persistent(ReferenceDetector(), 6)),
    ]
    for name, make in networks.items():
        # The largest pull is what a memory of one map makes of a detector.
        wrapped = partial(_wrapped, make)
        found.append(Watcher(name, wrapped, seeded=True, own_score=True))
        found.append(Watcher(name + LARGEST_PULL, wrapped, seeded=True))
    return found


def _persistent(detector: Any, persistence: int) -> Any:
    return PersistenceDetector(detector, persistence=persistence, random_state=0)


def _wrapped(make: Make, seed: int) -> Any:
    return _persistent(make(seed), 1)


def gated(detector: Any, n_elements: int, min_entries: float) -> Any:
    """Let a detector abstain where there is too little data, and judge each element apart.

    Parameters
    ----------
    detector : object
        The detector of one histogram.
    n_elements : int
        How many monitoring elements rows hold.
    min_entries : float
        Entries that a verdict needs.

    Returns
    -------
    detector : object
        Not fitted.
    """
    gate = MinimumEntries(detector, min_entries=min_entries, random_state=0)
    return gate if n_elements == 1 else ElementsDetector(gate, random_state=0)


def chosen(watchers: Sequence[Watcher], patterns: Sequence[str] | None) -> list[Watcher]:
    """Choose by names.

    Parameters
    ----------
    watchers : sequence of Watcher
        All there are.
    patterns : sequence of str or None
        Names, detectors (what stands before the stroke), or patterns such as ``*/static``; None
        chooses all.

    Returns
    -------
    watchers : list of Watcher
        In their order.

    Raises
    ------
    UsageError
        When a pattern fits none.
    """
    if patterns is None:
        return list(watchers)
    for pattern in patterns:
        if not any(_fits(each, pattern) for each in watchers):
            heads = dict.fromkeys(each.name.partition("/")[0] for each in watchers)
            raise UsageError(
                f"no detector is called {pattern!r}; there are {', '.join(heads)}, each with a "
                "reference behind it, such as max_pull/rolling, or a pattern such as */static"
            )
    found = [each for each in watchers if any(_fits(each, pattern) for pattern in patterns)]
    if not found:
        raise UsageError("found no detectors; name one at least, such as max_pull")
    return found


def _fits(watcher: Watcher, pattern: str) -> bool:
    head = watcher.name.partition("/")[0]
    return fnmatchcase(watcher.name, pattern) or head == pattern
