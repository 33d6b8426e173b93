import pytest

from skdqm.streaming import _patience
from skdqm.streaming._patience import Patience


@pytest.fixture
def clock(monkeypatch):
    """A clock that only sleeping moves."""
    time = [0.0]
    monkeypatch.setattr(_patience, "monotonic", lambda: time[0])
    monkeypatch.setattr(_patience, "sleep", lambda seconds: time.append(time.pop() + seconds))
    return time


def test_it_lasts_until_nothing_has_come_for_a_while(clock):
    patience = Patience(until_idle=1.0, poll=0.25)
    assert [patience.wait() for _ in range(6)] == [True] * 4 + [False] * 2
    patience.found()
    assert [patience.wait() for _ in range(6)] == [True] * 4 + [False] * 2


def test_without_a_limit_it_lasts_until_it_is_stopped(clock):
    patience = Patience()
    assert all(patience.wait() for _ in range(1000))
    patience.stop()
    assert not patience.wait()
    assert patience.is_stopped


def test_without_following_it_does_not_wait(clock):
    assert not Patience(follow=False).wait()
    assert clock == [0.0]


@pytest.mark.parametrize("follow", [True, False])
def test_what_goes_wrong_while_waiting_ends_it(clock, follow):
    def fail():
        raise RuntimeError("the worker has failed")

    with pytest.raises(RuntimeError, match="the worker has failed"):
        Patience(follow=follow, while_waiting=fail).wait()
