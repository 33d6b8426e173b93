"""The gallery: every page runs from top to bottom on data of its own, and leaves nothing."""

import runpy
import tempfile
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "examples").glob("*/plot_*.py"))
# For the rest of the process: code that torch and torch_geometric generate, and what scikit-learn's
# checks of an estimator map to memory.
OF_OTHERS = ("torch", "sklearn_testing")
# Packages of extras without which a page ends at once, and says so.
NEEDS = {
    "plot_onnx_export": ("onnx", "onnxruntime", "onnxscript"),
    "plot_root_ensemble": ("uproot", "awkward"),
    "plot_service": ("uvicorn",),
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_of_the_gallery_runs(
    page: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for package in NEEDS.get(page.stem, ()):
        pytest.importorskip(package)
    mpl.use("agg")
    monkeypatch.setattr("matplotlib.pyplot.show", lambda: None)
    monkeypatch.delenv("SKDQM_DATA", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    try:
        runpy.run_path(str(page))
        assert plt.get_fignums(), "a page has a picture"
    finally:
        plt.close("all")
    left = [file for file in tmp_path.iterdir() if not file.name.startswith(OF_OTHERS)]
    assert not left, "a page takes its files away"


@pytest.mark.parametrize("name", NEEDS)
def test_a_page_without_its_extra_says_what_to_install(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = next(each for each in PAGES if each.stem == name)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install \"skdqm\["):
        runpy.run_path(str(page))


def test_the_index_of_the_gallery_names_every_page() -> None:
    order = runpy.run_path(str(ROOT / "docs" / "_ext" / "gallery_order.py"))["PAGES"]
    listed = {(section, f"plot_{page}") for section, pages in order.items() for page in pages}
    assert {(page.parent.name, page.stem) for page in PAGES} == listed
    assert all((ROOT / "examples" / section / "README.rst").exists() for section in order)
    strays = set((ROOT / "examples").rglob("*.py")) - set(PAGES)
    assert not strays, "pages lie in a folder of a section"
