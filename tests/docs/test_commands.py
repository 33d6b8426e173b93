"""Commands on the pages exist, with the options that they are shown with."""

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command

from skdqm.cli._app import app
from tests.docs.pages import PAGES

BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
SHELLS = {"", "sh", "bash", "console"}
# What ends a command, or begins the next one.
ENDS = {"|", "&", "&&", ";", ">"}


def shown() -> Iterator[str]:
    """Yield the commands of all blocks without a language, or with a shell's."""
    for page in PAGES:
        blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
        for block in (text for language, text in blocks if language in SHELLS):
            for line in block.replace("\\\n", " ").splitlines():
                if (found := re.search(r"(?:^|&& |\$ )(skdqm .*)", line)) is not None:
                    yield found.group(1)


def words(command: str) -> list[str]:
    """Split a command as a shell does, up to a comment or to the next command."""
    parts = shlex.split(command, comments=True)[1:]
    ends = [place for place, part in enumerate(parts) if part in ENDS]
    return parts[: ends[0]] if ends else parts


def options_of(command: Any) -> set[str]:
    """Return every way to write an option of a command."""
    named = {name for parameter in command.params for name in parameter.opts}
    return named | {name for parameter in command.params for name in parameter.secondary_opts}


@pytest.mark.parametrize("command", sorted(set(shown())))
def test_a_command_that_is_shown_exists(command: str) -> None:
    found, rest = get_command(app), words(command)
    while rest and hasattr(found, "commands") and not rest[0].startswith("-"):
        name = rest.pop(0)
        assert name in found.commands, name
        found = found.commands[name]
    given = {word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
    assert given <= options_of(found) | {"--help", "--version"}, given - options_of(found)


def test_commands_are_found_on_the_pages() -> None:
    assert len(set(shown())) > 40
