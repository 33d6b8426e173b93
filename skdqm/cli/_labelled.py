"""The labelled rows of a file, and what a model says of them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skdqm.cli._model import Model
from skdqm.cli._source import Source, found_labels
from skdqm.exceptions import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from skdqm.io import Table

    Watcher = Callable[[Table, NDArray[np.float64]], object]


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


@dataclass(frozen=True, eq=False)
class Labelled:
    """The labelled rows of a file with their scores.

    Attributes
    ----------
    rows : ndarray of shape (n_rows,)
        Their numbers in the file, from 0.
    labels : ndarray of shape (n_rows,)
        Their labels, as in the file.
    is_signal : ndarray of shape (n_rows,)
        1 for signal and 0 for background.
    scores : ndarray of shape (n_rows,)
        Their scores; low is abnormal.
    p_values : ndarray of shape (n_rows,) or None
        Their conformal p-values, where the model is calibrated and somebody wants them.
    n_dropped : int
        Rows left out because a feature was NaN or infinite.
    """

    rows: "NDArray[np.int64]"
    labels: "NDArray[np.int64]"
    is_signal: "NDArray[np.int64]"
    scores: "NDArray[np.float64]"
    p_values: "NDArray[np.float64] | None" = None
    n_dropped: int = 0


def labelled(
    model: Model,
    source: Source,
    truth: Truth,
    batch_size: int | None = None,
    *,
    with_p_values: bool = False,
    watch: "Watcher | None" = None,
) -> Labelled:
    """Score a labelled file, batch after batch; `watch` sees each batch with its scores."""
    import numpy as np

    source = with_label(model, source)
    with_p_values = with_p_values and hasattr(model.detector, "calibration_scores_")
    columns: dict[str, list[Any]] = {"rows": [], "labels": [], "scores": [], "p_values": []}
    n_dropped = 0
    for table in source.batches(batch_size, model.columns_in(source)):
        scores = model.score(table.X, source.path)
        columns["rows"].append(table.X.index.to_numpy())
        columns["labels"].append(table.y)
        columns["scores"].append(scores)
        if with_p_values:
            columns["p_values"].append(model.p_values_of(scores))
        if watch is not None:
            watch(table, scores)
        n_dropped += table.n_dropped
    whole = {name: np.concatenate(parts) for name, parts in columns.items() if parts}
    is_signal = truth.is_signal(whole["labels"], source.path)
    return Labelled(is_signal=is_signal, n_dropped=n_dropped, **whole)


def with_label(model: Model, source: Source) -> Source:
    """Return the source with the name of its label, or say that there is none."""
    source = model.settle_label(source)
    if source.label_name() is None:
        raise DataError(
            f"{source.path}: an evaluation needs labels, and the file has no label column; "
            "name it with --label"
        )
    return source
