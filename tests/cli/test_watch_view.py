import io

import numpy as np
import pytest
from rich.console import Console

from skdqm.cli import _watch_view
from skdqm.cli._watch_view import View, alarm_line, milliseconds, place_of, shown, sparkline
from skdqm.detectors import HistogramDetector
from skdqm.streaming import StreamingDetector, StreamWorker


@pytest.fixture
def view():
    X = np.random.default_rng(0).uniform(size=(500, 2))
    stream = StreamingDetector(HistogramDetector().fit(X))
    worker = StreamWorker(stream)
    made = View("events.csv", stream, worker)
    with worker:
        yield made


def feed(view, n_events):
    view.worker.submit_many(np.full((n_events, 2), 0.5))
    while view.worker.report.n_judged < n_events:
        pass


def text_of(drawn):
    console = Console(file=io.StringIO(), width=100)
    console.print(drawn)
    return console.file.getvalue()


def test_before_the_first_event_there_is_nothing_to_say_of_rates(view):
    assert view.line().startswith("0 events, 0/s; 0 flagged (-); threshold ")
    assert "latency - / - ms" in view.line()
    assert "nan" not in text_of(view.picture())


def test_the_picture_has_counts_and_the_latest_alarms(view, monkeypatch):
    time = [0.0]
    monkeypatch.setattr(_watch_view, "monotonic", lambda: time[0])
    view.looked()
    feed(view, 300)
    time[0] = 2.0
    view.latest.append({"number": 7, "anomaly_score": 9.0, "p_value": 0.001, "about": {"row": 3}})
    drawn = text_of(view.picture())
    assert "300   150/s   █" in drawn
    assert "event 7 (row 3): score 9, p 0.001" in drawn
    assert "dropped" not in drawn


def test_rates_are_those_of_the_latest_looks(view, monkeypatch):
    time = [0.0]
    monkeypatch.setattr(_watch_view, "monotonic", lambda: time[0])
    view.looked()
    feed(view, 100)
    time[0] = 1.0
    assert view.rate() == 100
    view.looked()
    time[0] = 2.0
    assert view.rate() == 0


@pytest.mark.parametrize(
    ("values", "bars"),
    [([], ""), ([0, 0], "  "), ([0, 1, 4, 8], " ▁▄█"), ([1e-9, 1], "▁█")],
)
def test_bars_are_as_high_as_the_values(values, bars):
    assert sparkline(values) == bars


def test_numbers_that_are_not_known_yet_are_dashes():
    assert (milliseconds(float("nan")), milliseconds(0.00123)) == ("-", "1.23")
    record = {"number": 1000, "anomaly_score": 1.23456, "p_value": None, "about": {}}
    assert alarm_line(record) == "event 1,000 (): score 1.235"


@pytest.mark.parametrize(
    ("about", "place"),
    [
        ({"file": "a.csv", "line": 7, "run": 301}, "a.csv line 7, run 301"),
        ({"partition": 0, "offset": 5}, "partition 0, offset 5"),
        ({"file": "damaged.h5"}, "damaged.h5"),
    ],
)
def test_places_are_said_in_words(about, place):
    assert place_of(about) == place


def test_nothing_is_shown_when_it_is_quiet(view, monkeypatch):
    monkeypatch.setattr(_watch_view, "LINE_EVERY", 0.0)
    console = Console(file=io.StringIO(), quiet=True)
    with shown(view, console):
        feed(view, 10)
    assert console.file.getvalue() == ""
