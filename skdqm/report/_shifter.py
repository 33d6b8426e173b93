"""The report for the shift crew."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import resources
from numbers import Integral
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from skdqm._lumisections import LUMISECTION, RUN
from skdqm._messages import listed
from skdqm._sklearn import Interval, validate_params
from skdqm.exceptions import DataError, UsageError
from skdqm.io import LumisectionRanges, atomic_path
from skdqm.report._finding import Finding
from skdqm.report._pictures import pictures_of
from skdqm.report._runs import NOT_ENOUGH_DATA, RunSummary, Span, loss_text, percent, summary_of
from skdqm.report._words import reason_in_words

_NEEDED = ("verdict", "anomaly_score")
_NEEDED_OF_LUMINOSITY = ("luminosity", "lost", "lost_share")


@validate_params(
    {
        "verdicts": [pd.DataFrame],
        "path": [str, PathLike],
        "findings": ["array-like"],
        "title": [str],
        "about": [Mapping, None],
        "golden": [LumisectionRanges, None],
        "luminosity": [pd.DataFrame, None],
        "luminosity_unit": [str],
        "n_worst": [Interval(Integral, 0, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def shifter_report(
    verdicts: pd.DataFrame,
    path: str | PathLike[str],
    *,
    findings: Sequence[Finding] = (),
    title: str = "Data quality report",
    about: Mapping[str, str] | None = None,
    golden: LumisectionRanges | None = None,
    luminosity: pd.DataFrame | None = None,
    luminosity_unit: str = "",
    n_worst: int = 10,
) -> None:
    """Write a page that says what was flagged, where and why.

    The page is one HTML file without scripts that needs no network: pictures are inside. It can be
    read in grey, on a telephone and on paper. The same input gives the same bytes.

    Parameters
    ----------
    verdicts : pandas.DataFrame of shape (n_lumisections, n_columns)
        Indexed by ``run`` and ``lumisection``, each lumisection once. Columns: ``verdict`` (+1
        good, -1 bad, 0 not enough data), ``anomaly_score`` (high is abnormal), and optionally
        ``p_value`` and ``element``, the monitoring element that is worst. Others are not shown.
    path : str or path-like
        The file to write.
    findings : sequence of Finding, default=()
        Histograms of lumisections of `verdicts`, with what was expected of them. Of those of
        one monitoring element in one run the worst is drawn.
    title : str, default="Data quality report"
        Heading of the page.
    about : mapping of str to str, optional
        What the head says about data, model and dates, such as ``{"Model": "templates of 2017B"}``.
    golden : LumisectionRanges, optional
        The good lumisections; by default those with the verdict good.
    luminosity : pandas.DataFrame, optional
        What is lost in each run, as :func:`skdqm.io.lost_luminosity` gives it.
    luminosity_unit : str, default=""
        Unit of the luminosity, for example ``"/pb"``.
    n_worst : int, default=10
        Number of monitoring elements to draw.

    Raises
    ------
    DataError
        When the table is empty, or lacks columns or verdicts.
    UsageError
        When a finding is of a lumisection that the table lacks, or the folder does not exist.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from skdqm.report import Finding, shifter_report
    >>> index = pd.MultiIndex.from_product([[297050], [1, 2, 3]], names=["run", "lumisection"])
    >>> verdicts = pd.DataFrame({"verdict": [1, -1, 1], "anomaly_score": [1.0, 7.5, 0.8]}, index)
    >>> expectation = np.full(20, 400.0)
    >>> counts = np.where(np.arange(20) == 7, 0.0, 400.0)
    >>> finding = Finding(297050, 2, "charge", counts, expectation, (counts - expectation) / 20)
    >>> path = Path(tempfile.mkdtemp()) / "report.html"
    >>> shifter_report(verdicts, path, findings=[finding], about={"Model": "templates"})
    >>> "charge: bin 7 is dead (0 counts, 400 expected)" in path.read_text(encoding="utf-8")
    True
    """
    rows = _checked(verdicts)
    sorted_findings = _by_severity([_with_reason(each) for each in findings], rows)
    good = LumisectionRanges.from_verdicts(rows["verdict"]) if golden is None else golden
    losses = _losses(luminosity, luminosity_unit)
    runs = _run_summaries(rows, sorted_findings, good, losses)
    worst = _shown(sorted_findings, runs, n_worst)
    html = _rendered(
        title=title,
        about=about or {},
        loss=losses.get("total", ""),
        runs=runs,
        worst=worst,
        numbers={item["finding"]: number for number, item in enumerate(worst, 1)},
        has_p_values="p_value" in rows,
        percent=percent,
        **_totals(runs),
    )
    _write(html, Path(path))


def _checked(verdicts: pd.DataFrame) -> pd.DataFrame:
    missing = [name for name in _NEEDED if name not in verdicts]
    if missing:
        raise DataError(
            f"the table of verdicts lacks {listed(missing)}; expected the columns {listed(_NEEDED)}"
        )
    if verdicts.empty:
        raise DataError("the table of verdicts is empty; expected at least one lumisection")
    # Judges the index and the verdicts as well.
    LumisectionRanges.from_verdicts(verdicts["verdict"])
    judged = verdicts["verdict"] != NOT_ENOUGH_DATA
    unknown = judged & verdicts["anomaly_score"].isna()
    if unknown.any():
        raise DataError(
            f"{unknown.sum()} lumisections have a verdict but no anomaly score (NaN); expected a "
            "score, or the verdict 0 (not enough data)"
        )
    return verdicts.reorder_levels([RUN, LUMISECTION]).sort_index()


def _with_reason(finding: Finding) -> Finding:
    if finding.reason:
        return finding
    arrays = (finding.counts, finding.expectation, finding.pull)
    words = reason_in_words(finding.element, *arrays, finding.edges, names=finding.names)
    return replace(finding, reason=words)


def _by_severity(findings: list[Finding], rows: pd.DataFrame) -> list[Finding]:
    """Sort by the score of the lumisection, then by the largest pull."""
    scores: list[float] = []
    for each in findings:
        place = (each.run, each.lumisection)
        if place not in rows.index:
            raise UsageError(
                f"found a finding of run {each.run}, lumisection {each.lumisection}, which the "
                "table of verdicts lacks; expected findings of its lumisections"
            )
        scores.append(float(np.nan_to_num(rows["anomaly_score"].loc[place], nan=-np.inf)))
    keys = [(-score, -each.largest_pull) for score, each in zip(scores, findings, strict=True)]
    return [findings[i] for i in sorted(range(len(findings)), key=keys.__getitem__)]


def _losses(luminosity: pd.DataFrame | None, unit: str) -> dict[Any, str]:
    if luminosity is None:
        return {}
    missing = [name for name in _NEEDED_OF_LUMINOSITY if name not in luminosity]
    if missing:
        raise DataError(
            f"the table of luminosity lacks {listed(missing)}; expected what lost_luminosity gives"
        )
    return {run: loss_text(row, unit) for run, row in luminosity.iterrows()}


def _run_summaries(
    rows: pd.DataFrame, findings: list[Finding], golden: LumisectionRanges, losses: dict[Any, str]
) -> list[RunSummary]:
    of_run: dict[int, list[Finding]] = {}
    for each in findings:
        of_run.setdefault(each.run, []).append(each)
    return [
        summary_of(int(run), table, of_run.get(run, ()), golden, losses.get(run, ""))
        for run, table in rows.groupby(level=RUN)
    ]


def _shown(
    findings: list[Finding], runs: list[RunSummary], n_worst: int
) -> list[dict[str, object]]:
    """Draw the worst finding of each monitoring element in each run, the worst ones first."""
    flagged = {summary.run: summary.flagged for summary in runs}
    ranges: dict[tuple[int, str], list[str]] = {}
    worst: dict[tuple[int, str], Finding] = {}
    for each in findings:
        key = (each.run, each.element)
        worst.setdefault(key, each)
        where = _where(each, flagged[each.run])
        known = ranges.setdefault(key, [where])
        known += [where] if where not in known else []
    return [
        {
            "finding": finding,
            "where": ranges[key][0],
            "n_more": len(ranges[key]) - 1,
            "pictures": pictures_of(finding),
        }
        for key, finding in list(worst.items())[:n_worst]
    ]


def _where(finding: Finding, flagged: Sequence[Span]) -> str:
    """Name the flagged range of a finding, or its lumisection when it was not flagged."""
    inside = (span for span in flagged if span.first <= finding.lumisection <= span.last)
    span = next(inside, None)
    return span.text if span else f"lumisection {finding.lumisection}"


def _totals(runs: list[RunSummary]) -> dict[str, int]:
    names = ("n_lumisections", "n_flagged", "n_not_enough", "n_alarms")
    return {name: sum(getattr(each, name) for each in runs) for name in names}


def _rendered(**page: Any) -> str:
    from jinja2 import Environment, StrictUndefined

    source = resources.files("skdqm.report").joinpath("shifter.html.jinja")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(source.read_text(encoding="utf-8"))
    return template.render(**page)


def _write(html: str, target: Path) -> None:
    try:
        with atomic_path(target) as temporary:
            temporary.write_text(html, encoding="utf-8")
    except OSError as error:
        raise DataError(f"{target}: cannot write: {error.strerror or error}") from error
