import json

import pytest

from skdqm.benchmark._journal import KEY, Journal
from skdqm.exceptions import DataError


def record(seed, **measured):
    return {**dict.fromkeys(KEY, "same"), "seed": seed, **measured}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results.jsonl"


def test_results_are_found_again_by_their_key(path):
    Journal(path).add(record(0, auroc=0.5))
    assert Journal(path).get(record(0))["auroc"] == 0.5
    assert Journal(path).get(record(1)) is None


@pytest.mark.parametrize("field", KEY)
def test_every_part_of_the_definition_tells_results_apart(path, field):
    journal = Journal(path)
    journal.add(record(0, auroc=0.5))
    assert journal.get({**record(0), field: "another"}) is None


def test_the_last_result_of_a_key_counts(path):
    journal = Journal(path)
    journal.add(record(0, error="broken"))
    journal.add(record(0, auroc=0.7))
    assert Journal(path).get(record(0))["auroc"] == 0.7


def test_a_line_cut_anywhere_is_dropped_and_the_file_goes_on(path):
    for seed in range(2):
        Journal(path).add(record(seed, auroc=0.5))
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for end in range(first, len(whole)):
        path.write_bytes(whole[:end])
        journal = Journal(path)
        assert journal.get(record(0)) is not None
        assert journal.get(record(1)) is None
        journal.add(record(1, auroc=0.5))
        assert path.read_bytes() == whole


def test_other_lines_are_refused_by_their_number(path):
    Journal(path).add(record(0, auroc=0.5))
    with path.open("a") as file:
        file.write("{}\n")
    with pytest.raises(DataError, match="line 2 is not a result"):
        Journal(path)
    path.write_text("results\n")
    with pytest.raises(DataError, match="line 1 is not a result"):
        Journal(path)


def test_lines_are_json(path):
    Journal(path).add(record(0, auroc=0.5))
    assert json.loads(path.read_text())["auroc"] == 0.5


def test_without_a_file_results_are_remembered():
    journal = Journal(None)
    journal.add(record(0, auroc=0.5))
    assert journal.get(record(0))["auroc"] == 0.5
