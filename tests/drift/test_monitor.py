import copy
import json
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river import drift
from river.drift import binary
from scipy.signal import lfilter
from sklearn.base import clone

from skdqm.drift import DriftMonitor
from skdqm.exceptions import DataError
from skdqm.persistence._tree import decode, encode

WORDS = ["cusum", "shiryaev-roberts", "ks", "energy", "adwin", "kswin", "page-hinkley"]
OBJECTS = [drift.ADWIN(clock=1), drift.KSWIN(0.001, 40, 12), drift.PageHinkley(), binary.DDM()]
# Those that a level moved by two deviations must not escape.
SHIFTED = [*WORDS, *OBJECTS[:3]]
RNG = np.random.default_rng(0)
REFERENCE = RNG.standard_normal((1000, 2))
STREAM = RNG.standard_normal((2400, 2))
STREAM[1207:, 1] += 2


def name_of(detector):
    return detector if isinstance(detector, str) else type(detector).__name__


def fitted(detector="cusum", **options):
    return DriftMonitor(detector, **options).fit(REFERENCE)


def seen(monitor):
    """What a monitor says, in numbers that compare."""
    names = ["drift_positions_", "warning_positions_", "onset_", "direction_", "moved_"]
    names += ["n_seen_", "n_drifts_", "statistic_", "n_waiting_"]
    return {name: getattr(monitor, name) for name in names}


def autoregressive(rng, n, phi):
    return lfilter([1], [1, -phi], rng.standard_normal(n + 500) * np.sqrt(1 - phi**2))[500:]


@pytest.mark.parametrize("detector", SHIFTED, ids=name_of)
def test_a_shift_is_found_with_its_column_its_direction_and_its_onset(detector):
    monitor = fitted(detector)
    assert not monitor.update(STREAM[:1200]).drift_
    assert monitor.update(STREAM[1200:]).drift_
    first = monitor.changes_[0]
    assert 1207 < first["position"] < 2200
    assert first["moved"] == [1]
    assert first["direction"] in (1, 0)
    assert abs(first["onset"] - 1207) <= 300


@pytest.mark.parametrize("detector", [*WORDS, *OBJECTS], ids=name_of)
def test_how_rows_are_cut_into_calls_does_not_matter(detector):
    whole = fitted(detector).update(STREAM)
    cut = fitted(detector)
    for part in np.split(STREAM, [0, 1, 2, 31, 32, 33, 500, 1210, 1211, 2000]):
        cut.update(part)
    assert seen(cut) == seen(whole)
    np.testing.assert_array_equal(cut.statistics_, whole.statistics_)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 2400), max_size=30).map(sorted))
def test_no_cut_matters(cuts):
    cut = fitted()
    for part in np.split(STREAM, cuts):
        cut.update(part)
    assert seen(cut) == seen(fitted().update(STREAM))


def through_json(monitor):
    """Build a monitor from its parameters and its state, which must be plain data."""
    state = {key: value for key, value in vars(monitor).items() if key not in monitor.get_params()}
    arrays = {}
    tree = json.loads(json.dumps(encode(state, arrays)))
    loaded = clone(monitor)
    vars(loaded).update(decode(tree, arrays))
    return loaded


@pytest.mark.parametrize(
    "keep", [copy.deepcopy, copy.copy, through_json, lambda each: pickle.loads(pickle.dumps(each))]
)
@pytest.mark.parametrize("detector", [*WORDS, *OBJECTS], ids=name_of)
def test_one_that_was_kept_decides_alike(detector, keep):
    monitor = fitted(detector).update(STREAM[:777])
    kept = keep(monitor)
    kept.update(STREAM[777:])
    # The copy has learned; the first one is where it was.
    assert monitor.n_seen_ == 777
    monitor.update(STREAM[777:])
    assert seen(kept) == seen(monitor)


