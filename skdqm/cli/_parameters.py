"""``--set name=value``: parameters of a detector from the command line."""

import ast
import re
from collections.abc import Sequence
from difflib import get_close_matches
from inspect import signature
from typing import Any

from skdqm.cli._monitor_parameters import CONTINUAL, is_of_part, nested_names, with_parts
from skdqm.exceptions import UsageError
from skdqm.registry import detector_class

# Set by options of their own, or by the training command itself.
RESERVED = ("callbacks", "random_state", "verbose", "warm_start")


def make_detector(name: str, settings: Sequence[str], *, seed: int, verbose: bool) -> Any:
    """Return an unfitted detector by its short name.

    Parameters
    ----------
    name : str
        What the registry calls it.
    settings : sequence of str
        Parameters, as ``"latent_dim=4"``; those of the parts of a continual detector as
        ``"gate__patience=500"``.
    seed : int
        Seed of a detector that takes one.
    verbose : bool
        Whether a detector that can should show its progress.

    Returns
    -------
    detector : BaseDetector
        The detector.

    Raises
    ------
    UsageError
        When there is no such detector or parameter.
    """
    cls = detector_class(name)
    known = [parameter for parameter in signature(cls).parameters if parameter != "self"]
    given = dict(_parsed(setting, name, known) for setting in settings)
    parameters = with_parts(given) if name == CONTINUAL else given
    extra = {"random_state": seed, "verbose": int(verbose)}
    made = cls(**parameters, **{key: value for key, value in extra.items() if key in known})
    _check_values(made, parameters)
    for part, value in parameters.items():
        _check_values(value, given, f"{part}__")
    return made


def _check_values(detector: Any, parameters: dict[str, Any], prefix: str = "") -> None:
    """Let the detector judge its parameters now: reading a large file first would take a while."""
    # Of a Pipeline the last step: the others were not asked for.
    last = detector.steps[-1][1] if hasattr(detector, "steps") else detector
    judge = getattr(last, "_validate_params", None)
    try:
        if judge is not None:
            judge()
    except ValueError as error:
        found = re.match(r"The '(\w+)' parameter of \w+ ", str(error))
        name = prefix + (found[1] if found else "")
        said = str(error)[found.end() :] if found else str(error)
        raise UsageError(f"--set {name}: {said}{_hint(name, parameters.get(name))}") from error


def _hint(name: str, value: object) -> str:
    is_layers = name.rpartition("__")[2].startswith("hidden_")
    return f" For one layer write ({value},)" if is_layers and isinstance(value, int) else ""


def _parsed(setting: str, detector: str, known: Sequence[str]) -> tuple[str, Any]:
    name, equals, text = setting.partition("=")
    name = name.strip()
    if not equals or not name:
        raise UsageError(f"--set {setting}: expected NAME=VALUE, for example --set max_epochs=20")
    _check_name(name, detector, [each for each in known if each not in RESERVED])
    return name, _value(text.strip())


def _check_name(name: str, detector: str, known: Sequence[str]) -> None:
    # Parts judge what is meant for them when they are made.
    if name in known or (detector == CONTINUAL and is_of_part(name)):
        return
    nested = {each.rpartition("__")[2]: each for each in nested_names(detector)}
    close = [nested[name]] if name in nested else get_close_matches(name, known)
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    raise UsageError(
        f"--set {name}: the detector {detector} has no such parameter; "
        f"{hint}It takes {', '.join(sorted(known))}"
    )


def _value(text: str) -> Any:
    """Return a Python literal, or the text itself: ``4``, ``(64, 32)``, ``None``, ``huber``."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
