"""What the benchmarks of many detectors share: options, progress, and the failures at the end."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from skdqm.cli._terminal import print_table, shows_progress

if TYPE_CHECKING:
    import pandas as pd

ContendersOption = Annotated[
    str | None,
    typer.Option(
        "--contenders",
        metavar="A,B,...",
        help="Detectors of 'skdqm list', and PyOD's such as pyod:KNN, at their defaults.",
    ),
]
JobsOption = Annotated[
    int, typer.Option("--jobs", "-j", min=1, help="Processes, each with one thread.")
]
SeedsOption = Annotated[int, typer.Option("--seeds", min=1, help="How many seeds, from 0.")]
FolderOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FOLDER",
        help="Keep results here, each at once; a run that was ended goes on.",
    ),
]


def names_in(contenders: str | None) -> list[str] | None:
    """Return the names in a list with commas; None for the usual ones."""
    if contenders is None:
        return None
    return [name.strip() for name in contenders.split(",") if name.strip()]


@contextmanager
def reporting(console: Console) -> Iterator[Callable[[str], object]]:
    """Give a function that shows a line: the latest in a terminal, all of them in a log."""
    if not shows_progress(console):
        yield console.print
        return
    with console.status(Text("starting")) as status:
        yield lambda line: status.update(Text(line))


def say_failures(console: Console, failures: Sequence[str]) -> None:
    """Repeat what failed, which the figures do not show."""
    if failures:
        console.print(f"{len(failures)} failed:")
    for failure in failures:
        console.print(f"  {failure}")


def as_records(table: "pd.DataFrame") -> list[dict[str, Any]]:
    """Return the rows as JSON can hold them: null where a figure is missing."""
    values = table.astype(object).where(table.notna(), None)
    records: list[dict[str, Any]] = values.to_dict(orient="records")
    return records


def print_by_dataset(table: "pd.DataFrame", names: Mapping[str, str]) -> None:
    """Print a table for each data set, without figures that none of its lines has."""
    title = next(iter(names))
    for dataset, lines in table.groupby("dataset", sort=False):
        headed = {**names, title: f"{dataset}: {names[title]}"}
        print_averages(lines.dropna(axis="columns", how="all"), headed)


def print_averages(table: "pd.DataFrame", names: Mapping[str, str]) -> None:
    """Print means over seeds, those of `names` that there are, under what it calls them."""
    columns = [name for name in names if name in table]
    rows = [_cells(record, columns) for record in as_records(table)]
    print_table([names[name] for name in columns], rows)


def _cells(record: dict[str, Any], columns: Sequence[str]) -> list[Any]:
    """Return cells; one seed has no spread."""
    alone = record["n_seeds"] < 2
    return [None if alone and name.endswith("_std") else record[name] for name in columns]
