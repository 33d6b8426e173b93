import io
import warnings
from contextlib import redirect_stderr

import pytest
import typer
from sklearn.utils._param_validation import InvalidParameterError

from skdqm.cli._errors import exit_code_of, warnings_in_one_line
from skdqm.exceptions import DataError, ModelFileError, TrainingError, UsageError


def raising(error):
    def command():
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("no such thing"), 2),
        (InvalidParameterError("lr must be positive"), 2),
        (typer.BadParameter("not a number"), 2),
        (DataError("bad file"), 3),
        (ModelFileError("bad model"), 3),
        (TrainingError("diverged"), 3),
        (PermissionError(13, "Permission denied", "x.csv"), 3),
        (KeyboardInterrupt(), 130),
        (typer.Abort(), 130),
        (ZeroDivisionError("oh"), 70),
    ],
)
def test_each_kind_of_error_has_its_exit_code_and_one_line(capsys, error, code):
    assert exit_code_of(raising(error)) == code
    err = capsys.readouterr().err
    assert err.startswith("skdqm: ")
    assert err.count("\n") == 1


def test_a_message_of_many_lines_becomes_one(capsys):
    exit_code_of(raising(DataError("first\n  second")))
    assert capsys.readouterr().err == "skdqm: first second\n"


def test_an_unexpected_error_names_its_type_and_how_to_see_more(capsys):
    exit_code_of(raising(ZeroDivisionError("oh")))
    err = capsys.readouterr().err
    assert "ZeroDivisionError: oh" in err
    assert "SKDQM_TRACEBACK=1" in err


def test_the_environment_variable_shows_the_traceback(capsys, monkeypatch):
    monkeypatch.setenv("SKDQM_TRACEBACK", "1")
    assert exit_code_of(raising(DataError("bad"))) == 3
    assert "Traceback" in capsys.readouterr().err


def test_a_command_decides_its_own_exit_code():
    assert exit_code_of(lambda: None) == 0
    assert exit_code_of(lambda: 1) == 1


def test_python_warnings_are_shown_without_file_and_source_line():
    err = io.StringIO()
    with redirect_stderr(err), warnings_in_one_line():
        warnings.simplefilter("always")
        warnings.warn("old\nmodel", UserWarning, stacklevel=1)
    assert err.getvalue() == "skdqm: warning: old model\n"
