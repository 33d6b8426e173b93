"""One page for each public subpackage, written before a build: a new name appears by itself."""

import importlib
import pkgutil
from pathlib import Path
from typing import Any

import skdqm

NO_API = {"skdqm.cli", "skdqm.service"}


def write_pages(app: Any) -> None:
    """Write ``api/*.rst`` below the sources."""
    folder = Path(app.srcdir) / "api"
    folder.mkdir(exist_ok=True)
    found = {info.name for info in pkgutil.iter_modules(skdqm.__path__, "skdqm.")}
    packages = sorted(name for name in found - NO_API if "._" not in name)
    packages = [name for name in packages if getattr(importlib.import_module(name), "__all__", [])]
    for name in packages:
        (folder / f"{name}.rst").write_text(_page(name), encoding="utf-8")
    listed = "\n".join(f"   {name}" for name in packages)
    index = f"{_title('API')}\n.. automodule:: skdqm\n\n.. toctree::\n   :hidden:\n\n{listed}\n"
    (folder / "index.rst").write_text(index, encoding="utf-8")


def _page(package: str) -> str:
    names = importlib.import_module(package).__all__
    listed = "\n".join(f"   {name}" for name in names)
    return (
        f"{_title(package)}\n.. automodule:: {package}\n\n.. currentmodule:: {package}\n\n"
        f".. autosummary::\n   :toctree: generated\n   :nosignatures:\n\n{listed}\n"
    )


def _title(text: str) -> str:
    return f"{text}\n{'=' * len(text)}\n"


def setup(app: Any) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("builder-inited", write_pages, priority=100)
    return {"parallel_read_safe": True}
