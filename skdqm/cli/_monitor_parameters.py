"""``--set`` for a ContinualDetector: its parts by words, and their parameters behind ``__``."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from inspect import signature
from typing import Any

from skdqm.exceptions import UsageError

CONTINUAL = "continual"
# What parts may be called, and their classes by their names in the registry.
WORDS: dict[str, dict[str, str]] = {
    "gate": {"guarded": "GuardedGate", "open": "OpenGate", "threshold": "ThresholdGate"},
    "memory": {
        "balanced": "BalancedMemory",
        "fading": "FadingMemory",
        "reservoir": "ReservoirMemory",
        "window": "WindowMemory",
    },
    "threshold": {
        "adaptive": "ACIThreshold",
        "conformal": "ConformalThreshold",
        "fixed": "FixedThreshold",
    },
}
PARTS = ("strategy", "detector", "gate", "memory", "threshold", "drift")
# Columns that say where a row comes from; written here, because a look at the help loads no numpy.
RUN, LUMISECTION = "run", "lumisection"
KEYS = (RUN, LUMISECTION)


def is_continual(detector: object) -> bool:
    """Tell whether a detector goes on learning from a stream."""
    from skdqm.continual import ContinualDetector

    return isinstance(detector, ContinualDetector)


def without_keys(columns: Sequence[str]) -> list[str] | None:
    """Return the columns but run and lumisection; None if there are no such."""
    left = [name for name in columns if name not in KEYS]
    return left if len(left) < len(columns) else None


def is_of_part(name: str) -> bool:
    """Tell whether a parameter is one of a part, as ``gate__patience`` is."""
    part, separator, _ = name.partition("__")
    return bool(separator) and part in PARTS


def nested_names(name: str) -> list[str]:
    """Return the parameters that ``--set`` takes for a detector besides those of its class."""
    if name != CONTINUAL:
        return []
    made = {part: _default(part, {}) for part in PARTS}
    return [f"{part}__{each}" for part, value in made.items() for each in _known(value)]


def with_parts(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Turn words into parts, and give the parts their own parameters.

    Parameters
    ----------
    parameters : mapping
        As in ``{"detector": "vae", "detector__max_epochs": 5, "gate__patience": 500}``.

    Returns
    -------
    parameters : dict
        Those of the constructor.
    """
    found = {name: value for name, value in parameters.items() if "__" not in name}
    nested: dict[str, dict[str, Any]] = {}
    for name, value in parameters.items():
        part, separator, inner = name.partition("__")
        if separator:
            nested.setdefault(part, {})[inner] = value
    for part in PARTS:
        asked, inner_values = found.get(part), nested.get(part, {})
        if asked is None and not inner_values:
            continue
        made = _default(part, found) if asked is None else _named(part, asked)
        _set(made, part, inner_values)
        found[part] = _scaled(made) if part == "detector" and asked is not None else made
    return found


def _named(part: str, word: Any) -> Any:
    """Return the part that a word stands for."""
    from skdqm.continual._parts import STRATEGIES
    from skdqm.registry import class_of, detector_class, detector_names

    if part == "detector":
        _check_word(part, word, [name for name in detector_names() if name != CONTINUAL])
        return detector_class(word)()
    if part == "strategy":
        _check_word(part, word, STRATEGIES)
        return STRATEGIES[word]()
    if part == "drift":
        raise UsageError("--set drift: it has no words; set its parameters, as in drift__shift=0.5")
    _check_word(part, word, WORDS[part])
    return class_of(WORDS[part][word])()


def _check_word(part: str, word: Any, known: Any) -> None:
    if not isinstance(word, str) or word not in known:
        raise UsageError(
            f"--set {part}={word}: there is no such {part}; expected one of {', '.join(known)}"
        )


def _default(part: str, found: Mapping[str, Any]) -> Any:
    """Return what the detector takes where nothing is asked for."""
    from skdqm.continual import ContinualDetector
    from skdqm.continual._parts import DEFAULTS, STRATEGIES

    if part == "detector":
        return ContinualDetector()._asked_detector()  # noqa: SLF001 (its default, None)
    if part in DEFAULTS:
        return DEFAULTS[part]()
    # Parts are made in an order in which the strategy comes first.
    asked = found.get("strategy")
    strategy = STRATEGIES["pool"]() if asked is None else asked
    if part == "strategy":
        return strategy
    return strategy.default_gate() if part == "gate" else strategy.default_memory()


def _set(made: Any, part: str, values: Mapping[str, Any]) -> None:
    known = _known(made)
    for name in values:
        if name not in known:
            close = get_close_matches(name, known)
            hint = f"did you mean {part}__{close[0]}? " if close else ""
            takes = ", ".join(f"{part}__{each}" for each in sorted(known)) or "none"
            other = f"; choose another by --set {part}=WORD" if part in WORDS else ""
            raise UsageError(
                f"--set {part}__{name}: {type(made).__name__} has no such parameter; "
                f"{hint}It takes {takes}{other}"
            )
    made.set_params(**values)


def _known(made: Any) -> list[str]:
    from skdqm.cli._parameters import RESERVED

    return [name for name in signature(type(made)).parameters if name not in RESERVED]


def _scaled(detector: Any) -> Any:
    """Put a scaler before a detector that does not take counts, as train does for one alone."""
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    if getattr(detector, "takes_counts", False):
        return detector
    return Pipeline([("scaler", StandardScaler()), ("detector", detector)])
