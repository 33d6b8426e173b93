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
    if wanted == "thresholds":
        return thresholds(pd.read_csv(RESULTS / "thresholds.csv"))
    if wanted in SHOWN:
        return with_spread(pd.read_csv(RESULTS / f"{wanted}.csv"), SHOWN[wanted])
    results = pd.read_csv(RESULTS / "tabular.csv")
    return summary(results) if wanted == "summary" else per_set(results, wanted)


def with_spread(results: pd.DataFrame, shown: dict[str, str]) -> pd.DataFrame:
    """Give some columns under other names; where there were several runs, with their deviation."""
    runs = results["n_seeds" if "n_seeds" in results else "n_runs"]
    table = pd.DataFrame(index=results.index)
    for column, title in shown.items():
        deviations = results.get(f"{column}_std")
        if deviations is None:
            table[title] = results[column]
        else:
            cells = zip(results[column], deviations, runs, strict=True)
            table[title] = [_cell(*cell) for cell in cells]
    return table


def thresholds(results: pd.DataFrame) -> pd.DataFrame:
    """Give the alarms of each threshold under each drift, and what it finds without any."""
    shown = with_spread(results, {name: name for name in ("dataset", "contender", "alarms")})
    drifts, contenders = shown["dataset"].unique(), shown["contender"].unique()
    table = _by_set(shown, "alarms").T.loc[contenders, drifts].rename(columns={"none": "no drift"})
    beside = {"contender": "contender", "good_flagged": "good flagged", "recall": "recall"}
    still = with_spread(results[results["dataset"] == "none"], beside)
    return table.join(still.set_index("contender")).reset_index()


def _cell(mean: float, deviation: float, n_runs: int) -> str:
    """Write a mean, with its standard deviation over several runs."""
    if pd.isna(mean):
        return ""
    digits = 0 if max(mean, deviation) >= 100 else 1 if mean >= 10 else 2 if mean >= 1 else 3
    if mean in {0, 1} and deviation == 0:
        digits = 0
    # Spaces that keep a cell on one line.
    spread = f"\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}{deviation:.{digits}f}" if n_runs > 1 else ""
    return f"{mean:.{digits}f}{spread}"


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


_OF_RUNS = {
    "contender": "contender",
    "auroc": "AUROC",
    "auroc_by_run": "AUROC within runs",
    "detected": "faulty flagged",
    "false_alarm_rate": "good flagged",
    "alarms_per_run": "alarms a run",
}
# The columns that a table shows of a file, and what they are called.
SHOWN = {
    "drift": {
        "dataset": "stream",
        "contender": "monitor",
        "false_alarms": "false alarms",
        "delay_0.5": "delay, 0.5",
        "delay_1": "delay, 1",
        "delay_2": "delay, 2",
        "bursts_flagged": "bursts that fired",
    },
    "dqm": _OF_RUNS,
    "dqm_file": {name: title for name, title in _OF_RUNS.items() if name != "auroc_by_run"},
    "dqm_maps": {
        "contender": "contender",
        "fdr_dead": "FDR, dead",
        "fdr_degraded": "FDR, degraded",
        "fdr_hot": "FDR, hot",
        "localised_degraded": "degraded found in place",
    },
    "speed": {
        "contender": "contender",
        "fit_seconds": "fit",
        "score_seconds": "score all rows",
        "event_microseconds": "score one row",
        "peak_mebibytes": "memory",
    },
    "events": {
        "contender": "contender",
        "p50_us": "time of one event",
        "batch_events_per_second": "events a second in batches",
    },
}


class StoredResults(CSVTable):  # type: ignore[misc]
    """``stored-results`` with ``summary``, ``auroc``, ``aupr``, ``lhco``, or a key of `SHOWN`."""

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
