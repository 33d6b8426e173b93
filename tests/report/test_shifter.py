"""The page says what was flagged, holds all it needs, and survives hostile names."""

import re
import sys
from dataclasses import FrozenInstanceError
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.utils._param_validation import InvalidParameterError

from skdqm.exceptions import DataError, UsageError
from skdqm.io import LumisectionRanges, lost_luminosity
from skdqm.report import Finding, shifter_report

HOSTILE = '<script>alert("x")</script> $\\frac{ & "quoted" \'</title> 電荷'
VOID = {"meta", "img"}


class Page(HTMLParser):
    """Check that tags nest, and collect the text, the tags and the addresses."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.names: list[str] = []
        self.pieces: list[str] = []
        self.feed(html)
        assert self.stack == []
        self.text = " ".join(" ".join(self.pieces).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.stack += [] if tag in VOID else [tag]
        found = dict(attrs)
        self.addresses += [found[key] or "" for key in ("href", "src") if key in found]
        self.names += [found["id"] or ""] if "id" in found else []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.stack:
            self.pieces.append(data)


def verdicts_of(verdicts: dict[int, list[int]], **columns: Any) -> pd.DataFrame:
    rows = [(run, i) for run, each in verdicts.items() for i in range(1, len(each) + 1)]
    values = np.concatenate([np.asarray(each) for each in verdicts.values()])
    scores = np.where(values == -1, 9.5, 1.0) + np.arange(len(values)) / 1000
    index = pd.MultiIndex.from_tuples(rows, names=["run", "lumisection"])
    return pd.DataFrame({"verdict": values, "anomaly_score": scores, **columns}, index)


def finding_of(
    run: int, lumisection: int, element: str = "charge", shape: tuple[int, ...] = (6,), **more: Any
) -> Finding:
    expectation = np.full(shape, 400.0)
    counts = expectation.copy()
    counts.flat[3] = 0
    pull = (counts - expectation) / 20
    return Finding(run, lumisection, element, counts, expectation, pull, **more)


def page_of(tmp_path: Path, verdicts: pd.DataFrame, **more: Any) -> Page:
    path = tmp_path / "report.html"
    shifter_report(verdicts, path, **more)
    html = path.read_text(encoding="utf-8")
    assert "://" not in html
    page = Page(html)
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    for address in page.addresses:
        assert address.startswith("data:image/png;base64,") or address[1:] in page.names
    assert len(set(page.names)) == len(page.names)
    return page


TWO_RUNS = verdicts_of({297050: [1, 1, -1, -1, 1, 0], 297056: [1, 1, -1, 1]}, element="charge")


def test_head_says_what_when_and_how_many(tmp_path: Path) -> None:
    about = {"Data": "CMS 2017B", "Model": "templates", "Written": "18 June 2017"}
    page = page_of(tmp_path, TWO_RUNS, title="Pixel", about=about)
    assert "2 alarms: 3 of 9 lumisections with enough data are flagged (33 %)" in page.text
    for text in ("Pixel", "Data CMS 2017B", "Model templates", "Written 18 June 2017"):
        assert text in page.text
    for text in ("Runs 2", "Lumisections 10", "Flagged 3", "Not enough data 1", "Alarms 2"):
        assert text in page.text


def test_runs_list_flagged_ranges_and_golden_json(tmp_path: Path) -> None:
    page = page_of(tmp_path, TWO_RUNS, findings=[finding_of(297050, 4)])
    assert "Run 297050: 1 alarm 6 lumisections, 2 flagged, 1 with not enough data" in page.text
    reason = "bin 3 is dead (0 counts, 400 expected), pull -20.0"
    assert f"3 4 charge 9.5 {reason} picture" in page.text
    assert 'Good lumisections: "297050": [[1, 2], [5, 5]]' in page.text
    assert 'Good lumisections: "297056": [[1, 2], [4, 4]]' in page.text
    assert f"Run 297050, lumisections 3 to 4 : charge: {reason}" in page.text
    assert page.tags.count("img") == 3


def test_golden_json_and_luminosity_of_the_caller_are_shown(tmp_path: Path) -> None:
    golden = LumisectionRanges({297050: [(1, 1)]})
    luminosity = pd.Series(0.5, TWO_RUNS.index)
    table = lost_luminosity(golden, luminosity, verdicts=TWO_RUNS["verdict"])
    page = page_of(tmp_path, TWO_RUNS, golden=golden, luminosity=table, luminosity_unit="/pb")
    assert '"297050": [[1, 1]]' in page.text
    assert "Good lumisections: none" in page.text
    assert "Luminosity 4.5 of 5 /pb lost (90 %, mostly not judged)" in page.text
    everything = LumisectionRanges({297050: [(1, 9)], 297056: [(1, 9)]})
    kept = lost_luminosity(everything, luminosity)
    assert (
        "nothing lost of 5 /pb"
        in page_of(tmp_path, TWO_RUNS, luminosity=kept, luminosity_unit="/pb").text
    )


def test_runs_with_alarms_come_first(tmp_path: Path) -> None:
    text = page_of(tmp_path, verdicts_of({1: [1, 1], 2: [1, -1], 3: [0], 4: [-1]})).text
    places = [text.index(f"Run {run}: ") for run in (2, 4, 1, 3)]
    assert places == sorted(places)
    assert "2 more runs have no alarm." in text
    assert text.count("Good lumisections:") == 4


def test_no_flag_is_said_plainly(tmp_path: Path) -> None:
    page = page_of(tmp_path, verdicts_of({1: [1, 1, 0]}))
    assert "No alarm: 2 lumisections with enough data, none flagged" in page.text
    assert "Look at these first" not in page.text
    assert "Run 1: no alarm" in page.text
    assert "img" not in page.tags


def test_all_gated_is_no_good_news(tmp_path: Path) -> None:
    frame = verdicts_of({1: [0, 0, 0]}).assign(anomaly_score=np.nan)
    page = page_of(tmp_path, frame)
    assert "No verdict: none of 3 lumisections has enough data" in page.text
    assert "No alarm:" not in page.text
    assert "Good lumisections: none" in page.text


def test_everything_flagged_and_a_single_lumisection(tmp_path: Path) -> None:
    assert (
        "1 alarm: 1 of 1 lumisection with enough data is flagged (100 %)"
        in page_of(tmp_path, verdicts_of({1: [-1]})).text
    )


def test_infinite_scores_are_written(tmp_path: Path) -> None:
    frame = verdicts_of({1: [-1, 1]}).assign(anomaly_score=[np.inf, 1.0])
    assert "1 1 charge inf" in page_of(tmp_path, frame, findings=[finding_of(1, 1)]).text


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    frame = verdicts_of({1: [1, -1]}, element=HOSTILE)
    findings = [
        finding_of(1, 2, HOSTILE, names=(HOSTILE,)),
        finding_of(1, 2, HOSTILE + "2", names=(HOSTILE, "$"), shape=(4, 5)),
        finding_of(1, 2, HOSTILE + "3", reason=HOSTILE),
    ]
    page = page_of(
        tmp_path,
        frame,
        findings=findings,
        title=HOSTILE,
        about={HOSTILE: HOSTILE},
        luminosity=lost_luminosity(LumisectionRanges(), pd.Series(1.0, frame.index)),
        luminosity_unit=HOSTILE,
    )
    assert page.text.count(" ".join(HOSTILE.split())) >= 8


def test_one_picture_for_each_element_of_a_run_the_worst_first(tmp_path: Path) -> None:
    frame = verdicts_of({1: [-1, 1, -1, -1], 2: [1]})
    where = [(1, 1), (1, 3), (1, 4), (2, 1)]
    findings = [finding_of(run, ls, element) for run, ls in where for element in "ab"]
    page = page_of(tmp_path, frame, findings=findings)
    assert page.tags.count("img") == 4 * 3
    assert "1. Run 1, lumisections 3 to 4 (4 is shown) a: bin 3 is dead" in page.text
    assert "(and 1 more range of this run)" in page.text
    assert "3. Run 2, lumisection 1 a: bin 3" in page.text
    assert page_of(tmp_path, frame, findings=findings, n_worst=1).tags.count("img") == 3
    assert page_of(tmp_path, frame, findings=findings, n_worst=0).tags.count("img") == 0


@pytest.mark.parametrize("shape", [(8,), (1,), (6, 5), (1, 1), (6, 5, 3), (3, 6, 5, 2)])
def test_histograms_of_any_number_of_axes_are_drawn(tmp_path: Path, shape: tuple[int, ...]) -> None:
    edges = tuple(np.linspace(-1, 1, length + 1) for length in shape)
    counts = np.zeros(shape)
    pull = np.full(shape, np.nan)
    pull.flat[0] = np.inf
    findings = [
        Finding(1, 1, "plain", counts, counts + 4, counts - 2),
        Finding(1, 1, "edges", counts + 9, counts, pull, edges),
        Finding(1, 1, "unknown", np.full(shape, np.nan), counts, np.full(shape, np.nan)),
    ]
    page = page_of(tmp_path, verdicts_of({1: [-1]}), findings=findings)
    assert page.tags.count("img") == 9


def test_worst_layer_of_three_axes_is_named_and_drawn(tmp_path: Path) -> None:
    pull = np.zeros((6, 5, 3))
    pull[2, 2, 1] = -20
    finding = Finding(1, 1, "map", pull + 30, pull * 0 + 30, pull, names=("ieta", "iphi", "depth"))
    page = page_of(tmp_path, verdicts_of({1: [-1]}), findings=[finding])
    assert "counted, depth 1" in page.text
    assert "cell (ieta 2, iphi 2, depth 1) is low by 67 %, pull -20.0" in page.text


def test_long_lists_keep_the_worst_in_order(tmp_path: Path) -> None:
    frame = verdicts_of({1: [-1, 1] * 40}, p_value=1e-9)
    page = page_of(tmp_path, frame)
    assert "25 more ranges are flagged" in page.text
    assert "40 alarms" in page.text
    assert re.findall(r"(\d+) (\d+) 9\.5\d 1\.0e-09", page.text) == [
        (str(i), str(i)) for i in range(51, 81, 2)
    ]


def test_rows_may_come_in_any_order(tmp_path: Path) -> None:
    shifter_report(TWO_RUNS, tmp_path / "a.html", findings=[finding_of(297050, 4)])
    mixed = TWO_RUNS.sample(frac=1, random_state=0).reorder_levels(["lumisection", "run"])
    shifter_report(mixed, tmp_path / "b.html", findings=[finding_of(297050, 4)])
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_pictures_leave_the_state_of_pyplot_alone(tmp_path: Path) -> None:
    loaded = "matplotlib.pyplot" in sys.modules
    page_of(tmp_path, TWO_RUNS, findings=[finding_of(297050, 4)])
    assert ("matplotlib.pyplot" in sys.modules) == loaded


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (TWO_RUNS[["verdict"]], "lacks 'anomaly_score'; expected the columns 'verdict'"),
        (TWO_RUNS[:0], "is empty; expected at least one lumisection"),
        (TWO_RUNS.reset_index(drop=True), "expected 'run' and 'lumisection'"),
        (TWO_RUNS.assign(verdict=5), "found the verdicts 5"),
        (TWO_RUNS.assign(anomaly_score=np.nan), r"9 lumisections .* no anomaly score \(NaN\)"),
        (pd.concat([TWO_RUNS, TWO_RUNS]), "lumisection 1 of run 297050 twice"),
    ],
)
def test_wrong_tables_are_refused(tmp_path: Path, frame: pd.DataFrame, message: str) -> None:
    with pytest.raises(DataError, match=message):
        shifter_report(frame, tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_wrong_arguments_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="finding of run 7, lumisection 1, which the table"):
        shifter_report(TWO_RUNS, tmp_path / "report.html", findings=[finding_of(7, 1)])
    with pytest.raises(UsageError, match="does not exist; create it first"):
        shifter_report(TWO_RUNS, tmp_path / "nowhere" / "report.html")
    table = pd.DataFrame({"lost": [1.0]})
    with pytest.raises(DataError, match="table of luminosity lacks 'luminosity', 'lost_share'"):
        shifter_report(TWO_RUNS, tmp_path / "report.html", luminosity=table)
    with pytest.raises(InvalidParameterError, match="n_worst"):
        shifter_report(TWO_RUNS, tmp_path / "report.html", n_worst=-1)


def test_finding_checks_its_arrays_and_never_changes() -> None:
    with pytest.raises(DataError, match="three times the same"):
        Finding(1, 1, "charge", np.ones(3), np.ones(3), np.ones(4))
    with pytest.raises(DataError, match="edges of the shapes"):
        finding_of(1, 1, edges=(np.arange(3.0),))
    with pytest.raises(DataError, match="names of axes"):
        finding_of(1, 1, names=("x", "y"))
    with pytest.raises(FrozenInstanceError):
        finding_of(1, 1).run = 2  # type: ignore[misc]
