"""The image does what is rehearsed without an engine, and no more than it must."""

import re
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
pytestmark = pytest.mark.skipif(not DEPLOY.is_dir(), reason="needs the repository")


def dockerfile() -> str:
    return (DEPLOY / "Dockerfile").read_text()


def test_the_image_runs_as_nobody_special_and_is_looked_after() -> None:
    last = dockerfile().rpartition("FROM ")[2]
    assert re.search(r"^USER 10001$", last, re.MULTILINE)
    assert "HEALTHCHECK" in last
    assert "pip" not in last


def test_image_and_rehearsal_share_their_steps() -> None:
    rehearsal = (DEPLOY / "rehearse.sh").read_text()
    for shared in ("deploy/install.sh", "health.py", "--host", "--database", "--token-file"):
        assert shared in dockerfile()
        assert shared in rehearsal


def test_all_that_the_image_copies_is_there() -> None:
    for line in re.findall(r"^COPY (?!--from)(.*) \S+$", dockerfile(), re.MULTILINE):
        for name in line.split():
            assert (DEPLOY.parent / name).exists(), name
