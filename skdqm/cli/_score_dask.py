"""Who judges the batches of ``skdqm score``: this process, or the workers of a Dask cluster."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skdqm.cli._model import Model

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from distributed import Client
    from numpy.typing import NDArray

    from skdqm.io import Table

    Verdicts = tuple[NDArray[np.float64], NDArray[np.int64]]
    # A batch, its scores (low is abnormal) and its labels.
    Judgement = tuple[Table, NDArray[np.float64], NDArray[np.int64]]

Judged = Callable[["Iterable[Table]"], "Iterator[Judgement]"]


@contextmanager
def judging(model: Model, path: Path, address: str | None) -> Iterator[Judged]:
    """Give the function that judges the batches of a file, here or at an address of Dask."""
    if address is None:
        yield lambda tables: ((table, *model.judge(table.X, path)) for table in tables)
        return
    from skdqm.distributed import workers

    with workers(address) as client:
        yield lambda tables: _judged_by(client, model, path, tables)


def _judged_by(
    client: "Client", model: Model, path: Path, tables: "Iterable[Table]"
) -> "Iterator[Judgement]":
    """Read here, because the rows are written here, too; the workers see no file."""
    from skdqm.distributed import in_order

    held: deque[Table] = deque()

    def rows() -> "Iterator[pd.DataFrame]":
        for table in tables:
            held.append(table)
            yield table.X

    for scores, labels in in_order(client, _Judge(model.path, path), model.estimator, rows()):
        yield held.popleft(), scores, labels


class _Judge:
    """What a worker does: judge the rows of a batch, with errors that name model and file."""

    def __init__(self, model_path: Path, path: Path) -> None:
        self.model_path = model_path
        self.path = path

    def __call__(self, estimator: Any, rows: "pd.DataFrame") -> "Verdicts":
        return Model(self.model_path, estimator).judge(rows, self.path)
