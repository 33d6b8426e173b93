"""What a failed command tells the user: one line on standard error, and an exit code."""

import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

import typer

from skdqm.exceptions import SkdqmError, UsageError

WRONG_USAGE = 2
UNREADABLE = 3
UNEXPECTED = 70
INTERRUPTED = 130
BROKEN_PIPE = 141

# click's ClickException, which newer versions of typer carry under a private name.
_CommandLineError: type[Exception] = typer.BadParameter.__mro__[2]


class InterruptedTrainingError(Exception):
    """The user interrupted; the message says how to go on."""


def exit_code_of(command: Callable[[], object]) -> int:
    """Run a command; say in one line what went wrong and return the exit code."""
    try:
        result = command()
        _flush_output()
    except BrokenPipeError:
        result = BROKEN_PIPE
    except (Exception, KeyboardInterrupt) as error:
        _discard_what_is_stuck()
        return _explain(error)
    if result == BROKEN_PIPE:
        _discard(sys.stdout)
    elif result == INTERRUPTED:
        _complain("interrupted")
    return result if isinstance(result, int) else 0


def _explain(error: BaseException) -> int:
    if os.environ.get("SKDQM_TRACEBACK"):
        traceback.print_exception(error)
    code, message = _code_and_message(error)
    _complain(message)
    return code


def _code_and_message(error: BaseException) -> tuple[int, str]:
    if isinstance(error, _CommandLineError):
        return WRONG_USAGE, _command_line_message(error)
    # By its name, because importing scikit-learn only to compare takes a second.
    if isinstance(error, UsageError) or type(error).__name__ == "InvalidParameterError":
        return WRONG_USAGE, str(error)
    if isinstance(error, (SkdqmError, OSError)):
        return UNREADABLE, str(error)
    if isinstance(error, InterruptedTrainingError):
        return INTERRUPTED, str(error)
    if isinstance(error, (KeyboardInterrupt, typer.Abort)):
        return INTERRUPTED, "interrupted"
    kind = type(error).__name__
    return UNEXPECTED, f"unexpected {kind}: {error} (set SKDQM_TRACEBACK=1 to see where)"


def _command_line_message(error: Any) -> str:
    hint = f" (see '{error.ctx.command_path} --help')" if getattr(error, "ctx", None) else ""
    return f"{error.format_message()}{hint}"


def _complain(message: str) -> None:
    one_line = " ".join(message.split())
    if sys.stderr is None:  # closed by the caller
        return
    try:
        print(f"skdqm: {one_line}", file=sys.stderr, flush=True)  # noqa: T201
    except OSError:
        _discard(sys.stderr)


def _flush_output() -> None:
    if sys.stdout is not None:
        sys.stdout.flush()


def _discard_what_is_stuck() -> None:
    try:
        _flush_output()
    except OSError:
        _discard(sys.stdout)


def _discard(stream: TextIO) -> None:
    """Keep Python from complaining, at its exit, about what it cannot write any more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())


@contextmanager
def signals_as_exits() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the command as an error would, so that it tidies up."""

    def leave(number: int, frame: object) -> None:
        del frame
        sys.exit(128 + number)

    names = ("SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    # What the caller ignores stays ignored (nohup), and only the main thread may ask for signals.
    is_main = threading.current_thread() is threading.main_thread()
    caught = [each for each in numbers if is_main and signal.getsignal(each) is signal.SIG_DFL]
    for number in caught:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number in caught:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def warnings_in_one_line() -> Iterator[None]:
    """Show Python's warnings as messages, without the file and the source line."""

    def show(message: Warning | str, *args: Any, **kwargs: Any) -> None:
        _complain(f"warning: {message}")

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield
