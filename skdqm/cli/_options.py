"""The options that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class NonFinite(StrEnum):
    """What to do with rows that hold NaN or infinity."""

    ERROR = "error"
    DROP = "drop"


class On(StrEnum):
    """Which rows to learn from."""

    ALL = "all"
    BACKGROUND = "background"


def names_of(text: str | None) -> list[str] | None:
    """Return the names that an option lists, separated by commas."""
    return None if text is None else [name.strip() for name in text.split(",")]


DataArgument = Annotated[
    Path, typer.Argument(metavar="DATA", help="HDF5, ROOT, CSV, Parquet, npz, npy or idx file.")
]
ModelArgument = Annotated[Path, typer.Argument(metavar="MODEL", help="A file that train wrote.")]
ModelOutput = Annotated[
    Path, typer.Option("--output", "-o", metavar="MODEL", help="The model file to write.")
]
LabelOption = Annotated[
    str,
    typer.Option(
        "--label",
        metavar="NAME|auto|none",
        help="The label column (1 = signal); auto finds it by its name.",
    ),
]
KeyOption = Annotated[
    str | None,
    typer.Option(
        "--key",
        "--tree",
        metavar="NAME",
        help="The table to read, if an HDF5 or npz holds several; in ROOT the tree.",
    ),
]
NonFiniteOption = Annotated[
    NonFinite, typer.Option("--nonfinite", help="Refuse or drop rows with NaN or infinity.")
]
OnOption = Annotated[
    On, typer.Option("--on", help="Learn from all rows, or from those with the background label.")
]
BackgroundOption = Annotated[
    int, typer.Option("--background", metavar="VALUE", help="The background label, for --on.")
]
RowsOption = Annotated[
    int | None, typer.Option("--rows", min=1, metavar="N", help="Read the first N rows only.")
]
BatchSizeOption = Annotated[
    int | None,
    typer.Option(
        "--batch-size",
        min=1,
        help="Rows read and scored at a time. [default: 50,000, fewer of wide tables]",
    ),
]
QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", help="No messages and no progress on standard error.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
