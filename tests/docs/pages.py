"""The pages that people write: Markdown at the root and in ``docs``, without what a build makes."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
MADE = {"_build", "auto_examples", "api"}
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted(page for page in (ROOT / "docs").rglob("*.md") if not MADE & set(page.parts)),
]
