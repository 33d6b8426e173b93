from itertools import pairwise
from time import perf_counter

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from skdqm.continual import ContinualDetector, GuardedGate
from skdqm.exceptions import UsageError
from skdqm.inspection import ContinualDisplay
from skdqm.inspection._continual import SMALLEST_P
from skdqm.inspection._stream_trace import MOST_POINTS, Trace, Tracer, holds_of

HELD = {"event": "held", "ticket": 1, "at_row": 320, "rows": [280, 319], "n_rows": 40}


def verdicts(scores, flags=None, experts=1):
    scores = np.asarray(scores, dtype=float)
    flags = np.ones(len(scores), dtype=int) if flags is None else flags
    return pd.DataFrame({"anomaly_score": scores, "verdict": flags, "expert": experts})


@pytest.fixture(autouse=True)
def _closed():
    mpl.use("agg")
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def followed():
    """A detector, its verdicts on a stream with a fault and a new condition, and the labels."""
    X = np.random.default_rng(0).normal(size=(2800, 3))
    y = np.zeros(2800, dtype=int)
    X[800:900] += 4
    y[800:900] = 1
    X[1500:] += 3
    gate = GuardedGate(probation=100, patience=400)
    detector = ContinualDetector(gate=gate, update_every=64, random_state=0)
    detector.fit(np.random.default_rng(1).normal(size=(600, 3)))
    return detector, detector.observe(X), y


def labels_of(display):
    return display.ax_[0].get_legend_handles_labels()[1]


def test_a_stream_shows_scores_alarms_and_how_holds_ended(followed):
    detector, found, y = followed
    display = ContinualDisplay.from_verdicts(found, detector.events_, y)
    ends = {ticket["state"] for ticket in detector.tickets_}
    assert ends == {"discarded", "released"}
    assert {"row", "flagged", "anomaly", "new condition"} <= set(labels_of(display))
    assert {"held: discarded", "held: released"} <= set(labels_of(display))
    row, flagged, anomaly = display.ax_[0].get_lines()[:3]
    np.testing.assert_allclose(row.get_ydata(), np.maximum(found["p_value"], SMALLEST_P), rtol=1e-9)
    np.testing.assert_array_equal(flagged.get_xdata(), np.flatnonzero(found["verdict"] == -1))
    np.testing.assert_array_equal(anomaly.get_xdata(), np.flatnonzero(y))
    assert display.ax_[0].get_yscale() == "log"
    assert display.ax_[0].yaxis_inverted()


def test_holds_lie_where_tickets_say(followed):
    detector, found, _ = followed
    spans = holds_of(detector.events_, len(found))
    assert [span.ended for span in spans] == [ticket["state"] for ticket in detector.tickets_]
    for span, ticket in zip(spans, detector.tickets_, strict=True):
        assert span.start == ticket["first_row"]
        assert span.stop == ticket["last_row"] + 1


def test_the_strip_shows_who_judged():
    found = verdicts(np.ones(300), experts=np.repeat([1, 2, 1], 100))
    display = ContinualDisplay.from_verdicts(found, [])
    strip = display.ax_[1]
    assert [text.get_text() for text in strip.texts] == ["1", "2", "1"]
    assert [(p.get_x(), p.get_x() + p.get_width()) for p in strip.patches] == [
        (0, 100),
        (100, 200),
        (200, 300),
    ]


@pytest.mark.parametrize(
    ("events", "stop", "ended"),
    [
        ([HELD], 1000, "open"),
        ([HELD, {"event": "discarded", "ticket": 1, "at_row": 500}], 500, "discarded"),
        ([HELD, {"event": "released", "ticket": 1, "at_row": 700}], 700, "released"),
        (
            [
                HELD,
                {"event": "switch", "at_row": 500},
                {"event": "discarded", "ticket": 1, "at_row": 500},
            ],
            500,
            "switched",
        ),
        (
            [
                HELD,
                {"event": "discarded", "ticket": 1, "at_row": 500},
                {"event": "confirmed", "ticket": 1, "at_row": 500},
            ],
            1000,
            "open",
        ),
        (
            [
                HELD,
                {"event": "held", "ticket": 1, "at_row": 400, "rows": [390, 399]},
                {"event": "released", "ticket": 1, "at_row": 700},
                {"event": "confirmed", "ticket": 1, "at_row": 900},
            ],
            700,
            "released",
        ),
    ],
)
def test_how_a_hold_ended_is_told_from_its_events(events, stop, ended):
    assert holds_of(events, 1000) == [(280, stop, ended)]


def test_events_elsewhere_in_the_stream_are_not_drawn():
    events = [
        HELD,
        {"event": "discarded", "ticket": 1, "at_row": 500},
        {"event": "drift", "at_row": 5000},
        {"event": "rollback", "at_row": 1100},
    ]
    display = ContinualDisplay.from_verdicts(verdicts(np.ones(300)), events, first_row=1000)
    assert labels_of(display) == ["row", "flagged", "rollback"]
    assert display.ax_[0].get_xlim() == (1000, 1300)


def test_p_values_that_vanish_stay_in_the_picture():
    display = ContinualDisplay.from_verdicts(verdicts([1.0, 1e6]), [])
    assert display.ax_[0].get_lines()[0].get_ydata()[1] == SMALLEST_P


def test_a_million_rows_become_few_points_and_no_alarm_is_lost():
    scores = np.random.default_rng(0).exponential(size=1_000_000)
    flags = np.where(np.arange(1_000_000) == 777_777, -1, 1)
    scores[777_777] = 50
    started = perf_counter()
    display = ContinualDisplay.from_verdicts(verdicts(scores, flags), [])
    assert perf_counter() - started < 20
    assert MOST_POINTS / 2 < len(display.trace) <= 2 * MOST_POINTS
    assert display.trace.rows[display.trace.flagged].tolist() == [777_777]


@given(
    cuts=st.lists(st.integers(1, 9999), max_size=8, unique=True),
    seed=st.integers(0, 2**16),
)
def test_points_do_not_depend_on_how_the_stream_was_cut(cuts, seed):
    random = np.random.default_rng(seed)
    found = verdicts(
        random.integers(0, 9, 10_000), random.choice([-1, 1], 10_000, p=[0.001, 0.999])
    )
    whole, parts = Tracer(), Tracer()
    whole.add(Trace.of(found, np.arange(10_000)))
    edges = [0, *sorted(cuts), 10_000]
    for start, stop in pairwise(edges):
        parts.add(Trace.of(found[start:stop], np.arange(start, stop)))
    for name in Trace.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(parts.trace, name), getattr(whole.trace, name))


def test_it_draws_on_given_axes():
    ax = Figure().subplots()
    display = ContinualDisplay.from_verdicts(verdicts(np.ones(3)), [], ax=ax)
    assert display.ax_[0] is ax
    assert display.figure_ is ax.figure


@pytest.mark.parametrize(
    ("found", "y", "message"),
    [
        (verdicts([]), None, "have 0 rows"),
        (verdicts([1.0]).drop(columns="expert"), None, "expert"),
        (verdicts([1.0]), [0, 1], "one label per row, 1"),
    ],
)
def test_what_is_no_stream_is_refused(found, y, message):
    with pytest.raises(UsageError, match=message):
        ContinualDisplay.from_verdicts(found, [], y)


def test_an_empty_trace_is_refused():
    with pytest.raises(UsageError, match="no rows"):
        ContinualDisplay(Trace.of(verdicts([]), []), []).plot()