@pytest.mark.parametrize("detector", ["adwin", binary.HDDMA()], ids=name_of)
def test_what_a_detector_of_river_was_fed_has_a_bound_and_is_all_it_knows(detector):
    long = RNG.standard_normal(10_000)
    monitor = DriftMonitor(detector, block_size=2).fit(REFERENCE[:, 0]).update(long[:8300])
    assert max(len(value) for value in monitor._state.values()) <= 4096
    loaded = through_json(monitor)
    rest = long[8300:] + 1
    assert seen(loaded.update(rest)) == seen(monitor.update(rest))


def test_a_detector_of_river_that_is_given_is_never_updated():
    given_ = drift.ADWIN(clock=1)
    DriftMonitor(given_).fit(REFERENCE).update(STREAM)
    assert given_.width == 0


@pytest.mark.parametrize("detector", ["cusum", "adwin"])
def test_a_wrong_row_leaves_the_monitor_as_it_was(detector):
    monitor = fitted(detector).update(STREAM[:500])
    wrong = STREAM[500:600].copy()
    wrong[7, 1] = np.nan
    with pytest.raises(DataError, match="row 7, column 1: found nan"):
        monitor.update(wrong)
    assert seen(monitor.update(STREAM[500:])) == seen(fitted(detector).update(STREAM))


def test_a_failure_inside_a_step_leaves_a_detector_of_river_to_be_replayed(monkeypatch):
    monitor = fitted("adwin").update(STREAM[:500])
    with monkeypatch.context() as broken:
        broken.setattr("skdqm.drift._monitor._Pass._judge", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            monitor.update(STREAM[500:])
    assert seen(monitor.update(STREAM[500:])) == seen(fitted("adwin").update(STREAM))


@pytest.mark.parametrize("word", WORDS)
def test_few_false_alarms_whatever_the_law_and_the_units(word):
    rng = np.random.default_rng(1)
    for rows in (rng.standard_normal(22_000), 1e6 * rng.standard_t(2, 22_000)):
        monitor = DriftMonitor(word).fit(rows[:2000])
        assert monitor.update(rows[2000:]).n_drifts_ <= 1


@pytest.mark.parametrize("word", WORDS)
def test_neighbours_that_are_alike_do_not_storm(word):
    found = []
    for seed in range(3):
        rows = autoregressive(np.random.default_rng(seed), 32_000, 0.9)
        found.append(DriftMonitor(word).fit(rows[:2000]).update(rows[2000:]).n_drifts_)
    assert sum(found) <= 3


def test_false_alarms_are_no_more_than_accepted_and_not_out_of_all_proportion():
    # Many are accepted so that they can be counted; a long reference leaves nothing open.
    rows = np.random.default_rng(2).standard_normal(420_000)
    monitor = DriftMonitor(false_alarms=50).fit(rows[:20_000]).update(rows[20_000:])
    assert 20 < monitor.n_drifts_ < 220


def test_limits_do_not_depend_on_how_columns_are_scaled():
    one = DriftMonitor().fit(REFERENCE).update(STREAM)
    other = DriftMonitor().fit(np.exp(REFERENCE)).update(np.exp(STREAM))
    assert seen(one) == seen(other)


def test_a_short_reference_has_wider_limits():
    rows = RNG.standard_normal(10_000)
    short, long = (DriftMonitor().fit(rows[:n]) for n in (512, 10_000))
    assert short.thresholds_[0] > 1.2 * long.thresholds_[0]


def test_more_columns_have_higher_limits():
    rows = RNG.standard_normal((5000, 1))
    one, many = DriftMonitor().fit(rows), DriftMonitor().fit(np.repeat(rows, 50, axis=1))
    assert (many.thresholds_ > one.thresholds_[0]).all()


def test_an_event_shorter_than_asked_does_not_fire_alone():
    burst = RNG.standard_normal(1200)
    burst[407:490] += 6
    rows = RNG.standard_normal(4000)
    for word in ("cusum", "shiryaev-roberts"):
        assert DriftMonitor(word).fit(rows).update(burst).drift_
        assert not DriftMonitor(word, min_duration=90).fit(rows).update(burst).drift_


@pytest.mark.parametrize("word", ["ks", "energy"])
def test_tests_of_two_samples_see_the_spread(word):
    narrow = 0.4 * RNG.standard_normal(600)
    monitor = DriftMonitor(word).fit(REFERENCE[:, 0]).update(narrow)
    assert (monitor.n_drifts_ > 0, monitor.direction_, monitor.moved_) == (True, 0, [0])


def test_the_energy_distance_sees_columns_that_no_longer_go_together():
    rng = np.random.default_rng(3)
    together = rng.multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]], 3000)
    apart = rng.standard_normal((600, 2))
    assert DriftMonitor("energy").fit(together).update(apart).drift_
    assert not DriftMonitor("ks").fit(together).update(apart).drift_


