import pytest

from skdqm.benchmark import _drift
from skdqm.benchmark._drift import drift
from skdqm.exceptions import UsageError

SMALL = {"reference": 512, "seeds": 2}


@pytest.fixture(autouse=True)
def _few_changes(monkeypatch):
    monkeypatch.setattr(_drift, "CHANGES", 2)


def test_a_line_for_each_stream_and_detector_with_a_spread():
    table = drift(3000, detectors=["cusum", "adwin"], **SMALL).table
    assert len(table) == 2 * len(_drift.STREAMS)
    assert (table["n_seeds"] == 2).all()
    normal = table[(table["dataset"] == "gaussian") & (table["contender"] == "cusum")].iloc[0]
    assert normal["delay_2"] < normal["delay_0.5"] < 4000
    assert normal["delay_2_std"] >= 0


def test_alarms_of_bursts_are_counted_apart():
    bursts = [(100, 150), (900, 950)]
    figures = _drift._alarm_figures([160, 500, 940, 941], bursts, 100_000)
    assert figures == {"false_alarms": 1, "bursts_flagged": 1.0}
    assert _drift._alarm_figures([160], bursts, 50_000)["bursts_flagged"] == 0.5
    assert _drift._alarm_figures([1, 2], [], 50_000) == {"false_alarms": 4}


def test_the_delay_is_measured_from_the_change_and_has_an_end():
    class Monitor:
        block_size = 32

        def __init__(self, alarms):
            self.alarms = alarms

        def update(self, values):
            self.changes_ = [{"position": each} for each in self.alarms]
            return self

    rng = _drift.np.random.default_rng(0)
    # Changes come after 1,000 to 1,031 rows; earlier alarms are none of theirs.
    found = _drift._one_delay(Monitor([5, 1100, 1200]), _drift._gaussian, rng, 1.0)
    assert 68 < found <= 100
    assert _drift._one_delay(Monitor([5]), _drift._gaussian, rng, 1.0) == _drift.AFTER


def test_a_run_goes_on_where_it_was_ended(tmp_path, monkeypatch):
    first = drift(1000, detectors=["cusum"], out=tmp_path, **SMALL)
    monkeypatch.setattr(_drift, "_measured", lambda *_: 1 / 0)
    again = drift(1000, detectors=["cusum"], out=tmp_path, **SMALL)
    assert again.table.equals(first.table)
    assert (tmp_path / "drift.csv").exists()


def test_what_fails_is_told_and_is_measured_again(tmp_path, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(_drift, "_measured", lambda *_, **__: 1 / 0)
        said = []
        result = drift(
            1000, detectors=["cusum"], out=tmp_path, reference=512, seeds=1, report=said.append
        )
    assert len(result.failures) == len(_drift.STREAMS) == len(said)
    assert result.failures[0].endswith("cusum: ZeroDivisionError: division by zero")
    assert not drift(1000, detectors=["cusum"], out=tmp_path, reference=512, seeds=1).failures


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rows": 0}, "rows=0"),
        ({"seeds": 0}, "seeds=0"),
        ({"detectors": ["sprt"]}, "sprt"),
        ({"detectors": []}, "cusum, "),
    ],
)
def test_wrong_requests_are_refused(wrong, message):
    with pytest.raises(UsageError, match=message):
        drift(**wrong)
