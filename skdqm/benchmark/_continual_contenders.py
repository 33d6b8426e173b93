"""Who follows a stream: strategies of a ContinualDetector, an oracle, and the baseline to beat."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from skdqm import __version__
from skdqm.benchmark._continual_followers import (
    ALARM_RATE,
    Alone,
    Asking,
    Oracle,
    Rolling,
    Tagged,
    Watched,
)
from skdqm.continual import PoolStrategy, ReplayStrategy
from skdqm.exceptions import UsageError
from skdqm.registry import detector_class, detector_names

ROLLING = "rolling-mahalanobis"
DEFAULT = "default"
# The usual ones first, then those that are only there when asked for.
STRATEGIES = ("static", "naive", "replay", "refit")
USUAL = (DEFAULT, *STRATEGIES, "oracle", ROLLING)
KNOWN = (*USUAL, "tagged", "shifter", "ewc", "distillation")
# Pools of experts, and what they are told.
POOLS: dict[str, type[Alone]] = {
    DEFAULT: Alone,
    "oracle": Oracle,
    "tagged": Tagged,
    "shifter": Asking,
}


@dataclass(frozen=True)
class Entrant:
    """A follower under the name it competes by.

    Attributes
    ----------
    name : str
        The strategy, and behind a stroke the detector inside, if it is not the default.
    make : callable
        Makes it of a seed.
    """

    name: str
    make: Callable[[int], Any]

    def definition(self) -> dict[str, Any]:
        """Describe what competes, so that results of another definition are told apart.

        Returns
        -------
        definition : dict
            Name, package with its version, and parameters, as JSON can hold them.
        """
        made = self.make(0).detector
        parameters = made.get_params(deep=False) if hasattr(made, "get_params") else vars(made)
        shown = {key: " ".join(repr(value).split()) for key, value in sorted(parameters.items())}
        shown.pop("random_state", None)
        return {
            "contender": self.name,
            "package": f"skdqm {__version__}",
            "parameters": shown,
        }


def _going(strategy: str, inner: str, passes: int, seed: int) -> Alone:
    made: Any = strategy
    if strategy == "replay":
        made = ReplayStrategy(n_passes=passes)
    elif strategy in POOLS:
        made = PoolStrategy(n_passes=passes)
    # Seeds of detectors inside come from the one of the outer detector.
    detector = None if inner == DEFAULT else detector_class(inner)()
    watched = Watched(detector, strategy=made, random_state=seed, contamination=ALARM_RATE)
    return POOLS.get(strategy, Alone)(watched)


def entrants(
    names: Sequence[str] | None, inner: Sequence[str] | None, passes: int = 1
) -> list[Entrant]:
    """Choose who competes.

    Parameters
    ----------
    names : sequence of str or None
        Of ``KNOWN``; None: the usual ones.
    inner : sequence of str or None
        Detectors inside: names of the registry, or ``"default"``, which None means too.
    passes : int
        Times that an update goes over its rows.

    Returns
    -------
    entrants : list of Entrant
        Each strategy with each detector; the baseline has none, and comes once.

    Raises
    ------
    UsageError
        When there is no such name.
    """
    chosen, inside = tuple(names or USUAL), tuple(inner or (DEFAULT,))
    _check("contender", chosen, KNOWN)
    _check("detector", inside, (DEFAULT, *detector_names()))
    found = []
    for detector in inside:
        for name in chosen:
            if name != ROLLING:
                make = partial(_going, name, detector, passes)
                found.append(Entrant(_named(name, detector, passes), make))
    if ROLLING in chosen:
        found.append(Entrant(ROLLING, lambda _: Rolling()))
    return found


def _named(name: str, detector: str, passes: int) -> str:
    behind = "" if detector == DEFAULT else f"/{detector}"
    more = f"x{passes}" if passes > 1 and name in {*POOLS, "replay"} else ""
    return f"{name}{behind}{more}"


def _check(what: str, given: Sequence[str], known: Sequence[str]) -> None:
    for name in given:
        if name not in known:
            raise UsageError(f"no {what} is called {name!r}; there are {', '.join(known)}")
    repeated = [name for name in given if given.count(name) > 1]
    if repeated:
        raise UsageError(f"the {what} {repeated[0]!r} is named twice; name it once")
