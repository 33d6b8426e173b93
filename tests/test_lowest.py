"""The lowest versions that tox tests are those that are declared."""

import tomllib
from itertools import chain
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
# The machines of CI have one build of it.
ONE_BUILD = {"torch"}


def declared() -> dict[str, str]:
    """Return the lower bound of every package."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [
        *project["dependencies"],
        *chain.from_iterable(project["optional-dependencies"].values()),
    ]
    asked = [Requirement(line) for line in lines if not line.startswith("skdqm[")]
    return {
        each.name: specifier.version
        for each in asked
        for specifier in each.specifier
        if specifier.operator == ">="
    }


def pinned() -> dict[str, str]:
    """Return the versions that the environment of lowest versions installs."""
    lines = (ROOT / "constraints-lowest.txt").read_text().splitlines()
    return dict(line.split("==", maxsplit=1) for line in lines if "==" in line)


def test_every_declared_bound_is_tested() -> None:
    bounds, pins = declared(), pinned()
    for name in ONE_BUILD:
        del bounds[name], pins[name]
    assert pins == bounds
