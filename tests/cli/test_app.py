import pytest

import skdqm


def test_version_is_that_of_the_package(run):
    assert run("--version") == (0, f"skdqm {skdqm.__version__}\n", "")


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_help_lists_every_command_on_standard_output(run, words):
    code, out, err = run(*words)
    assert (code, err) == (0, "")
    commands = "train score evaluate update watch serve info card export list demo dqm bench"
    for command in commands.split():
        assert command in out


def test_help_of_a_command_shows_its_options(run):
    code, out, _ = run("train", "--help")
    assert code == 0
    assert "--alarm-rate" in out


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["frobnicate"], "frobnicate"),
        (["train"], "DATA"),
        (["train", "x.h5"], "--output"),
        (["score", "m", "d", "-o", "s.csv", "--batch-size", "0"], "--batch-size"),
        (["score", "m", "d", "-o", "s.csv", "--nonfinite", "keep"], "--nonfinite"),
        (["bench"], "command"),
        (["--frobnicate"], "--frobnicate"),
    ],
)
def test_misspelt_commands_and_options_end_in_one_line_and_code_2(run, words, hint):
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert err.startswith("skdqm: ")
    assert err.count("\n") == 1
    assert hint.lower() in err.lower()
