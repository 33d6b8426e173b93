import json

import pytest

from skdqm import benchmark
from skdqm.benchmark import SpeedResult

RESULTS = [
    SpeedResult("skdqm AutoencoderDetector", 2.0, 0.1, 30.0, 10.0),
    SpeedResult("PyOD AutoEncoder", 10.0, 2.0, 900.0, None),
    SpeedResult("bare torch loop", 1.0, 0.05, 60.0, 5.0),
]


@pytest.fixture
def asked(monkeypatch):
    """Replace the measurement, which takes minutes, and record what it was asked."""
    calls = []

    def speed(*sizes, report, **options):
        report("measuring")
        calls.append((sizes, options))
        return RESULTS

    monkeypatch.setattr(benchmark, "speed", speed)
    return calls


def test_options_reach_the_measurement(run, asked):
    assert run("bench", "speed", "--rows", 500, "--features", 5, "--epochs", 2, "-q").code == 0
    assert asked == [((500, 5), {"batch_size": 1024, "epochs": 2, "repeats": 3})]


def test_tables_show_seconds_and_two_sets_of_ratios(run, asked):
    _, out, err = run("bench", "speed")
    rows = [line.split("\t") for line in out.splitlines()]
    titles = [row[0] for row in rows if row[1] == "fit, s"]
    assert titles == [
        "contender",
        "relative to skdqm AutoencoderDetector",
        "relative to bare torch loop",
    ]
    assert ["PyOD AutoEncoder", "5", "20", "30", "-"] in rows
    assert ["PyOD AutoEncoder", "10", "40", "15", "-"] in rows
    assert err == "measuring\n"


def test_json_holds_settings_measures_and_ratios(run, asked):
    figures = json.loads(run("bench", "speed", "--json").out)
    assert figures["rows"] == 100_000
    assert figures["measured"]["bare torch loop"]["fit_seconds"] == 1.0
    ratios = figures["ratios"]["bare torch loop"]["skdqm AutoencoderDetector"]
    assert ratios["fit_seconds"] == 2.0
    assert ratios["peak_mebibytes"] == 2.0
