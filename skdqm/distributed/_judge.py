"""What the workers do with a partition: score its rows, or give verdicts on them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from skdqm.base import anomaly_score_of
from skdqm.distributed._broadcast import Broadcast
from skdqm.distributed._rows import as_fitted, batches_of, named_errors
from skdqm.ensemble._members import verdicts_of

if TYPE_CHECKING:
    import pandas as pd

SCORE = "anomaly_score"


class Judge(NamedTuple):
    """What becomes of rows.

    Attributes
    ----------
    of : callable
        Maps a fitted estimator and rows to a Series or a frame, row by row, with a new index.
    empty : callable
        Maps the estimator to what becomes of no rows.
    """

    of: Callable[[Any, Any], Any]
    empty: Callable[[Any], Any]


def judged(judge: Judge, model: Broadcast, rows: Any, place: str) -> Any:
    """Judge the rows of one partition; their index is kept."""
    index = getattr(rows, "index", None)
    if not len(rows):
        return judge.empty(model.estimator).reindex(index)
    with named_errors(place, rows):
        results = judge.of(model.estimator, as_fitted(model.estimator, rows))
    return results if index is None else results.set_axis(index)


def judged_frame(
    rows: Any, model: Broadcast, judge: Judge, partition_info: dict[str, int] | None = None
) -> Any:
    """Judge a partition of a dask frame."""
    number = -1 if partition_info is None else partition_info["number"]
    return judged(judge, model, rows, f"partition {number}")


def judged_block(rows: Any, model: Broadcast, block_id: tuple[int, ...] = (-1,)) -> Any:
    """Score a block of a dask array, as an array."""
    return judged(SCORES, model, rows, f"block {block_id[0]}").to_numpy()


def judged_file(path: Any, model: Broadcast, judge: Judge) -> Any:
    """Judge a file, of which one batch after the other is in memory."""
    import pandas as pd

    batches = batches_of(path, model.estimator)
    return pd.concat([judged(judge, model, rows, str(path)) for rows in batches])


def _scores(estimator: Any, rows: Any) -> "pd.Series":
    import pandas as pd

    return pd.Series(anomaly_score_of(estimator, rows), name=SCORE)


def _no_scores(estimator: Any) -> "pd.Series":
    import pandas as pd

    del estimator
    return pd.Series(name=SCORE, dtype=np.float64)


def _verdicts(estimator: Any, rows: Any) -> "pd.DataFrame":

    transformers, detector = _parts(estimator)
    return verdicts_of(detector, rows if transformers is None else transformers.transform(rows))


def _no_verdicts(estimator: Any) -> "pd.DataFrame":
    import pandas as pd

    types: dict[str, Any] = {SCORE: np.float64, "verdict": np.int64}
    if hasattr(_parts(estimator)[1], "calibration_scores_"):
        types["p_value"] = np.float64
    return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in types.items()})


def _parts(estimator: Any) -> tuple[Any, Any]:
    """Return the transformers of a Pipeline, None without any, and the detector behind them."""
    steps = getattr(estimator, "steps", None)
    if steps is None:
        return None, estimator
    return (estimator[:-1] if len(steps) > 1 else None), steps[-1][1]


SCORES = Judge(_scores, _no_scores)
VERDICTS = Judge(_verdicts, _no_verdicts)
