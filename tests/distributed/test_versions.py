"""Workers that run something else."""

import pytest

from skdqm.distributed._versions import check_versions, versions
from skdqm.exceptions import ClusterError


class Workers:
    """Two workers of which the second one says something else."""

    def __init__(self, second):
        self.second = second

    def run_on_scheduler(self, function):
        return function()

    def run(self, function, *, on_error):
        assert on_error == "return"
        return {"tcp://a:1": function(), "tcp://b:2": self.second}


def test_the_same_versions_are_fine():
    check_versions(Workers(versions()))


def test_other_versions_are_named_with_the_worker():
    with pytest.raises(ClusterError) as error:
        check_versions(Workers({**versions(), "torch": "1.0", "python": "3.9"}))
    message = str(error.value)
    assert message.startswith("the worker tcp://b:2 runs python 3.9, torch 1.0, this process")
    assert f"torch {versions()['torch']};" in message


def test_a_worker_without_skdqm_is_named():
    with pytest.raises(ClusterError, match=r"worker tcp://b:2 cannot run skdqm .*No module"):
        check_versions(Workers(ModuleNotFoundError("No module named 'skdqm'")))


def test_a_scheduler_without_skdqm_is_named(monkeypatch):
    def fail(self, function):
        raise ModuleNotFoundError("No module named 'skdqm'")

    monkeypatch.setattr(Workers, "run_on_scheduler", fail)
    with pytest.raises(ClusterError, match=r"the scheduler cannot run skdqm .*No module"):
        check_versions(Workers(versions()))


def test_the_build_of_torch_is_no_version():
    assert "+" not in versions()["torch"]
