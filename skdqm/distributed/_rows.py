"""The rows of a partition as an estimator takes them, and errors that say which rows they are."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeAlias

from skdqm._messages import listed
from skdqm.exceptions import DataError, SkdqmError, UsageError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

Rows: TypeAlias = "pd.DataFrame | NDArray[Any]"


def names_of(estimator: Any) -> list[str] | None:
    """Return the names of the columns that an estimator takes, None if it knows none."""
    names = getattr(estimator, "feature_names_in_", None)
    return None if names is None else list(names)


def check_columns(estimator: Any, columns: Sequence[Any]) -> None:
    """Refuse names of columns among which those of a fitted estimator are not."""
    names = names_of(estimator)
    if names is None:
        check_width(estimator, len(columns))
        return
    missing = [name for name in names if name not in columns]
    if missing:
        raise DataError(
            f"the detector needs columns that are missing: {listed(missing)}; found "
            f"{listed(columns)}"
        )


def check_width(estimator: Any, width: int) -> None:
    """Refuse another number of columns than a fitted estimator has learned from."""
    expected = getattr(estimator, "n_features_in_", width)
    if width != expected:
        raise DataError(
            f"found {width} columns, expected the {expected} that the detector was fitted with"
        )


def as_fitted(estimator: Any, rows: Rows) -> Rows:
    """Return rows in the form that an estimator has learned from: its columns, or an array."""
    import pandas as pd

    names = names_of(estimator)
    if not isinstance(rows, pd.DataFrame):
        check_width(estimator, rows.shape[1])
        return rows if names is None else pd.DataFrame(rows, columns=names)
    check_columns(estimator, list(rows.columns))
    if names is not None:
        return rows if list(rows.columns) == names else rows[names]
    # What is not fitted yet may learn the names.
    return rows.to_numpy() if hasattr(estimator, "n_features_in_") else rows


def batches_of(part: Any, estimator: Any) -> Iterator[Rows]:
    """Yield the rows of a partition: itself, or batch after batch of the files that it names."""
    from skdqm.io import iter_batches

    if isinstance(part, (str, PathLike)):
        names = names_of(estimator)
        # Columns that are asked for by name leave out the label by themselves.
        label = "auto" if names is None else None
        yield from (table.X for table in iter_batches(part, columns=names, label=label))
    elif isinstance(part, (list, tuple)):
        for path in part:
            yield from batches_of(path, estimator)
    elif hasattr(part, "shape"):
        if len(part):
            yield part
    else:
        raise UsageError(f"found {part!r}, expected rows, or the name of a file")


@contextmanager
def named_errors(place: str, rows: Any = None) -> Iterator[None]:
    """Say in front of an error which partition or file it is in, and which rows."""
    where = place if rows is None else f"{place}{_span(rows)}"
    try:
        yield
    except SkdqmError as error:
        message = str(error)
        raise (error if message.startswith(place) else type(error)(f"{where}: {error}")) from error
    except (ValueError, TypeError) as error:
        # What scikit-learn says behind its first line is advice for classifiers.
        raise DataError(f"{where}: {str(error).partition(chr(10))[0]}") from error


def _span(rows: Any) -> str:
    index = getattr(rows, "index", None)
    return "" if index is None or not len(index) else f", rows {index[0]} to {index[-1]}"
