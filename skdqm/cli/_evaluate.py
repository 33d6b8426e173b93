"""``skdqm evaluate``: how well a model ranks the labelled rows of a file."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

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
from skdqm.cli._source import Source, found_labels
from skdqm.cli._terminal import print_json, print_table
from skdqm.exceptions import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MEANINGS = {
    "roc_auc": "area under the ROC curve",
    "average_precision": "average precision",
    "max_sic": "largest significance improvement, >= 25 background events",
    "background_rejection_30": "background rejection at 30 % signal efficiency",
    "background_rejection_50": "background rejection at 50 % signal efficiency",
    "signal_efficiency_1pct": "signal efficiency at 1 % background",
    "fdr_99": "false discovery rate at 99 % detection",
    "background_flagged": "background flagged at the model's threshold",
    "signal_detected": "signal detected at the model's threshold",
    "n_background": "background rows",
    "n_signal": "signal rows",
}


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
    json: JsonOption = False,
) -> None:
    """Compare the scores of DATA with its labels: one for signal or anomaly, one for background."""
    source = Source(data, label, key, nonfinite, n_rows)
    figures = evaluation(Model.open(model), source, batch_size, Truth(signal, background))
    if json:
        print_json({"model": str(model), "data": str(data), **figures})
    else:
        rows = [(name, value, MEANINGS.get(name, "")) for name, value in figures.items()]
        print_table(("figure", "value", "meaning"), rows)


@dataclass(frozen=True)
class Truth:
    """Which labels are signal: that of `signal`, or all but that of `background`."""

    signal: int = 1
    background: int | None = None

    def is_signal(self, labels: "NDArray[np.int64]", path: Path) -> "NDArray[np.int64]":
        """Return 1 for signal and 0 for background."""
        import numpy as np

        values = set(np.unique(labels).tolist())
        if self.background is not None:
            if self.background not in values:
                raise DataError(
                    f"{path}: no row has the background label {self.background}; "
                    f"{found_labels(labels)}"
                )
            return (labels != self.background).astype(np.int64)
        if len(values) > 1 and (self.signal not in values or len(values) > 2):
            raise DataError(
                f"{path}: {found_labels(labels)}; expected two of them, and --signal to name "
                f"that of signal (it is {self.signal}), or --background to name that of background"
            )
        return (labels == self.signal).astype(np.int64)


DEFAULT_TRUTH = Truth()


def evaluation(
    model: Model, source: Source, batch_size: int | None, truth: Truth = DEFAULT_TRUTH
) -> dict[str, Any]:
    """Return the figures of merit of a model on a labelled file."""
    from skdqm.metrics import evaluate_scores

    labels, scores = labels_and_scores(model, source, batch_size, truth)
    try:
        figures = evaluate_scores(labels, -scores)
    except DataError as error:
        raise DataError(f"{source.path}: {error}") from error
    flagged = scores - model.detector.offset_ < 0
    return {
        **figures,
        "background_flagged": float(flagged[labels == 0].mean()),
        "signal_detected": float(flagged[labels == 1].mean()),
        "n_background": int((labels == 0).sum()),
        "n_signal": int((labels == 1).sum()),
    }


def labels_and_scores(
    model: Model, source: Source, batch_size: int | None = None, truth: Truth = DEFAULT_TRUTH
) -> "tuple[NDArray[np.int64], NDArray[np.float64]]":
    """Return 1 for signal and 0 for background, and the scores; low is abnormal."""
    import numpy as np

    source = model.settle_label(source)
    if source.label_name() is None:
        raise DataError(
            f"{source.path}: an evaluation needs labels, and the file has no label column; "
            "name it with --label"
        )
    labels: list[Any] = []
    scores = []
    for table in source.batches(batch_size, model.columns_in(source)):
        labels.append(table.y)
        scores.append(model.score(table.X, source.path)[1])
    return truth.is_signal(np.concatenate(labels), source.path), np.concatenate(scores)
