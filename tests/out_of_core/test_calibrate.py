import numpy as np
import pytest
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdqm.detectors import HistogramDetector
from skdqm.exceptions import UsageError
from skdqm.monitoring import MinimumEntries
from skdqm.out_of_core import calibrate

X = np.random.default_rng(0).normal(size=(6000, 3))
GOOD = X[1000:4000]


def fitted():
    return make_pipeline(StandardScaler(), HistogramDetector()).fit(X[:1000])


def test_as_many_rows_as_there_is_room_for_give_the_calibration_of_memory():
    in_memory, out_of_core = fitted(), fitted()
    in_memory[-1].calibrate(in_memory[0].transform(GOOD), alarm_rate=0.02)
    assert calibrate(out_of_core, np.array_split(GOOD, 7), alarm_rate=0.02) is out_of_core
    for name in ("offset_", "alarm_rate_", "alarm_rate_interval_"):
        assert getattr(out_of_core[-1], name) == getattr(in_memory[-1], name)
    np.testing.assert_array_equal(
        out_of_core[-1].calibration_scores_, in_memory[-1].calibration_scores_
    )


def test_of_more_rows_a_sample_is_kept_and_its_size_decides_the_interval():
    few, all_of_them = fitted(), fitted()
    calibrate(few, GOOD, alarm_rate=0.05, max_scores=500)
    calibrate(all_of_them, GOOD, alarm_rate=0.05)
    assert len(few[-1].calibration_scores_) == 500
    assert set(few[-1].calibration_scores_) <= set(all_of_them[-1].calibration_scores_)
    widths = [high - low for low, high in (e[-1].alarm_rate_interval_ for e in (few, all_of_them))]
    assert widths[0] > 2 * widths[1]


def test_the_promised_rate_holds_over_samples_of_a_sorted_source():
    in_order = GOOD[np.argsort(fitted().score_samples(GOOD))]
    rates = []
    for seed in range(100):
        detector = calibrate(
            fitted(), [in_order], alarm_rate=0.1, max_scores=300, random_state=seed
        )
        rates.append((detector.predict(GOOD) == -1).mean())
    # One rate has a standard deviation of 0.017, and the mean is at most the promise.
    assert np.mean(rates) == pytest.approx(0.1, abs=0.006)
    assert np.std(rates) == pytest.approx(0.017, abs=0.004)


def test_rows_without_a_verdict_do_not_calibrate():
    counts = np.random.default_rng(0).poisson(50, (1000, 3)).astype(float)
    detector = MinimumEntries(HistogramDetector(), min_entries=50).fit(counts)
    few = counts.copy()
    few[::2] = 1
    assert len(calibrate(detector, few).calibration_scores_) == 500


def test_one_pass_is_enough():
    blocks = (GOOD[start : start + 100] for start in range(0, 3000, 100))
    assert len(calibrate(fitted(), blocks)[-1].calibration_scores_) == 3000


def test_too_few_rows_for_the_rate_are_refused_and_leave_the_threshold():
    detector = fitted()
    offset = detector[-1].offset_
    with pytest.raises(UsageError, match="needs at least 999 good rows"):
        calibrate(detector, GOOD[:100], alarm_rate=0.001)
    assert detector[-1].offset_ == offset


def test_detectors_of_other_packages_are_refused():
    with pytest.raises(UsageError, match="IsolationForest cannot be calibrated"):
        calibrate(IsolationForest().fit(X), GOOD)


def test_an_unfitted_detector_is_refused_before_rows_are_read():
    with pytest.raises(NotFittedError):
        calibrate(HistogramDetector(), lambda: pytest.fail("was read"))


@pytest.mark.parametrize("alarm_rate", [0, 1, "0.1"])
def test_a_rate_outside_its_range_is_refused(alarm_rate):
    with pytest.raises(ValueError, match="'alarm_rate' parameter of calibrate must be"):
        calibrate(fitted(), GOOD, alarm_rate=alarm_rate)
