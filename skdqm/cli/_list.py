"""``skdqm list``: the detectors, without importing any of them."""

from importlib.metadata import entry_points
from typing import Any

from skdqm.cli._options import JsonOption
from skdqm.cli._terminal import print_json, print_table
from skdqm.registry import DETECTORS_GROUP, detector_names, detector_path


def list_detectors(*, json: JsonOption = False) -> None:
    """List the detectors that train takes, their classes and the packages they come from."""
    found = [
        {"name": name, "class": detector_path(name), "package": _package_of(name)}
        for name in detector_names()
    ]
    if json:
        print_json(found)
    else:
        print_table(("detector", "class", "package"), [tuple(each.values()) for each in found])


def _package_of(name: str) -> str:
    points: Any = entry_points(group=DETECTORS_GROUP, name=name)
    return next((point.dist.name for point in points if point.dist), "skdqm")
