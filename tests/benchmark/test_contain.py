import os
import sys
import warnings
from contextlib import suppress

import pytest

from skdqm.benchmark._contain import contained


def test_prints_and_warnings_stay_inside(capsys):
    with contained():
        sys.stdout.write("Model compiled.")
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("before", [None, "7"])
def test_the_environment_is_restored_even_after_an_error(monkeypatch, before):
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    if before:
        monkeypatch.setenv("PYTHONHASHSEED", before)
    with suppress(ZeroDivisionError), contained():
        os.environ["PYTHONHASHSEED"] = "42"
        raise ZeroDivisionError
    assert os.environ.get("PYTHONHASHSEED") == before
