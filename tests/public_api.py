"""The public API as text: every public name, and how it is called.

``python -m tests.public_api > tests/public_api.txt`` writes what a test compares.
"""

import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from runpy import run_path
from typing import Any

# The site and this list have the same packages.
packages = run_path(str(Path(__file__).parents[1] / "docs/_ext/api_pages.py"))["public_packages"]


def lines() -> Iterator[str]:
    """Yield one line for every public name, and for each parameter list of a public method."""
    for package in packages():
        module = importlib.import_module(package)
        for name in module.__all__:
            found = getattr(module, name)
            yield f"{package}.{name}{_called(found)}"
            if inspect.isclass(found) and not issubclass(found, (Exception, tuple)):
                for key, method in sorted(_methods(found).items()):
                    yield f"{package}.{name}.{key}{_called(method)}"


def _methods(cls: type) -> dict[str, Any]:
    """Return public methods that are written in this package."""
    return {
        name: value
        for name, value in inspect.getmembers(cls, callable)
        if not name.startswith("_") and getattr(value, "__module__", "").startswith("skdqm")
    }


def _called(found: Any) -> str:
    """Return names of parameters; a star stands before those that are given by name only."""
    if not callable(found) or (inspect.isclass(found) and issubclass(found, Exception)):
        return ""
    parameters = inspect.signature(found).parameters.values()
    names = [_shown(each) for each in parameters if each.name not in {"self", "cls"}]
    only = [each.kind for each in parameters].count(inspect.Parameter.KEYWORD_ONLY)
    if only and not any(each.kind is inspect.Parameter.VAR_POSITIONAL for each in parameters):
        names.insert(len(names) - only - _takes_any(parameters), "*")
    return f"({', '.join(names)})"


def _takes_any(parameters: Any) -> int:
    return sum(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters)


def _shown(parameter: inspect.Parameter) -> str:
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    may_be_left_out = "" if parameter.default is parameter.empty else "="
    return f"{stars.get(parameter.kind, '')}{parameter.name}{may_be_left_out}"


if __name__ == "__main__":
    print("\n".join(lines()))  # noqa: T201 (what it is for)
