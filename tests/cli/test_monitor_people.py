import json

import numpy as np
import pytest

from skdqm.persistence import load, read_metadata
from tests.cli.monitor_streams import FEATURES, quick_settings, rows


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    return tmp_path_factory.mktemp("people")


@pytest.fixture(scope="module")
def holding(run, here):
    """A model that holds rows which look wrong: ticket 1 is open."""
    rows(800, 0).to_parquet(here / "good.parquet", index=False)
    rows(1000, 1, slice(900, 1000)).to_parquet(here / "stream.parquet", index=False)
    words = ["train", here / "good.parquet", "-o", here / "model", *quick_settings()]
    assert run(*words).code == 0
    words = ["monitor", here / "stream.parquet", "-m", here / "model", "--update", here / "holding"]
    assert run(*words).code == 0
    assert load(here / "holding")[-1].tickets_[-1]["state"] == "open"
    return here / "holding"


@pytest.mark.parametrize("said", ["benign", "fault"])
def test_a_ticket_is_confirmed_in_a_new_model(run, holding, tmp_path, said):
    before = holding.read_bytes()
    code, out, err = run("confirm", holding, 1, f"--{said}", "-o", tmp_path / "m")
    assert (code, out) == (0, "")
    assert "wrote" in err
    assert holding.read_bytes() == before
    detector, expected = load(tmp_path / "m")[-1], load(holding)[-1]
    expected.confirm(1, benign=said == "benign")
    assert detector.tickets_ == expected.tickets_
    assert detector.experts_ == expected.experts_
    assert read_metadata(tmp_path / "m")["updates"][-1]["by"] == "confirm"


def test_a_wrong_number_lists_the_tickets(run, holding, tmp_path):
    code, _, err = run("confirm", holding, 7, "--benign", "-o", tmp_path / "m")
    assert code == 2
    assert "there is no ticket 7" in err
    assert "its latest tickets are: 1 open, rows 8" in err
    assert not (tmp_path / "m").exists()


def test_a_model_without_tickets_says_so(run, here, holding, tmp_path):
    del holding
    code, _, err = run("confirm", here / "model", 1, "--fault", "-o", tmp_path / "m")
    assert code == 2
    assert "it has no ticket" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["confirm", 1], "expected --benign or --fault"),
        (["rollback", 99], "version 99 is not kept"),
        (["feedback", "--rows", "1"], "expected --good or --bad"),
        (["feedback", "--bad"], "expected either --rows or --lumisections"),
        (["feedback", "--bad", "--rows", "1", "--lumisections", "1:1"], "expected either"),
        (["feedback", "--bad", "--rows", "9-1"], "--rows 9-1: expected one whole number or two"),
        (["feedback", "--bad", "--rows", "a"], "--rows a: expected"),
        (["feedback", "--bad", "--rows", "0-9999999"], "more than 1,000,000"),
        (["feedback", "--bad", "--lumisections", "5-9"], "expected RUN:A-B"),
    ],
)
def test_wrong_words_end_in_one_line(run, holding, tmp_path, words, message):
    name, *others = words
    code, out, err = run(name, holding, *others, "-o", tmp_path / "m")
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_a_rollback_goes_back_to_the_experts_of_a_version(run, holding, tmp_path):
    version = load(holding)[-1].versions_[0]
    assert run("rollback", holding, version, "-o", tmp_path / "m", "-q") == (0, "", "")
    expected, X = load(holding)[-1].rollback(version), rows(50, 3)[FEATURES]
    np.testing.assert_array_equal(
        load(tmp_path / "m")[-1].score_samples(X), expected.score_samples(X)
    )
    assert load(tmp_path / "m")[-1].events_[-1]["event"] == "rollback"


@pytest.mark.parametrize(
    ("words", "index"),
    [
        (["--rows", "700-720,730"], [*range(700, 721), 730]),
        (["--lumisections", "302:201-221,302:231"], [*range(700, 721), 730]),
    ],
)
def test_feedback_names_rows_by_place_or_lumisection(run, holding, tmp_path, words, index):
    code, _, err = run("feedback", holding, "--bad", *words, "-o", tmp_path / "m")
    assert code == 0
    assert "forgotten: " in err
    expected, X = load(holding)[-1].feedback(index, -1), rows(50, 3)[FEATURES]
    detector = load(tmp_path / "m")[-1]
    assert detector.events_ == expected.events_
    np.testing.assert_array_equal(detector.score_samples(X), expected.score_samples(X))


def test_held_rows_that_were_good_are_released(run, holding, tmp_path):
    ticket = load(holding)[-1].tickets_[-1]
    held = f"{ticket['first_row']}-{ticket['last_row']}"
    code, _, err = run("feedback", holding, "--good", "--rows", held, "-o", tmp_path / "m")
    assert code == 0
    assert "a verdict called them good" in err
    facts = json.loads(run("info", tmp_path / "m", "--json").out)
    assert facts["tickets"][-1]["state"] != "open"


def test_a_model_that_does_not_follow_streams_is_refused(run, model, tmp_path):
    for words in (["confirm", model, 1, "--fault"], ["rollback", model, 1]):
        code, _, err = run(*words, "-o", tmp_path / "m")
        assert code == 2
        assert "does not follow a stream" in err
