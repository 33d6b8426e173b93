"""The script behind the page of results: times of a machine are not stored, ratios are."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

SCRIPT = Path(__file__).parents[2] / "docs" / "results" / "store.py"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("store", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "HERE", tmp_path)
    return module


def test_times_are_left_out(store: ModuleType, tmp_path: Path) -> None:
    store.kept(pd.DataFrame({"name": ["a"], "auc": [0.5], "fit_seconds": [3.0]}), "table")
    assert (tmp_path / "table.csv").read_text() == "name,auc\na,0.5\n"


def test_ratios_are_to_the_first_contender_with_their_spread(
    store: ModuleType, tmp_path: Path
) -> None:
    runs = [pd.DataFrame({"fit": [1.0, 2.0]}, index=["ours", "other"])]
    runs.append(pd.DataFrame({"fit": [3.0, 12.0]}, index=["ours", "other"]))
    store.ratios(runs, "speed")
    table = pd.read_csv(tmp_path / "speed.csv", index_col="contender")
    assert table.loc["ours"].tolist() == [2, 1, 0]
    assert table.loc["other"].tolist() == [2, 3, 1]
