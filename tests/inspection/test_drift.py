from itertools import pairwise

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm.drift import DriftMonitor
from skdqm.exceptions import UsageError
from skdqm.inspection import DriftDisplay
from skdqm.inspection._drift import grouped

RNG = np.random.default_rng(0)
REFERENCE = pd.DataFrame(RNG.standard_normal((1000, 2)), columns=["gain", "noise"])
STREAM = pd.DataFrame(RNG.standard_normal((640, 2)), columns=["gain", "noise"])
STREAM.loc[320:, "noise"] += 2


@pytest.fixture(autouse=True)
def _closed():
    mpl.use("agg")
    yield
    plt.close("all")


@pytest.fixture
def monitor():
    return DriftMonitor().fit(REFERENCE)


def test_the_trace_marks_what_the_monitor_finds_and_leaves_it(monitor):
    display = DriftDisplay.from_monitor(monitor, STREAM)
    assert monitor.n_seen_ == 0
    found = monitor.update(STREAM)
    assert [each["position"] for each in display.changes] == found.drift_positions_
    assert len(display.statistics) == 20
    line = display.ax_.get_lines()[0]
    np.testing.assert_array_equal(line.get_ydata(), display.statistics)
    assert "noise" in [text.get_text() for text in display.ax_.texts]


def test_blocks_that_began_before_are_ended_first(monitor):
    monitor.update(STREAM[:10])
    display = DriftDisplay.from_monitor(monitor, STREAM[10:])
    np.testing.assert_array_equal(display.positions, np.arange(32, 641, 32))


def test_it_draws_on_given_axes(monitor):
    figure, ax = plt.subplots()
    display = DriftDisplay.from_monitor(monitor, STREAM, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is figure


def test_kept_statistics_are_drawn_with_their_own_limit():
    display = DriftDisplay.from_statistics([1, 2], [0.5, 9.0], threshold=7.5)
    assert display.ax_.get_ylabel() == "statistic"
    assert display.ax_.get_lines()[1].get_ydata()[0] == 7.5


def test_of_many_columns_some_are_named():
    change = {"position": 2, "moved": list(range(9))}
    display = DriftDisplay.from_statistics([1, 2], [0, 2], changes=[change])
    assert display.ax_.texts[0].get_text() == "0, 1, 2 +6"


def test_one_column_needs_no_name():
    scores = STREAM["noise"].to_numpy()
    display = DriftDisplay.from_monitor(DriftMonitor().fit(REFERENCE["noise"].to_numpy()), scores)
    assert not display.ax_.texts


def test_rows_that_fill_no_block_are_refused(monitor):
    with pytest.raises(UsageError, match="found 31 rows, expected 32 or more"):
        DriftDisplay.from_monitor(monitor, STREAM[:31])


@pytest.mark.parametrize(("positions", "statistics"), [([], []), ([1], [1, 2]), ([[1]], [[1]])])
def test_unequal_statistics_are_refused(positions, statistics):
    with pytest.raises(UsageError, match="one number for each block"):
        DriftDisplay(positions, statistics).plot()


MARKS = st.lists(st.tuples(st.integers(0, 1000), st.just("name")), max_size=60).map(sorted)


@given(MARKS, st.integers(1, 200))
def test_texts_of_drifts_never_overlap_and_all_are_counted(marks, width):
    groups = grouped(marks, width)
    for (place, _), (later, texts) in pairwise(groups):
        assert place <= later - width * len(texts)
    told = [text for _, texts in groups for text in texts]
    more = [int(text.split()[0]) for text in told if text.startswith("+")]
    assert len(told) - len(more) + sum(more) == len(marks)


def test_texts_move_apart_when_other_axes_stretch_the_shared_one():
    figure, (above, below) = plt.subplots(2, sharex=True)
    changes = [{"position": at, "moved": ["gain", "noise"]} for at in (40, 80, 1600)]
    DriftDisplay.from_statistics([0, 100], [0, 1], changes=changes, ax=above)
    below.plot([0, 100_000], [0, 1])
    figure.canvas.draw()
    assert [text.get_text() for text in above.texts] == ["gain, noise\n" * 2 + "gain, noise"]
    below.set_xlim(0, 100)
    figure.canvas.draw()
    first, second = [text.get_window_extent() for text in above.texts]
    assert first.x1 <= second.x0


def test_a_change_without_a_place_is_refused():
    with pytest.raises(UsageError, match="lacks its position"):
        DriftDisplay([1], [1], changes=[{"onset": 0}]).plot()
