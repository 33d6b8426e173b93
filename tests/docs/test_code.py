"""Python on all pages runs as printed, page by page; a block that cannot says why."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import PAGES, ROOT

DOCS = ROOT / "docs"
BLOCK = re.compile(
    r"(?:^<!-- not run: (.+?) -->\n)?^```python\n(.*?)^```", re.DOTALL | re.MULTILINE
)
# These have tests of their own, which run their commands too or expect a warning.
ELSEWHERE = {ROOT / "README.md", DOCS / "dqm.md"}
# What a page needs beyond the package itself.
NEEDS = {
    "detectors/graph.md": "torch_geometric",
    "detectors/neighbors.md": "faiss",
    "distributed.md": "distributed",
    "export.md": "onnxruntime",
}
# More would mean that pages have stopped to be tested.
MOST_NOT_RUN = 3


def blocks(page: Path) -> list[tuple[str, str]]:
    """Return the blocks of a page: the reason not to run it, or nothing, and the code."""
    return BLOCK.findall(page.read_text(encoding="utf-8"))


WITH_CODE = [page for page in PAGES if page not in ELSEWHERE and blocks(page)]


@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_python_of_a_page_runs(
    page: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if needed := NEEDS.get(str(page.relative_to(DOCS)) if page.is_relative_to(DOCS) else ""):
        pytest.importorskip(needed, exc_type=ImportError)
    monkeypatch.setattr(sys, "path", [str(DOCS / "developer"), *sys.path])
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__main__"}
    for reason, code in blocks(page):
        if not reason:
            exec(compile(code, str(page), "exec"), names)  # noqa: S102 (our own text)


def test_few_blocks_are_not_run_and_each_says_what_it_needs() -> None:
    reasons = [reason for page in PAGES for reason, _ in blocks(page) if reason]
    assert len(reasons) <= MOST_NOT_RUN
    assert all(reason.startswith("needs ") for reason in reasons), reasons


def test_no_block_escapes_the_test() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert len(blocks(page)) == len(re.findall(r"```\{?(?:python|py)\b", text)), page
        assert len(re.findall(r"(?m)^<!-- not run", text)) == sum(
            bool(reason) for reason, _ in blocks(page)
        ), page
