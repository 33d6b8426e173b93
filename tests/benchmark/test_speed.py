import random
from time import sleep

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from skdqm.benchmark import CONTENDERS, SpeedResult, speed
from skdqm.exceptions import UsageError

TINY = {"n_rows": 200, "n_features": 4, "batch_size": 100, "epochs": 1, "repeats": 1}


def test_every_contender_is_measured_in_its_order():
    results = speed(**TINY, memory=False)
    assert [result.contender for result in results] == list(CONTENDERS)
    for result in results:
        assert result.fit_seconds > 0
        assert result.score_seconds > 0
        assert result.event_microseconds > 0
        assert result.peak_mebibytes is None


def test_memory_is_measured_on_request():
    (result,) = speed(**TINY, contenders=["bare torch loop"])
    assert 0 <= result.peak_mebibytes < 1000


def test_every_run_is_reported_turn_by_turn():
    names = ["bare torch loop", "PyOD VAE"]
    lines = []
    settings = {**TINY, "repeats": 2, "memory": False}
    speed(**settings, contenders=names, report=lines.append)
    assert [line.rpartition(" fitted")[0] for line in lines] == [
        f"run {run} of 2: {name}" for run in (1, 2) for name in names
    ]


def test_random_generators_and_threads_are_left_as_they_were():
    def draws():
        return random.random(), np.random.random(), torch.rand(1).item()  # noqa: NPY002, S311

    def seed():
        random.seed(1)
        np.random.seed(1)  # noqa: NPY002
        torch.manual_seed(1)

    threads = torch.get_num_threads()
    seed()
    expected = draws()
    seed()
    speed(**TINY, memory=False, contenders=["PyOD AutoEncoder", "bare torch loop"])
    assert draws() == expected
    assert torch.get_num_threads() == threads


def test_everybody_has_one_thread_whatever_the_process_has(monkeypatch):
    found = []

    class Probe:
        def __init__(self, training):
            del training

        def fit(self, X):
            found.extend(pool["num_threads"] for pool in threadpool_info())
            found.append(torch.get_num_threads())
            return self

        def decision_function(self, X):
            return X[:, 0]

    monkeypatch.setitem(CONTENDERS, "probe", Probe)
    with threadpool_limits(2):
        speed(**TINY, memory=False, contenders=["probe"])
    assert set(found) == {1}


def test_waiting_for_a_busy_machine_counts_for_nothing(monkeypatch):
    class Waiting:
        def __init__(self, training):
            del training

        def fit(self, X):
            sleep(0.1)
            return self

        def decision_function(self, X):
            return X[:, 0]

    monkeypatch.setitem(CONTENDERS, "waiting", Waiting)
    (result,) = speed(**TINY, memory=False, contenders=["waiting"])
    assert result.fit_seconds < 0.05


def test_ratios_compare_each_figure_and_leave_out_what_was_not_measured():
    ours = SpeedResult("a", 2.0, 1.0, 30.0, None)
    theirs = SpeedResult("b", 10.0, 4.0, 60.0, 8.0)
    assert theirs.relative_to(ours) == {
        "fit_seconds": 5.0,
        "score_seconds": 4.0,
        "event_microseconds": 2.0,
        "peak_mebibytes": None,
    }


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"contenders": ["a forest"]}, "a forest"),
        ({"repeats": 0}, "repeats=0"),
        ({"n_rows": 99}, "do not fill a batch"),
    ],
)
def test_requests_that_make_no_sense_are_refused(wrong, message):
    with pytest.raises(UsageError, match=message):
        speed(**{**TINY, **wrong})
