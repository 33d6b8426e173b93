"""``skdqm card``: what a model is, in Markdown."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from skdqm.cli._export import checksum_of
from skdqm.cli._info import description
from skdqm.cli._model import Model
from skdqm.cli._options import ModelArgument
from skdqm.cli._source import check_output
from skdqm.exceptions import DataError


def card(
    model: ModelArgument,
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="CARD.md",
            help="The file to write. [default: standard output]",
        ),
    ] = None,
    metrics: Annotated[
        Path | None,
        typer.Option(
            "--metrics", metavar="JSON", help="The metrics.json that evaluate --report wrote."
        ),
    ] = None,
) -> None:
    """Describe MODEL in Markdown: origin, threshold, metrics, updates, limits."""
    if output is not None:
        check_output(output, *(path for path in (model, metrics) if path is not None))
    figures = None if metrics is None else _read(metrics)
    opened = Model.open(model)
    from skdqm.report import model_card

    facts = {**description(opened), "model": model.name, "checksum": checksum_of(model)}
    text = model_card(facts, metrics=figures)
    if output is None:
        typer.echo(text, nl=False)
    else:
        _write(text, output)


def _read(path: Path) -> dict[str, Any]:
    """Read the figures of an evaluation."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise DataError(f"{path} is no JSON: {error}") from error
    figures = found.get("figures") if isinstance(found, dict) else None
    if not (isinstance(figures, dict) and all(isinstance(each, dict) for each in figures.values())):
        raise DataError(
            f"{path} holds no figures; expected the metrics.json that skdqm evaluate --report wrote"
        )
    return dict(found)


def _write(text: str, path: Path) -> None:
    from skdqm.io import atomic_path

    with atomic_path(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
