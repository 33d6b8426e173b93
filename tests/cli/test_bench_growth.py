import json

import pytest

from skdqm import benchmark
from skdqm.benchmark import GrowthResult

RESULTS = [
    GrowthResult("a", [1000, 3162, 10_000], [0.1, 0.316, 1.0], [0.01, 0.1, 1.0]),
    GrowthResult("b", [1000], [2.0], [0.5], "> 4 s"),
    GrowthResult("c", stopped="failed, ValueError: one column only"),
]


@pytest.fixture
def asked(monkeypatch):
    calls = []

    def growth(*sizes, report, **options):
        report("measuring")
        calls.append((sizes, options))
        return RESULTS

    monkeypatch.setattr(benchmark, "growth", growth)
    return calls


def test_options_reach_the_measurement(run, asked):
    options = ["--rows", 5000, "--features", 3, "--limit", 4, "--contenders", "a,b", "-q"]
    assert run("bench", "growth", *options).code == 0
    assert asked == [((5000, 3), {"contenders": ["a", "b"], "limit": 4.0, "repeats": 1})]


def test_tables_say_why_a_size_is_missing(run, asked):
    _, out, err = run("bench", "growth")
    rows = [line.split("\t") for line in out.splitlines()]
    assert rows[0] == ["fit, s", "1000 rows", "3162 rows", "10000 rows", "exponent"]
    assert rows[1] == ["a", "0.1", "0.316", "1", "1"]
    assert rows[2] == ["b", "2", "> 4 s", "> 4 s", "-"]
    assert rows[3] == ["c", "failed", "failed", "failed", "-"]
    assert rows[5] == ["a", "0.01", "0.1", "1", "2"]
    assert err == "measuring\n1 failed:\n  c: failed, ValueError: one column only\n"


def test_json_holds_figures_and_reasons(run, asked):
    figures = json.loads(run("bench", "growth", "--json", "-q").out)
    assert [each["stopped"] for each in figures["contenders"]] == [
        None,
        "> 4 s",
        "failed, ValueError: one column only",
    ]
    assert figures["contenders"][0]["score_exponent"] == pytest.approx(2.0)
