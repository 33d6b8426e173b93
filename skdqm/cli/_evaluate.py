"""``skdqm evaluate``: how well a model ranks the labelled rows of a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skdqm.cli._figures import MEANINGS, figures_of, with_intervals
from skdqm.cli._labelled import Labelled, Truth, labelled
from skdqm.cli._model import Model
from skdqm.cli._options import (
    BatchSizeOption,
    DataArgument,
    JsonOption,
    KeyOption,
    LabelOption,
    ModelArgument,
    NonFinite,
    NonFiniteOption,
    RowsOption,
)
from skdqm.cli._report import Report, check_report
from skdqm.cli._source import Source
from skdqm.cli._terminal import messages, print_json, print_table
from skdqm.cli._top import Top
from skdqm.exceptions import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def evaluate(
    model: ModelArgument,
    data: DataArgument,
    *,
    label: LabelOption = "auto",
    signal: Annotated[
        int, typer.Option(metavar="VALUE", help="The label of signal; the other is background.")
    ] = 1,
    background: Annotated[
        int | None,
        typer.Option(metavar="VALUE", help="The label of background; all others are signal."),
    ] = None,
    key: KeyOption = None,
    nonfinite: NonFiniteOption = NonFinite.ERROR,
    n_rows: RowsOption = None,
    batch_size: BatchSizeOption = None,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            metavar="DIR",
            help="Also write a folder: the score of every row, the figures with 95 % intervals, "
            "the most abnormal rows and what made them so, and pictures.",
        ),
    ] = None,
    top: Annotated[
        int, typer.Option("--top", min=1, metavar="N", help="The most abnormal rows to report.")
    ] = 20,
    json: JsonOption = False,
) -> None:
    """Compare the scores of DATA with its labels: one for signal or anomaly, one for background."""
    source, truth = Source(data, label, key, nonfinite, n_rows), Truth(signal, background)
    opened = Model.for_tables(model)
    if report is None:
        figures = figures_in(opened, source, labelled(opened, source, truth, batch_size))
    else:
        check_report(report, data, model)
        figures = reported(opened, source, truth, batch_size, folder=report, n_top=top)
    if json:
        print_json({"model": str(model), "data": str(data), **figures})
    else:
        rows = [(name, value, MEANINGS.get(name, "")) for name, value in figures.items()]
        print_table(("figure", "value", "meaning"), rows)


def figures_in(model: Model, source: Source, found: Labelled) -> dict[str, Any]:
    """Return the figures of merit and the numbers of rows that they come from."""
    try:
        figures = figures_of(found.is_signal, -found.scores, offset=model.detector.offset_)
    except DataError as error:
        raise DataError(f"{source.path}: {error}") from error
    n_signal = int(found.is_signal.sum())
    return {**figures, "n_background": len(found.is_signal) - n_signal, "n_signal": n_signal}


def reported(
    model: Model, source: Source, truth: Truth, batch_size: int | None, *, folder: Path, n_top: int
) -> dict[str, Any]:
    """Write a report into a folder, and return the figures of merit."""
    top = Top(n_top)
    found = labelled(model, source, truth, batch_size, with_p_values=True, watch=top.add)
    figures = figures_in(model, source, found)
    uncertain = with_intervals(found, model.detector.offset_)
    names = Report(model, source, found, uncertain, top).write(folder)
    messages(quiet=False).print(f"wrote into {folder}: {', '.join(names)}")
    return figures


def labels_and_scores(
    model: Model, source: Source
) -> "tuple[NDArray[np.int64], NDArray[np.float64]]":
    """Return 1 for signal and 0 for background, and the scores; low is abnormal."""
    found = labelled(model, source, Truth())
    return found.is_signal, found.scores
