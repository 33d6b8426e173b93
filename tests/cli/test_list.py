import json
from types import SimpleNamespace

from skdqm.cli import _list
from skdqm.registry import detector_names


def test_json_holds_every_detector(run):
    found = json.loads(run("list", "--json").out)
    assert [each["name"] for each in found] == detector_names()
    assert {each["package"] for each in found} == {"skdqm"}


def test_a_detector_of_another_package_is_listed_with_it(run, plugin, monkeypatch):
    other = SimpleNamespace(dist=SimpleNamespace(name="my-detectors"))
    monkeypatch.setattr(
        _list, "entry_points", lambda *, group, name: [other] if name == plugin else []
    )
    code, out, _ = run("list")
    assert code == 0
    assert f"{plugin}\tmy-detectors" in out.splitlines()
    assert "vae\tskdqm" in out.splitlines()
