"""Golden JSON files: those that are fine, those that are not, and published ones."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm.exceptions import DataError, UsageError
from skdqm.io._golden_json import read_golden_json, write_golden_json
from skdqm.io._lumisection_ranges import LumisectionRanges

Find = Callable[[str], Path]
PAIRS = st.tuples(st.integers(1, 3000), st.integers(0, 900)).map(lambda p: (p[0], p[0] + p[1]))
MAPPINGS = st.dictionaries(st.integers(1, 400_000), st.lists(PAIRS, max_size=6), max_size=6)


@pytest.mark.parametrize("name", ["a.json", "a.txt", "a.json.gz", "A.TXT.GZ"])
@given(mapping=MAPPINGS)
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, name: str, mapping: dict[int, list[tuple[int, int]]]
) -> None:
    path = tmp_path_factory.mktemp("golden") / name
    ranges = LumisectionRanges(mapping)
    write_golden_json(ranges, path)
    assert read_golden_json(path) == ranges
    first = path.read_bytes()
    write_golden_json(read_golden_json(path), path)
    assert path.read_bytes() == first


def test_runs_are_sorted_as_numbers_one_on_a_line(tmp_path: Path) -> None:
    path = tmp_path / "golden.json"
    write_golden_json(LumisectionRanges({100: [(5, 9)], 99: [(11, 12), (1, 3)]}), path)
    assert path.read_text() == '{\n"99": [[1, 3], [11, 12]],\n"100": [[5, 9]]\n}\n'
    write_golden_json(LumisectionRanges(), path)
    assert path.read_text() == "{}\n"


def test_order_overlap_and_touch_in_a_file_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "dcs.txt"
    path.write_text('\ufeff{"294936": [[9, 33], [8, 8], [1, 7], [20, 40]], "1": []}', "utf-8")
    assert list(read_golden_json(path)) == [(294936, 1, 40)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot read this as golden JSON"),
        ('{"1": [[1, 2]]', "cannot read this as golden JSON"),
        ("[[1, 2]]", "found a JSON list; expected ranges by run"),
        ('{"1": [[1, 2]], "1": [[5, 6]]}', "found run 1 twice"),
        ('{"run": [[1, 2]]}', "found the run 'run'; expected a whole number"),
        ('{"297050": [[12, 137], [776, 193]]}', r"run 297050: found the range \[776, 193\]"),
        ('{"297050": [[0, 137]]}', r"run 297050: found the range \[0, 137\]"),
        ('{"297050": [[1, 2.5]]}', r"run 297050: found the range \[1, 2.5\]"),
        ('{"297050": [[1, NaN]]}', r"run 297050: found the range \[1, nan\]"),
        ('{"297050": [12, 137]}', "run 297050: found the range 12; expected two whole numbers"),
        ('{"297050": {"a": [1, 2]}}', "run 297050: found {'a'"),
        ("[" * 100_000, "cannot read this as golden JSON"),
        ('{"1": [[1, ' + "9" * 5000 + "]]}", "cannot read this as golden JSON"),
    ],
)
def test_errors_name_file_run_and_range(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "golden.json"
    path.write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        read_golden_json(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_truncated_gzip_and_foreign_bytes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "golden.json.gz"
    path.write_bytes(gzip.compress(json.dumps({"1": [[1, 2]]}).encode())[:-9])
    with pytest.raises(DataError, match="cannot read this as golden JSON"):
        read_golden_json(path)
    path.write_bytes(b'{"1\xff": []}')
    with pytest.raises(DataError, match="not UTF-8"):
        read_golden_json(path)


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot open: No such file"):
        read_golden_json(tmp_path / "golden.json")
    with pytest.raises(DataError, match="cannot open: Is a directory"):
        read_golden_json(tmp_path)
    with pytest.raises(UsageError, match="does not exist; create it"):
        write_golden_json(LumisectionRanges(), tmp_path / "nowhere" / "golden.json")
    with pytest.raises(UsageError, match=r"cannot write '\.csv'; expected one of \.json"):
        write_golden_json(LumisectionRanges(), tmp_path / "golden.csv")


def test_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "golden.json"
    write_golden_json(LumisectionRanges({1: [(1, 2)]}), path)
    broken: Any = {"not": "ranges"}
    with pytest.raises(AttributeError):
        write_golden_json(broken, path)
    assert read_golden_json(path) == LumisectionRanges({1: [(1, 2)]})
    assert [each.name for each in tmp_path.iterdir()] == ["golden.json"]


@pytest.mark.parametrize(
    ("year", "n_lumisections", "outside"),
    [
        (2017, 206_287, {305081: [(226, 227)]}),
        (2018, 234_529, {}),
        (
            2022,
            123_097,
            {359998: [(756, 756), (1889, 1918)], 360017: [(71, 81)], 362757: [(32, 32)]},
        ),
    ],
)
def test_published_golden_json_lies_within_the_detector_control_system_but_for_a_few(
    shared_data: Find, year: int, n_lumisections: int, outside: dict[int, list[tuple[int, int]]]
) -> None:
    golden = read_golden_json(shared_data(f"dqm/cms_json/json_GOLDEN_{year}.txt"))
    dcs = read_golden_json(shared_data(f"dqm/cms_json/json_DCSONLY_{year}.txt"))
    assert golden.n_lumisections == n_lumisections
    assert (golden - dcs) == LumisectionRanges(outside)
    assert golden & dcs == golden - (golden - dcs)


def test_published_certification_explains_the_labels_of_the_pixel_detector(
    shared_data: Find,
) -> None:
    folder = shared_data("dqm/cms_pixel_2017B")
    name = "Cert_294927-306462_13TeV_PromptReco_Collisions17_JSON.txt"
    table = pd.read_csv(
        folder / "chargeInner_PXLayer_1_perLS_dev.csv.gz", usecols=["run", "lumi", "good"]
    )
    index = pd.MultiIndex.from_frame(table[["run", "lumi"]], names=["run", "lumisection"])
    found = read_golden_json(folder / name).contains(index)
    assert found.tolist() == table["good"].astype(bool).tolist()
