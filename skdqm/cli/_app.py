"""The application: its commands, and the function that runs them."""

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import skdqm
from skdqm.cli import (
    _bench,
    _card,
    _demo,
    _dqm,
    _evaluate,
    _export,
    _info,
    _list,
    _monitor,
    _monitor_people,
    _score,
    _serve,
    _train,
    _update,
    _watch,
)
from skdqm.cli._errors import BROKEN_PIPE, exit_code_of, signals_as_exits, warnings_in_one_line


class _Commands(TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        """Run a command; typer itself would end a broken pipe with 1, which means anomalies."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise typer.Exit(BROKEN_PIPE) from error


app = typer.Typer(
    cls=_Commands,
    help="Find anomalies in tables of physics events and detector data.",
    epilog="A first look, with data of its own: skdqm demo",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("train")(_train.train)
app.command("score")(_score.score)
app.command("evaluate")(_evaluate.evaluate)
app.command("update")(_update.update)
app.command("monitor")(_monitor.monitor)
app.command("watch")(_watch.watch)
app.command("serve")(_serve.serve)
app.command("confirm")(_monitor_people.confirm)
app.command("feedback")(_monitor_people.feedback)
app.command("rollback")(_monitor_people.rollback)
app.command("info")(_info.info)
app.command("card")(_card.card)
app.command("export")(_export.export)
app.command("list")(_list.list_detectors)
app.command("demo")(_demo.demo)
app.add_typer(_bench.app, name="bench")
app.add_typer(_dqm.app, name="dqm")


def _show_version(value: bool) -> None:  # noqa: FBT001 (typer calls it so)
    if value:
        typer.echo(f"skdqm {skdqm.__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code.

    Parameters
    ----------
    arguments : sequence of str, default=None
        The words after ``skdqm``; those of the process by default.

    Raises
    ------
    SystemExit
        Always, with the exit code.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    with signals_as_exits(), warnings_in_one_line():
        code = exit_code_of(lambda: app(words, prog_name="skdqm", standalone_mode=False))
    sys.exit(code)
