"""The documentation names what there is, and its links lead somewhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from skdqm import registry
from skdqm.cli._app import app
from tests.docs.pages import PAGES, ROOT

WORDS = "\n".join(path.read_text(encoding="utf-8") for path in PAGES)
LINK = re.compile(r"\]\(([^)#:\s]+)(#[^)\s]*)?\)")


def commands(group: object, before: str = "skdqm") -> Iterator[str]:
    """Yield every command as it is typed."""
    for name, command in getattr(group, "commands", {}).items():
        if getattr(command, "hidden", False):
            continue
        if hasattr(command, "commands"):
            yield from commands(command, f"{before} {name}")
        else:
            yield f"{before} {name}"


@pytest.mark.parametrize("name", registry.detector_names())
def test_every_detector_is_in_the_guide(name: str) -> None:
    assert registry.detector_class(name).__name__ in WORDS


@pytest.mark.parametrize("command", commands(get_command(app)))
def test_every_command_is_in_the_guide(command: str) -> None:
    said = command.removeprefix("skdqm ") if command.startswith("skdqm bench") else command
    assert re.search(rf"{said}\b", re.sub(r" +", " ", WORDS))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for link, _ in LINK.findall(page.read_text(encoding="utf-8")):
        # Pages of the gallery and of the API are made by the build, which checks them.
        if not link.startswith(("auto_examples/", "api/")):
            assert (page.parent / link).exists(), link


def test_every_endpoint_is_in_the_guide() -> None:
    service = pytest.importorskip("skdqm.service", exc_type=ImportError)
    said = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
    for path in service.create_app(service.Settings(("model.skdqm",))).openapi()["paths"]:
        last = [part for part in path.split("/") if part and "{" not in part][-1]
        assert re.search(rf"/{last}\b", said), path
