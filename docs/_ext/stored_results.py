"""A directive that turns results of ``skdqm bench`` into tables: ``stored-results``."""

import io
from pathlib import Path
from typing import Any

import pandas as pd
from docutils.parsers.rst.directives.tables import CSVTable
from docutils.statemachine import StringList

RESULTS = Path(__file__).parents[1] / "results"


def table_of(wanted: str) -> pd.DataFrame:
    """Return a table by its name."""
    if wanted == "lhco":
        return lhco(pd.read_csv(RESULTS / "lhco.csv"))
    results = pd.read_csv(RESULTS / "tabular.csv")
    return summary(results) if wanted == "summary" else per_set(results, wanted)


def summary(results: pd.DataFrame) -> pd.DataFrame:
    """Average every contender over the sets."""
    ranks = {
        f"mean rank, {name}": _by_set(results, metric).rank(axis=1, ascending=False).mean().round(2)
        for name, metric in (("AUROC", "auroc"), ("AUPR", "aupr"))
    }
    means = {
        f"mean {name}": _by_set(results, metric).mean().map("{:.3f}".format)
        for name, metric in (("AUROC", "auroc"), ("AUPR", "aupr"))
    }
    table = pd.DataFrame({**means, **ranks}).sort_values("mean rank, AUROC")
    return table.rename_axis("contender").reset_index()


def per_set(results: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Give mean and standard deviation over the seeds, a row for every set."""
    means = results[metric].map("{:.3f}".format)
    cells = means + " ± " + results[f"{metric}_std"].map("{:.3f}".format)
    return _by_set(results.assign(cell=cells), "cell").reset_index()


def lhco(results: pd.DataFrame) -> pd.DataFrame:
    """Give the figures of both kinds of features, the best first."""
    order = results.sort_values(["events", "AUROC"], ascending=[True, False])
    cells = order["AUROC"].map("{:.3f}".format) + " ± " + order["+-"].map("{:.3f}".format)
    columns = ["events", "contender", "AUROC", "max SIC", "rejection at 30 %", "rejection at 50 %"]
    return order.assign(AUROC=cells)[columns]


def _by_set(results: pd.DataFrame, metric: str) -> pd.DataFrame:
    return results.set_index(["dataset", "contender"])[metric].unstack()  # noqa: PD010 (cells may be text)


class StoredResults(CSVTable):  # type: ignore[misc]
    """``stored-results`` with ``summary``, ``auroc``, ``aupr`` or ``lhco``."""

    def run(self) -> Any:
        """Fill the table with what is stored."""
        wanted, self.arguments = self.arguments[0], []
        text = io.StringIO()
        table_of(wanted).to_csv(text, index=False)
        self.content = StringList(text.getvalue().splitlines(), source=str(RESULTS))
        self.options["header-rows"] = 1
        return super().run()


def setup(app: Any) -> dict[str, bool]:
    """Announce the directive."""
    app.add_directive("stored-results", StoredResults)
    return {"parallel_read_safe": True}
