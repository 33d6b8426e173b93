"""One page for each public subpackage, written before a build: a new name appears by itself."""

import importlib
import inspect
import pkgutil
import shutil
from pathlib import Path
from typing import Any

import skdqm

# Commands are no Python API.
NO_API = {"skdqm.cli"}


def public_packages() -> list[str]:
    """Return the subpackages and modules that say what is public."""
    found = {info.name for info in pkgutil.iter_modules(skdqm.__path__, "skdqm.")}
    public = sorted(name for name in found - NO_API if "._" not in name)
    return [name for name in public if getattr(importlib.import_module(name), "__all__", [])]


def write_pages(app: Any) -> None:
    """Write ``api/*.rst`` below the sources."""
    folder = Path(app.srcdir) / "api"
    # A name that has gone leaves no page behind.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    packages = public_packages()
    for name in packages:
        (folder / f"{name}.rst").write_text(_page(name), encoding="utf-8")
    listed = "\n".join(f"   {name}" for name in packages)
    index = f"{_title('API')}\n.. automodule:: skdqm\n\n.. toctree::\n   :hidden:\n\n{listed}\n"
    (folder / "index.rst").write_text(index, encoding="utf-8")


def _page(package: str) -> str:
    module = importlib.import_module(package)
    called = [name for name in module.__all__ if inspect.isroutine(getattr(module, name))]
    classes = [name for name in module.__all__ if inspect.isclass(getattr(module, name))]
    others = [name for name in module.__all__ if name not in {*called, *classes}]
    listed = "\n".join(f"   {name}" for name in classes + called)
    data = "\n".join(_data(name, getattr(module, name)) for name in others)
    return (
        f"{_title(package)}\n.. automodule:: {package}\n\n.. currentmodule:: {package}\n\n"
        f".. autosummary::\n   :toctree: generated\n   :nosignatures:\n\n{listed}\n\n{data}"
    )


def _data(name: str, value: Any) -> str:
    """Describe what is neither a class nor a function, such as a scorer or a name."""
    about = inspect.getdoc(type(value)) if callable(value) else f"``{value!r}``"
    return f".. py:data:: {name}\n\n   {(about or '').splitlines()[0]}\n"


def _title(text: str) -> str:
    return f"{text}\n{'=' * len(text)}\n"


def of_others(_app: Any, _what: str, _name: str, member: Any, skip: bool, _options: Any) -> bool:  # noqa: FBT001
    """Leave out what a class has from scikit-learn, torch or Python, and fields of tuples."""
    member = getattr(member, "fget", None) or getattr(member, "__func__", member)
    if type(member).__name__ == "_tuplegetter":
        return True
    return skip or not (getattr(member, "__module__", None) or "skdqm").startswith("skdqm")


def setup(app: Any) -> dict[str, bool]:
    """Write them before Sphinx looks which documents there are."""
    write_pages(app)
    app.connect("autodoc-skip-member", of_others)
    return {"parallel_read_safe": True}
