import json
from importlib import import_module
from types import SimpleNamespace

from skdqm.cli import _list
from skdqm.registry import detector_class, detector_names


def test_json_holds_every_detector(run):
    found = json.loads(run("list", "--json").out)
    assert [each["name"] for each in found] == detector_names()
    assert {each["package"] for each in found} == {"skdqm"}
    for each in found:
        module, name = each["class"].rsplit(".", maxsplit=1)
        assert getattr(import_module(module), name) is detector_class(each["name"])


def test_a_detector_of_another_package_is_listed_with_it(run, plugin, monkeypatch):
    other = SimpleNamespace(dist=SimpleNamespace(name="my-detectors"))
    monkeypatch.setattr(
        _list, "entry_points", lambda *, group, name: [other] if name == plugin else []
    )
    code, out, _ = run("list")
    assert code == 0
    rows = [line.split("\t") for line in out.splitlines()]
    assert {row[0]: row[2] for row in rows}[plugin] == "my-detectors"
    assert ["vae", "skdqm.detectors.VAEDetector", "skdqm"] in rows
