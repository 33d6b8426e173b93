"""The public names: each one documented, none too many, and cheap to look at."""

import importlib
import inspect
import subprocess
import sys
import tomllib
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import pytest
from numpydoc.docscrape import FunctionDoc
from numpydoc.validate import validate
from sklearn.base import BaseEstimator

from tests import public_api

PACKAGES = public_api.packages()
# Private methods, the events that skorch announces, and torch's forward pass.
CALLED_BY_OTHERS = ("_", "on_", "forward")
SETTINGS = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
NOT_ASKED = set(SETTINGS["tool"]["numpydoc_validation"]["checks"])
PUBLIC = [
    (package, name)
    for package in PACKAGES
    for name in getattr(importlib.import_module(package), "__all__", [])
]


def callables(package: str, name: str) -> list[tuple[str, Any]]:
    """Return a public function, or a class and its own public methods."""
    found = getattr(importlib.import_module(package), name)
    if not inspect.isclass(found):
        return [(name, found)] if inspect.isfunction(found) else []
    if issubclass(found, (Exception, tuple)):
        return []
    methods = [
        (f"{name}.{key}", value)
        for key, value in vars(found).items()
        if inspect.isfunction(value)
        and not key.startswith(CALLED_BY_OTHERS)
        and not is_described_above(found, key)
    ]
    return [(name, found), *methods]


def is_described_above(cls: type, name: str) -> bool:
    """Tell whether a method is one of a base class of ours, and leaves its parameters to that."""
    ours = any(
        name in vars(base) for base in cls.__mro__[1:] if base.__module__.startswith("skdqm")
    )
    return ours and not FunctionDoc(vars(cls)[name])["Parameters"]


@pytest.mark.parametrize("package", PACKAGES)
def test_public_modules_say_what_is_public(package: str) -> None:
    module = importlib.import_module(package)
    assert module.__doc__
    if hasattr(module, "__path__"):
        assert module.__all__ == sorted(module.__all__, key=lambda name: (not name.isupper(), name))


@pytest.mark.parametrize(("package", "name"), PUBLIC)
def test_every_parameter_of_a_public_name_is_documented(package: str, name: str) -> None:
    for qualified, found in callables(package, name):
        assert found.__doc__, qualified
        doc = FunctionDoc(found)
        # A data class documents its fields once, as parameters or as attributes.
        described = doc["Parameters"] + (doc["Attributes"] if is_dataclass(found) else [])
        documented = {parameter.name for parameter in described}
        named = {part.strip(" *") for names in documented for part in names.split(",")}
        expected = set(inspect.signature(found).parameters) - {"self"}
        assert expected == named, qualified


@pytest.mark.parametrize(("package", "name"), PUBLIC)
def test_docstrings_keep_to_the_form_of_numpydoc(package: str, name: str) -> None:
    for qualified, _ in callables(package, name):
        errors = validate(f"{package}.{qualified}")["errors"]
        assert [error for error in errors if error[0] not in NOT_ASKED] == [], qualified


@pytest.mark.parametrize(("package", "name"), PUBLIC)
def test_every_estimator_and_function_shows_an_example(package: str, name: str) -> None:
    found = getattr(importlib.import_module(package), name)
    is_estimator = inspect.isclass(found) and issubclass(found, BaseEstimator)
    if (inspect.isfunction(found) or is_estimator) and not inspect.isabstract(found):
        assert ">>>" in (found.__doc__ or "")


def test_the_public_api_changes_on_purpose() -> None:
    """A difference that is wanted is written down, and stands in the changelog.

    ``python -m tests.public_api > tests/public_api.txt``
    """
    pinned = Path(__file__).with_name("public_api.txt").read_text(encoding="utf-8")
    assert list(public_api.lines()) == pinned.splitlines()


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, skdqm; print([m for m in ('numpy', 'torch', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
