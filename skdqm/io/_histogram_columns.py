"""Which column of a table of histograms says what, by the names that experiments use."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from skdqm._lumisections import bin_names, element_of, place_of, shape_of
from skdqm._messages import listed
from skdqm.exceptions import DataError

# In order of preference: in a table with "ls" and "lumi" the latter is the luminosity.
_NAMES = {
    "run": ("run", "runnumber", "fromrun"),
    "lumisection": (
        "lumisection", "lumisectionnumber", "ls", "lsnumber", "fromlumi", "luminosityblock", "lumi",
    ),
    "element": ("hname", "element", "monitorelement", "me"),
    "stored": ("histo", "data"),
    "entries": ("entries",),
}  # fmt: skip
_DECLARED = re.compile(r"metype|[xyz](bins?|min|max|edges)")
_BIN = re.compile(r"(?:bin[_ ]?)?(\d+)", re.IGNORECASE)
# The index that pandas writes into CSV and Parquet.
_INDEX = re.compile(r"__index_level_\d+__|Unnamed: ?\d+")


@dataclass(frozen=True)
class Columns:
    """What the columns of a table are.

    Attributes
    ----------
    run, lumisection, element, entries : str or None
        The columns that say so; None if there is none.
    stored : str or None
        The column that holds all bins of a histogram, in the DQMIO layout.
    bins : list of str
        Else the columns of the bins in order.
    wide : list of str
        Else the columns of a table of lumisections, called ``element[bin]``.
    declared : dict of str to str
        Columns that tell the binning, by xbins, xmin and so on.
    conditions : list of str
        Every other column.
    """

    run: str | None
    lumisection: str | None
    element: str | None
    stored: str | None
    entries: str | None
    bins: list[str]
    wide: list[str]
    declared: dict[str, str]
    conditions: list[str]


def columns_of(names: Sequence[str]) -> Columns:
    """Recognise the columns of a table of histograms."""
    normal = {_normal(name): name for name in reversed(names)}
    roles = {role: _first(normal, known) for role, known in _NAMES.items()}
    declared = {
        key.replace("bins", "bin").replace("bin", "bins"): name
        for key, name in normal.items()
        if _DECLARED.fullmatch(key)
    }
    bins = [] if roles["stored"] else _bins(names)
    wide = [] if roles["stored"] or bins else [name for name in names if place_of(name)]
    if not (roles["stored"] or bins or wide):
        raise DataError(
            f"found no histograms in the columns {listed(names)}; expected a column 'histo' with "
            "lists of bins, columns 'bin_0', 'bin_1' and so on, or 'element[0]', 'element[1]'"
        )
    if wide:  # several elements in a row: it cannot be the entries of all
        roles["entries"] = None
    used = {*roles.values(), *declared.values(), *bins, *wide}
    others = [name for name in names if name not in used and not _INDEX.fullmatch(name)]
    return Columns(**roles, bins=bins, wide=wide, declared=declared, conditions=others)


def columns_beside(names: Sequence[str], element: str) -> Columns:
    """Recognise the arrays that lie beside one with the histograms of an element."""
    normal = {_normal(name): name for name in reversed(names)}
    run, lumisection = (_first(normal, _NAMES[role]) for role in ("run", "lumisection"))
    entries = _first(normal, (f"{_normal(element)}entries", "entries"))
    others = [name for name in names if name not in {run, lumisection, entries}]
    return Columns(run, lumisection, None, None, entries, [], [], {}, others)


def _normal(name: str) -> str:
    return name.casefold().replace("_", "").replace(" ", "")


def _first(present: dict[str, str], known: Iterable[str]) -> str | None:
    return next((present[name] for name in known if name in present), None)


def _bins(names: Sequence[str]) -> list[str]:
    """Return the columns of the bins in order; they count from 0 or from 1 without a gap."""
    numbers = {name: int(match[1]) for name in names if (match := _BIN.fullmatch(name))}
    ordered = sorted(numbers, key=numbers.__getitem__)
    found = [numbers[name] for name in ordered]
    if found and found not in ([*range(len(found))], [*range(1, len(found) + 1)]):
        missing = sorted(set(range(min(found[0], 1), found[-1])) - set(found))
        what = f"without {listed(missing)}" if missing else "with a number twice"
        raise DataError(
            f"found {len(found)} columns of bins from {ordered[0]!r} to {ordered[-1]!r} {what}; "
            "expected each number once"
        )
    return ordered


def elements_in(wide: Sequence[str]) -> dict[str, list[str]]:
    """Return the columns of each element of a table of lumisections, in C order of the bins."""
    found: dict[str, list[str]] = {}
    for name in wide:
        found.setdefault(element_of(name), []).append(name)
    return {element: sorted(names, key=place_of) for element, names in found.items()}


def whole_shape(element: str, names: list[str]) -> tuple[int, ...]:
    """Return the shape of the histogram in some columns, or say that bins are missing."""
    shape = shape_of(names)
    if bin_names(element, shape) != names:
        raise DataError(
            f"the columns {listed(names)} are not the bins of a whole histogram; expected every "
            f"bin of {element!r} once"
        )
    return shape
