"""Every command and every block of Python of the guide runs, in the order of the page."""

import re
import shlex
from pathlib import Path

import pandas as pd
import pytest

from skdqm.io import read_golden_json

GUIDE = Path(__file__).parents[2] / "docs" / "dqm.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def played(run, tmp_path_factory):
    """Return the folder in which all of the guide was done."""
    if not GUIDE.exists():
        pytest.skip("the guide is not part of the package")
    folder = tmp_path_factory.mktemp("guide")
    names: dict[str, object] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for language, block in BLOCK.findall(GUIDE.read_text(encoding="utf-8")):
            if language == "python":
                exec(block, names)  # noqa: S102 (our own page)
                continue
            for line in block.strip().splitlines():
                program, *words = shlex.split(line)
                assert program == "skdqm"
                result = run(*words)
                assert result.code == 0, (line, result.err)
    return folder


def test_the_fault_of_the_guide_is_flagged_with_its_element(played):
    verdicts = pd.read_csv(played / "followed.csv").set_index(["run", "lumisection"])
    faulty = verdicts.loc[360021].loc[41:48]
    assert (faulty["verdict"] == "bad").all()
    assert faulty["reason"].str.contains("dead").any()
    assert set(faulty["element"]) == {"map"}


def test_the_golden_json_of_the_guide_leaves_out_the_fault_and_the_lost_beam(played):
    good = read_golden_json(played / "good.json")
    lost = [(360021, number) for number in range(41, 49)]
    lost += [(360027, number) for number in range(51, 101)]
    assert not good.contains(pd.MultiIndex.from_tuples(lost, names=["run", "lumisection"])).any()
    assert good.n_lumisections > 300


def test_the_report_of_the_guide_names_the_fault_and_the_loss(played):
    page = (played / "report.html").read_text(encoding="utf-8")
    assert "map: " in page
    assert "dead" in page
    assert "/pb" in page
    assert "<script" not in page
