"""``skdqm train``: rows of a file to a model file."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from skdqm.cli._calibrate import calibrate
from skdqm.cli._checkpoint import CheckpointFile
from skdqm.cli._errors import InterruptedTrainingError
from skdqm.cli._options import (
    BackgroundOption,
    DataArgument,
    KeyOption,
    LabelOption,
    ModelOutput,
    NonFinite,
    NonFiniteOption,
    On,
    OnOption,
    QuietOption,
)
from skdqm.cli._parameters import make_detector
from skdqm.cli._recipe import Features, Recipe, columns_of, new_pipeline, split
from skdqm.cli._source import Source, check_output, digest_of
from skdqm.cli._terminal import messages, shows_progress
from skdqm.cli._transform import fit_transformers, transformed
from skdqm.exceptions import DataError, UsageError

if TYPE_CHECKING:
    import pandas as pd


# Names of features that a message lists.
FEW_NAMES = 6


def train(
    data: DataArgument,
    output: ModelOutput,
    *,
    detector: Annotated[
        str, typer.Option("--detector", "-d", help="Its name; skdqm list shows all.")
    ] = "vae",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="A parameter of the detector; repeatable."
        ),
    ] = None,
    on: OnOption = On.ALL,
    background: BackgroundOption = 0,
    features: Annotated[
        Features,
        typer.Option(help="The columns, or pt, eta, m, tau21, tau32 of the two LHC Olympics jets."),
    ] = Features.RAW,
    columns: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="Columns to learn from. [default: all]")
    ] = None,
    label: LabelOption = "auto",
    key: KeyOption = None,
    nonfinite: NonFiniteOption = NonFinite.ERROR,
    alarm_rate: Annotated[
        float | None,
        typer.Option(help="Share of good rows to flag: held by a threshold set on the last 20 %."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all that is random.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint.")] = False,
    checkpoint_every: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Time between two checkpoints.")
    ] = 5.0,
    quiet: QuietOption = False,
) -> None:
    """Train a detector on DATA and write it, with its scaler, to one file.

    The label is never a feature; only --on background looks at it. While a neural detector trains,
    MODEL.checkpoint holds what it has reached, and --resume continues from there.
    """
    say = messages(quiet=quiet)
    check_output(output, data)
    verbose = shows_progress(say)
    made = make_detector(detector, settings or [], seed=seed, verbose=verbose)
    source = Source(data, label, key, nonfinite)
    chosen = columns_of(features, _names(columns))
    recipe = Recipe(detector, settings or [], seed, on, features, alarm_rate, background)
    rows = source.training_rows(on, chosen, background)
    record = {"options": asdict(recipe), "columns": list(rows.columns), "sha256": digest_of(rows)}
    fitted_on, held_out = split(rows, alarm_rate)
    if len(fitted_on) < 2:
        raise DataError(f"{data}: found {len(fitted_on)} row to learn from, expected more")
    label_name = source.label_name()
    say.print(_announcement(detector, fitted_on, data, label_name))
    checkpoint = CheckpointFile.beside(output, record)
    if _can_continue(made):
        pipeline = _fit_with_checkpoints(
            made,
            source,
            recipe,
            fitted_on,
            checkpoint,
            seconds=checkpoint_every,
            resume=resume,
            say=say,
        )
    else:
        pipeline = _fit(made, source, recipe, fitted_on, resume=resume)
    if held_out is not None and alarm_rate is not None:
        calibrate(pipeline[-1], transformed(pipeline[:-1], held_out, data), alarm_rate, say)
    facts = {"data": data.name, "n_rows": len(rows), "label": label_name, "key": key}
    _write(pipeline, output, {**record, **facts})
    checkpoint.path.unlink(missing_ok=True)
    say.print(f"wrote {output}")


def _names(columns: str | None) -> list[str] | None:
    if columns is None:
        return None
    return [name.strip() for name in columns.split(",")]


def _announcement(detector: str, rows: "pd.DataFrame", data: Path, label: str | None) -> str:
    names = list(rows.columns)
    shown = ", ".join(names[:FEW_NAMES]) + (", ..." if len(names) > FEW_NAMES else "")
    found = "no label found" if label is None else f"label: {label}"
    return (
        f"training {detector} on {len(rows):,} rows x {len(names)} features ({shown}) of {data}; "
        f"{found}"
    )


def _can_continue(detector: Any) -> bool:
    return {"warm_start", "callbacks"} <= set(detector.get_params(deep=False))


def _fit(
    detector: Any, source: Source, recipe: Recipe, rows: "pd.DataFrame", *, resume: bool
) -> Any:
    if resume:
        raise UsageError(f"--resume: the detector {recipe.detector} writes no checkpoints")
    pipeline = new_pipeline(detector, recipe.features)
    detector.fit(fit_transformers(pipeline[:-1], rows, source.path))
    return pipeline


def _fit_with_checkpoints(
    detector: Any,
    source: Source,
    recipe: Recipe,
    rows: "pd.DataFrame",
    checkpoint: CheckpointFile,
    *,
    seconds: float,
    resume: bool,
    say: Console,
) -> Any:
    if resume:
        pipeline = checkpoint.load()
        pipeline[-1].set_params(verbose=detector.verbose)
        X = transformed(pipeline[:-1], rows, source.path)
        say.print(f"continuing after epoch {len(pipeline[-1].history_)}")
    else:
        if checkpoint.path.exists():
            say.print(f"replacing the checkpoint {checkpoint.path}; --resume would continue it")
        pipeline = new_pipeline(detector, recipe.features)
        X = fit_transformers(pipeline[:-1], rows, source.path)
    checkpoint.attach(pipeline, seconds)
    _fit_or_say_how_to_resume(pipeline[-1], X, checkpoint)
    pipeline[-1].set_params(warm_start=False, callbacks=None, verbose=0)
    return pipeline


def _fit_or_say_how_to_resume(detector: Any, X: Any, checkpoint: CheckpointFile) -> None:
    try:
        detector.fit(X)
    except KeyboardInterrupt as error:
        if not checkpoint.can_resume():
            raise
        raise InterruptedTrainingError("interrupted; continue with --resume") from error


def _write(pipeline: Any, output: Path, metadata: dict[str, Any]) -> None:
    from skdqm.persistence import save

    save(pipeline, output, metadata=metadata)
