"""Messages and progress on standard error, tables on standard output."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table


class _Messages(Console):
    """Messages that nobody reads end nothing: the work goes on without them."""

    def on_broken_pipe(self) -> None:
        """Fall silent; rich would end the process here, with the exit code of found anomalies."""
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stderr.fileno())
        os.close(nowhere)


def messages(*, quiet: bool) -> Console:
    """Return a console that prints plain lines on standard error."""
    return _Messages(
        stderr=True, quiet=quiet, markup=False, highlight=False, emoji=False, soft_wrap=True
    )


def shows_progress(console: Console) -> bool:
    """Tell whether somebody watches: bars would only spoil a log file."""
    return console.is_terminal and not console.quiet


@contextmanager
def progress(console: Console, what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show how many of `total` steps are done; gives the function that adds to them."""
    if not shows_progress(console):
        yield lambda _: None
        return
    columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda steps: bar.advance(task, steps)


def print_json(value: object) -> None:
    """Print a value as JSON on standard output."""
    typer.echo(json.dumps(value, indent=2))


def print_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table: with lines in a terminal, separated by tabs in a pipe."""
    texts = [[_text(cell) for cell in row] for row in rows]
    if sys.stdout is None or not sys.stdout.isatty():
        typer.echo("\n".join("\t".join(row) for row in [header, *texts]))
        return
    table = Table(*header)
    for row in texts:
        table.add_row(*row)
    Console(markup=False, highlight=False).print(table)


def _text(cell: object) -> str:
    if cell is None:
        return "-"
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)
