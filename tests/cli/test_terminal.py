import io
import json
import os

import pytest

from skdqm.cli import _terminal
from skdqm.cli._terminal import messages, print_json, print_table, progress, shows_progress


class Screen(io.StringIO):
    def isatty(self):
        return True


def test_a_table_in_a_pipe_has_tabs_and_short_numbers(capsys):
    print_table(("name", "value"), [("auc", 0.123456789), ("rows", 12345), ("none", None)])
    assert capsys.readouterr().out == "name\tvalue\nauc\t0.1235\nrows\t12345\nnone\t-\n"


def test_a_table_on_a_screen_has_lines(monkeypatch):
    screen = Screen()
    monkeypatch.setattr("sys.stdout", screen)
    print_table(("name", "value"), [("[bold]", 1)])
    assert "\t" not in screen.getvalue()
    assert "[bold]" in screen.getvalue()


def test_json_can_be_read_back(capsys):
    print_json({"auc": 0.1, "features": ["a"]})
    assert json.loads(capsys.readouterr().out) == {"auc": 0.1, "features": ["a"]}


def test_messages_go_to_standard_error_as_they_are(capsys):
    messages(quiet=False).print("wrote [red]data[/red]/" + 200 * "x")
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "wrote [red]data[/red]/" + 200 * "x" + "\n"


def test_quiet_messages_are_not_printed(capsys):
    messages(quiet=True).print("wrote")
    assert capsys.readouterr().err == ""


def test_messages_that_nobody_reads_do_not_end_the_work(monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        monkeypatch.setattr("sys.stderr", closed)
        console = messages(quiet=False)
        console.print("training")
        console.print("wrote")
    assert console.quiet


@pytest.mark.parametrize(("stream", "shown"), [(Screen, True), (io.StringIO, False)])
def test_progress_is_for_screens_not_for_logs(monkeypatch, stream, shown):
    errors = stream()
    monkeypatch.setattr("sys.stderr", errors)
    monkeypatch.setenv("TERM", "xterm")
    console = messages(quiet=False)
    with progress(console, "scoring", 2) as advance:
        advance(1)
    assert shows_progress(console) is shown
    assert ("scoring" in errors.getvalue()) is shown
    assert not shows_progress(messages(quiet=True))


def test_the_module_leaves_standard_output_to_the_data():
    assert _terminal.messages(quiet=False).stderr
