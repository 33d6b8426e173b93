"""``skdqm dqm``: histograms by lumisection to verdicts, golden JSON and reports for the shift."""

import typer

from skdqm.cli import _dqm_check, _dqm_report, _dqm_train

app = typer.Typer(help="Judge the histograms of a detector, lumisection by lumisection.")


@app.callback()
def _group() -> None:
    """Judge the histograms of a detector, lumisection by lumisection."""


app.command("train")(_dqm_train.train)
app.command("check")(_dqm_check.check)
app.command("report")(_dqm_report.report)
