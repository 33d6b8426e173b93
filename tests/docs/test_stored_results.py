"""Tables of the page of results hold what is stored."""

import sys
from pathlib import Path

import pandas as pd
import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> object:
    pytest.importorskip("docutils")
    monkeypatch.syspath_prepend(str(DOCS / "_ext"))
    yield __import__("stored_results")
    sys.modules.pop("stored_results")


def test_every_stored_figure_is_in_its_cell(tables: object) -> None:
    stored = pd.read_csv(DOCS / "results" / "tabular.csv")
    shown = tables.table_of("auroc").set_index("dataset")
    for row in stored.itertuples():
        assert shown.loc[row.dataset, row.contender] == f"{row.auroc:.3f} ± {row.auroc_std:.3f}"


def test_the_summary_ranks_the_best_first_over_all_sets(tables: object) -> None:
    stored = pd.read_csv(DOCS / "results" / "tabular.csv")
    summary = tables.table_of("summary").set_index("contender")
    assert summary["mean rank, AUROC"].is_monotonic_increasing
    knn = stored.loc[stored["contender"] == "pyod:KNN", "auroc"]
    assert summary.loc["pyod:KNN", "mean AUROC"] == f"{knn.mean():.3f}"
    assert not stored.isna().to_numpy().any()
    assert (stored["n_failed"] == 0).all()


def test_features_of_lhco_are_listed_with_their_deviations(tables: object) -> None:
    shown = tables.table_of("lhco")
    assert len(shown) == len(pd.read_csv(DOCS / "results" / "lhco.csv"))
    assert shown["AUROC"].str.contains("±").all()