def test_values_that_are_often_equal_are_ranked_in_their_middle():
    rows = RNG.poisson(0.3, 6000).astype(float)
    for word in ("cusum", "shiryaev-roberts", "ks", "energy", "adwin", "page-hinkley"):
        assert not DriftMonitor(word).fit(rows[:3000]).update(rows[3000:]).drift_


def test_a_column_that_never_varied_fires_when_it_moves():
    rows = np.zeros(600)
    monitor = DriftMonitor().fit(rows).update(rows)
    assert not monitor.drift_
    assert monitor.update(rows + 1).direction_ == 1


def test_it_fires_again_until_it_is_rebased():
    monitor = fitted().update(STREAM)
    assert monitor.n_drifts_ > 3
    other = monitor.rebased(STREAM[1300:])
    assert (other.n_seen_, other.n_drifts_) == (2400, monitor.n_drifts_)
    assert not other.update(STREAM[1300:]).drift_
    assert monitor.n_seen_ == 2400


def test_reset_forgets_blocks_and_rows_that_wait_and_counts_on():
    monitor = fitted().update(STREAM[:1250]).reset()
    assert (monitor.n_seen_, monitor.n_waiting_, monitor.statistic_) == (1250, 0, 0.0)
    assert monitor.update(STREAM[1250:1282]).n_waiting_ == 0


def test_names_of_a_frame_say_what_moved():
    frame, later = (pd.DataFrame(each, columns=["gain", "noise"]) for each in (REFERENCE, STREAM))
    assert DriftMonitor().fit(frame).update(later).moved_ == ["noise"]


def test_a_column_of_scores_may_be_flat():
    flat = DriftMonitor().fit(REFERENCE[:, 1]).update(STREAM[:, 1])
    column = DriftMonitor().fit(REFERENCE[:, [1]]).update(STREAM[:, [1]])
    assert seen(flat) == seen(column)


def test_no_rows_change_nothing():
    monitor = fitted().update(STREAM[:100])
    before = seen(monitor)
    assert seen(monitor.update(np.empty((0, 2)))) == before
    assert not monitor.drift_


def test_warnings_come_before_drifts_and_are_counted_once():
    slow = RNG.standard_normal(6000) + np.linspace(0, 1.5, 6000)
    monitor = DriftMonitor().fit(REFERENCE[:, 0]).update(slow)
    assert monitor.warning_
    assert monitor.warning_positions_[0] < monitor.drift_positions_[0]


def test_positions_are_bounded():
    monitor = DriftMonitor(block_size=4).fit(REFERENCE[:, 0]).update(np.full(20_000, 9.0))
    assert monitor.n_drifts_ > 1000
    assert len(monitor.drift_positions_) == 1000


@pytest.mark.parametrize(
    "wrong",
    [
        {"detector": "sprt"},
        {"detector": 3},
        {"block_size": 0},
        {"false_alarms": 0},
        {"shift": -1},
        {"window": 0},
        {"min_duration": -1},
    ],
)
def test_wrong_parameters_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        DriftMonitor(**wrong).fit(REFERENCE)


def test_a_reference_of_few_blocks_is_refused():
    with pytest.raises(DataError, match="found 200 rows of reference, expected 8 blocks of 32"):
        DriftMonitor().fit(REFERENCE[:200])


def test_a_clone_has_the_same_parameters():
    monitor = DriftMonitor(drift.ADWIN(delta=0.01), block_size=8)
    assert clone(monitor).detector.delta == 0.01
