"""The gallery: every page runs from top to bottom."""

import runpy
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

PAGES = sorted((Path(__file__).parents[1] / "examples").glob("plot_*.py"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_of_the_gallery_runs(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mpl.use("agg")
    monkeypatch.setattr("matplotlib.pyplot.show", lambda: None)
    runpy.run_path(str(page))
    plt.close("all")
