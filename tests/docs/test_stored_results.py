"""Tables of the page of results hold what is stored."""

import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> Any:
    pytest.importorskip("docutils")
    monkeypatch.syspath_prepend(str(DOCS / "_ext"))
    yield __import__("stored_results")
    sys.modules.pop("stored_results")


def test_every_stored_figure_is_in_its_cell(tables: Any) -> None:
    stored = pd.read_csv(DOCS / "results" / "tabular.csv")
    shown = tables.table_of("auroc").set_index("dataset")
    for row in stored.itertuples():
        assert shown.loc[row.dataset, row.contender] == f"{row.auroc:.3f} ± {row.auroc_std:.3f}"


def test_the_summary_ranks_the_best_first_over_all_sets(tables: Any) -> None:
    stored = pd.read_csv(DOCS / "results" / "tabular.csv")
    summary = tables.table_of("summary").set_index("contender")
    assert summary["mean rank, AUROC"].is_monotonic_increasing
    knn = stored.loc[stored["contender"] == "pyod:KNN", "auroc"]
    assert summary.loc["pyod:KNN", "mean AUROC"] == f"{knn.mean():.3f}"
    assert not stored.isna().to_numpy().any()
    assert (stored["n_failed"] == 0).all()


def test_features_of_lhco_are_listed_with_their_deviations(tables: Any) -> None:
    shown = tables.table_of("lhco")
    assert len(shown) == len(pd.read_csv(DOCS / "results" / "lhco.csv"))
    assert shown["AUROC"].str.contains("±").all()


@pytest.mark.parametrize("name", ["drift", "dqm", "dqm_file", "dqm_maps"])
def test_a_table_has_every_stored_row_and_says_how_far_seeds_spread(tables: Any, name: str) -> None:
    stored, shown = pd.read_csv(DOCS / "results" / f"{name}.csv"), tables.table_of(name)
    assert shown["contender" if "contender" in shown else "monitor"].tolist() == (
        stored["contender"].tolist()
    )
    column, title = next((c, t) for c, t in tables.SHOWN[name].items() if f"{c}_std" in stored)
    for found, text, seeds in zip(stored[column], shown[title], stored["n_seeds"], strict=True):
        assert float(text.split("±")[0]) == pytest.approx(found, abs=5e-4, rel=0.01)
        assert ("±" in text) == (seeds > 1)
    assert (stored["n_failed"] == 0).all()


def test_alarms_of_thresholds_stand_under_their_drift(tables: Any) -> None:
    stored = pd.read_csv(DOCS / "results" / "thresholds.csv").set_index(["dataset", "contender"])
    shown = tables.table_of("thresholds").set_index("contender")
    for (drift, contender), row in stored.iterrows():
        found = shown.loc[contender, "no drift" if drift == "none" else drift]
        assert float(found.split("±")[0]) == pytest.approx(row["alarms"], abs=5e-4, rel=0.01)
    assert len(shown) * len(stored.index.unique(0)) == len(stored)


@pytest.mark.parametrize("name", ["speed", "events"])
def test_ratios_are_those_to_the_first_contender(tables: Any, name: str) -> None:
    first = tables.table_of(name).iloc[0, 1:]
    assert {float(text.split("±")[0]) for text in first} == {1.0}
