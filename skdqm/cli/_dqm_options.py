"""The options that the commands of ``skdqm dqm`` share."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from skdqm.cli._source import check_output
from skdqm.exceptions import UsageError

HistogramsArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="HISTOGRAMS...",
        help="Files of histograms by lumisection: ROOT, Parquet, CSV, HDF5 or npz.",
    ),
]
ModelOption = Annotated[
    Path, typer.Option("--model", "-m", metavar="MODEL", help="A file that dqm train wrote.")
]
RunsOption = Annotated[
    str | None,
    typer.Option("--runs", metavar="FIRST-LAST", help="Take these runs only; one end may be open."),
]
RunOption = Annotated[
    int | None, typer.Option("--run", min=0, metavar="N", help="The run, if a file says none.")
]
FirstOption = Annotated[
    int | None,
    typer.Option(
        "--first-lumisection",
        min=1,
        metavar="N",
        help="The first lumisection of a run, if a file says none; the others follow.",
    ),
]
FollowOption = Annotated[
    str,
    typer.Option(
        "--follow",
        metavar="none|accepted|GOLDEN.json",
        help="What the model learns of a run that is over, before it judges the next one: nothing, "
        "what it found good itself, or what the shifters did.",
    ),
]

VERDICT_SUFFIXES = (".csv", ".csv.gz", ".parquet")
GOLDEN_SUFFIXES = (".json", ".txt", ".json.gz", ".txt.gz")


def check_outputs(
    outputs: Sequence[tuple[Path | None, Sequence[str]]], inputs: Sequence[Path]
) -> None:
    """Refuse, before all work, files that cannot be written, and one name for two of them."""
    given = [(path, suffixes) for path, suffixes in outputs if path is not None]
    seen: set[Path] = set()
    for path, suffixes in given:
        check_output(path, *inputs)
        if suffixes and not path.name.lower().endswith(tuple(suffixes)):
            raise UsageError(
                f"{path}: cannot write {path.suffix!r}; expected one of {' '.join(suffixes)}"
            )
        if path.resolve() in seen:
            raise UsageError(f"{path}: two outputs have this name; give each its own")
        seen.add(path.resolve())
