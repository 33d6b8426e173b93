"""Choose the label and the features among the columns of a file."""

from collections.abc import Sequence
from difflib import get_close_matches

from skdqm.exceptions import DataError, UsageError
from skdqm.io._guard import listed
from skdqm.io._reader import Reader

LABEL_NAMES = ("label", "signal", "is_signal", "target")


def check_names(names: Sequence[str]) -> None:
    """Refuse column names that occur twice: every later choice would be a guess."""
    repeated = sorted({name for name in names if names.count(name) > 1}) if _repeats(names) else []
    if repeated:
        raise DataError(f"column names {listed(repeated)} occur more than once; rename them")


def _repeats(names: Sequence[str]) -> bool:
    return len(set(names)) < len(names)


def label_candidates(reader: Reader) -> list[str]:
    """Columns that are labels by the layout of the file or by their name."""
    return [
        name for name in reader.columns if name in reader.labels or name.casefold() in LABEL_NAMES
    ]


def choose_columns(
    reader: Reader, columns: Sequence[str] | None, label: str | None
) -> tuple[list[str], str | None]:
    """Return the feature names in order and the name of the label column."""
    target = _choose_label(reader, label)
    if columns is None:
        features = [name for name in reader.columns if name != target]
    else:
        features = list(columns)
    _check_present(reader, features)
    if target in features:
        raise DataError(
            f"column {target!r} is the label and cannot be a feature as well; "
            f"leave it out of columns=, or read without a label by label=None"
        )
    if not features:
        raise DataError(f"no feature besides the label {target!r}; expected at least one column")
    return features, target


def _choose_label(reader: Reader, label: str | None) -> str | None:
    if label != "auto":
        _check_present(reader, [] if label is None else [label])
        return label
    candidates = label_candidates(reader)
    if len(candidates) > 1:
        raise DataError(f"columns {listed(candidates)} all look like a label; choose with label=")
    return candidates[0] if candidates else None


def _check_present(reader: Reader, names: Sequence[str]) -> None:
    present = set(reader.columns)
    missing = [name for name in names if name not in present]
    if missing:
        close = [match for name in missing for match in get_close_matches(name, reader.columns, 2)]
        hint = f"; did you mean {listed(close)}?" if close else ""
        raise DataError(f"no column {listed(missing)}; the file has {listed(reader.columns)}{hint}")


def check_request(columns: Sequence[str] | None) -> None:
    """Refuse a ``columns`` argument that no file could satisfy."""
    if columns is None:
        return
    if isinstance(columns, str):
        raise UsageError(f"columns={columns!r} is one text; expected a list, columns=[{columns!r}]")
    if not columns or _repeats(columns):
        raise UsageError(f"columns={list(columns)!r}: expected one or more names, each once")
