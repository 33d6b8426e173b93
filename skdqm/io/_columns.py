"""Choose the label and the features among the columns of a file."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from skdqm._messages import listed
from skdqm.exceptions import DataError, UsageError
from skdqm.io._events import event_label, has_events
from skdqm.io._reader import Reader

LABEL_NAMES = ("label", "signal", "is_signal", "target")


@dataclass(frozen=True)
class Choice:
    """The columns to read: features, the label, and those that are only passed on."""

    features: list[str]
    label: str | None
    carried: list[str] | None

    @property
    def numbers(self) -> list[str]:
        """Columns that have to be numbers."""
        return self.features if self.label is None else [*self.features, self.label]

    @property
    def only_carried(self) -> list[str]:
        """Columns of any kind."""
        numbers = set(self.numbers)
        return [name for name in self.carried or [] if name not in numbers]


def check_names(names: Sequence[str]) -> None:
    """Refuse column names that occur twice: every later choice would be a guess."""
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise DataError(f"column names {listed(repeated)} occur more than once; rename them")


def _repeats(names: Sequence[str]) -> bool:
    return len(set(names)) < len(names)


def label_candidates(reader: Reader) -> list[str]:
    """Columns that are labels by the layout of the file or by their name."""
    if has_events(reader):
        return event_label(reader)
    return [
        name for name in reader.columns if name in reader.labels or name.casefold() in LABEL_NAMES
    ]


def choose_columns(
    reader: Reader,
    columns: Sequence[str] | None,
    label: str | None,
    carry: str | Sequence[str] | None,
) -> Choice:
    """Return the features in order, the label column, and the columns to carry."""
    target = _choose_label(reader, label)
    if columns is None:
        features = [name for name in reader.columns if name != target]
    else:
        features = list(columns)
    _check_present(reader, features)
    if target in features:
        raise DataError(
            f"column {target!r} is the label and cannot be a feature as well; "
            f"leave it out of the columns, or choose another label"
        )
    if not features:
        raise DataError(f"no feature besides the label {target!r}; expected at least one column")
    return Choice(features, target, _carried(reader, carry))


def _carried(reader: Reader, carry: str | Sequence[str] | None) -> list[str] | None:
    if carry is None:
        return None
    if isinstance(carry, str):
        return [name for name in reader.columns if name not in reader.unreadable]
    _check_present(reader, carry)
    return list(carry)


def _choose_label(reader: Reader, label: str | None) -> str | None:
    if label != "auto":
        _check_present(reader, [] if label is None else [label])
        return label
    candidates = label_candidates(reader)
    if len(candidates) > 1:
        raise DataError(
            f"columns {listed(candidates)} all look like a label; "
            f"choose one as the label (--label on the command line)"
        )
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
        raise UsageError(f"columns {list(columns)!r}: expected one or more names, each once")


def check_carry(carry: str | Sequence[str] | None) -> None:
    """Refuse a ``carry`` argument that no file could satisfy."""
    if isinstance(carry, str) and carry != "all":
        raise UsageError(f"carry={carry!r}: expected 'all' or a list of names, carry=[{carry!r}]")
    if carry is not None and _repeats(carry) and carry != "all":
        raise UsageError(f"carry {list(carry)!r}: expected each name once")
