"""``skdqm update``: a model goes on learning from new rows."""

from typing import Annotated, Any

import typer

from skdqm.cli._model import Model
from skdqm.cli._options import (
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
)
from skdqm.cli._source import Source, check_output, digest_of
from skdqm.cli._terminal import messages
from skdqm.exceptions import UsageError


def update(
    model: ModelArgument,
    data: DataArgument,
    output: ModelOutput,
    *,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the new rows.")] = 1,
    on: OnOption = On.ALL,
    label: LabelOption = "auto",
    key: KeyOption = None,
    nonfinite: NonFiniteOption = NonFinite.ERROR,
    quiet: QuietOption = False,
) -> None:
    """Continue the training of MODEL on DATA; its scalers stay as they are."""
    say = messages(quiet=quiet)
    check_output(output)
    opened = Model.open(model)
    detector: Any = opened.detector
    if not hasattr(detector, "partial_fit"):
        raise UsageError(f"{model}: a {type(detector).__name__} cannot learn from more rows")
    source = Source(data, label, key, nonfinite)
    rows = source.training_rows(on, opened.columns_in(source))
    say.print(f"updating {model} with {len(rows):,} rows of {data}")
    X = opened.transform(rows)
    for _ in range(epochs):
        detector.partial_fit(X)
    step = {"data": data.name, "n_rows": len(rows), "sha256": digest_of(rows), "epochs": epochs}
    _write(opened, output, step)
    say.print(f"wrote {output}")


def _write(model: Model, output: ModelOutput, step: dict[str, Any]) -> None:
    from skdqm.persistence import read_metadata, save

    metadata = read_metadata(model.path)
    del metadata["versions"]
    updates = [*metadata.get("updates", []), step]
    save(model.estimator, output, metadata={**metadata, "updates": updates})
