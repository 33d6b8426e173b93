"""``skdqm update``: a model goes on learning from new rows."""

from typing import Annotated, Any
from warnings import catch_warnings, simplefilter, warn

import typer

from skdqm.cli._calibrate import calibrate
from skdqm.cli._model import Model
from skdqm.cli._options import (
    BackgroundOption,
    DataArgument,
    KeyOption,
    LabelOption,
    ModelArgument,
    ModelOutput,
    NonFinite,
    NonFiniteOption,
    On,
    OnOption,
    QuietOption,
    RowsOption,
)
from skdqm.cli._recipe import split
from skdqm.cli._source import Source, check_output, digest_of
from skdqm.cli._terminal import messages
from skdqm.exceptions import CalibrationWarning, UsageError


def update(
    model: ModelArgument,
    data: DataArgument,
    output: ModelOutput,
    *,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the new rows.")] = 1,
    on: OnOption = On.ALL,
    background: BackgroundOption = 0,
    alarm_rate: Annotated[
        float | None,
        typer.Option(help="Share of good rows to flag: calibrated anew on the last 20 %."),
    ] = None,
    label: LabelOption = "auto",
    key: KeyOption = None,
    nonfinite: NonFiniteOption = NonFinite.ERROR,
    n_rows: RowsOption = None,
    quiet: QuietOption = False,
) -> None:
    """Continue the training of MODEL on DATA; its scalers stay as they are."""
    say = messages(quiet=quiet)
    check_output(output, data)
    opened = Model.for_tables(model)
    detector: Any = opened.detector
    if not hasattr(detector, "partial_fit"):
        raise UsageError(f"{model}: the {type(detector).__name__} cannot learn from more rows")
    source = opened.settle_label(Source(data, label, key, nonfinite, n_rows))
    rows = opened.training_rows(source, on, background)
    learned, held_out = split(rows, alarm_rate)
    say.print(f"updating {model} with {len(learned):,} rows of {data}")
    _learn(detector, opened.takes(learned), epochs, warns=held_out is None)
    if held_out is not None and alarm_rate is not None:
        calibrate(detector, opened.takes(held_out), alarm_rate, say)
    step = {"data": data.name, "n_rows": len(rows), "sha256": digest_of(rows), "epochs": epochs}
    _write(opened, output, step)
    say.print(f"wrote {output}")


def _learn(detector: Any, X: Any, epochs: int, *, warns: bool) -> None:
    was_calibrated = hasattr(detector, "calibration_scores_")
    with catch_warnings():
        simplefilter("ignore", CalibrationWarning)
        for _ in range(epochs):
            detector.partial_fit(X)
    if warns and was_calibrated and not detector.keeps_calibration:
        warn(
            "the update changed the model, so its calibration was dropped and the alarm rate is "
            "no longer promised; update with --alarm-rate to calibrate it again",
            CalibrationWarning,
            stacklevel=2,
        )


def _write(model: Model, output: ModelOutput, step: dict[str, Any]) -> None:
    from skdqm.persistence import save

    metadata = {name: value for name, value in model.metadata.items() if name != "versions"}
    if isinstance(metadata.get("options"), dict):
        rate = getattr(model.detector, "alarm_rate_", None)
        metadata["options"] = {**metadata["options"], "alarm_rate": rate}
    metadata["updates"] = [*metadata.get("updates", []), step]
    save(model.estimator, output, metadata=metadata)
