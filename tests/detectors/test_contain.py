"""What other packages do to the process stays inside."""

import os
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from skdqm.detectors._contain import contained


def test_prints_progress_and_warnings_stay_inside(capsys: pytest.CaptureFixture[str]) -> None:
    with contained():
        sys.stdout.write("Model compiled.")
        sys.stderr.write("Training: 10 %")
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("before", [None, "7"])
def test_the_environment_is_restored_even_after_an_error(
    monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    if before:
        monkeypatch.setenv("PYTHONHASHSEED", before)
    with suppress(ZeroDivisionError), contained():
        os.environ["PYTHONHASHSEED"] = "42"
        raise ZeroDivisionError
    assert os.environ.get("PYTHONHASHSEED") == before


def test_threads_leave_the_streams_of_the_process() -> None:
    before = sys.stdout, sys.stderr

    def work(_: int) -> None:
        for _ in range(50):
            with contained():
                pass

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert (sys.stdout, sys.stderr) == before
