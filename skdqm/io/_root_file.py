"""Open ROOT files, say what they hold, and choose a tree."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from skdqm._messages import listed
from skdqm._optional import require
from skdqm.exceptions import DataError, SkdqmError

TREES = {
    "TTree", "TNtuple", "TNtupleD", "ROOT::RNTuple", "ROOT::Experimental::RNTuple",
}  # fmt: skip
_HISTOGRAM = re.compile(r"TH[123][CSILFD]|TProfile\d?D?|TH2Poly")


@contextmanager
def open_root(path: Path) -> Iterator[Any]:
    """Open a ROOT file with uproot.

    Raises
    ------
    MissingDependencyError
        When ``uproot`` or ``awkward`` is not installed.
    """
    uproot = require("uproot", extra="root")
    require("awkward", extra="root")
    # An open stream, because uproot takes a colon in a path for the name of an object. It returns
    # the arrays of the 100 MB read last without reading; that would be memory for nothing here.
    with path.open("rb") as stream:
        with plain_errors():
            file = uproot.open(stream, array_cache=None)
        with file:
            yield file


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn whatever uproot raises on damaged files into a RuntimeError of its first words."""
    try:
        yield
    except SkdqmError:
        raise
    # Damaged files make it raise what struct, the codecs, numpy and awkward raise, and more.
    except Exception as error:
        # What follows is the path, which is told already, and advice about streamers.
        reason = re.split(r"\s+(?:in|for|of) file |\n\n|\n\s*in ", str(error))[0]
        raise RuntimeError(f"{type(error).__name__}: {reason}".rstrip(": ")) from error


def in_utf8(text: str) -> str:
    """Replace what is not UTF-8 in a text of the file, which uproot keeps as lone surrogates."""
    return (
        text if text.isascii() else text.encode(errors="surrogateescape").decode(errors="replace")
    )


def classes_in(file: Any) -> dict[str, str]:
    """Return the class of every object by its path; of several cycles that of the newest."""
    with plain_errors():
        found = list(file.iterclassnames(recursive=True, cycle=True))
    newest: dict[str, tuple[int, str]] = {}
    for key, class_name in found:
        name, _, cycle = key.rpartition(";")
        newest[name] = max(newest.get(name, (0, "")), (int(cycle), class_name))
    return {name: class_name for name, (_, class_name) in newest.items()}


def tree_in(file: Any, key: str | None) -> Any:
    """Return the tree that ``key`` means, or the only one."""
    classes = classes_in(file)
    asked, _, cycle = (key or "").strip("/").partition(";")
    trees = [name for name, class_name in classes.items() if class_name in TREES]
    found = [name for name in trees if not asked or name == asked]
    found = found or [name for name in trees if name.startswith(f"{asked}/")]
    if len(found) > 1:
        raise DataError(
            f"{len(found)} trees found: {listed(found)}; choose one with key (--tree or --key on "
            "the command line)"
        )
    if not found:
        raise DataError(_no_tree(classes, trees, asked))
    with plain_errors():
        if cycle:
            _check_cycle(file, found[0], cycle)
        return file[f"{found[0]};{cycle}" if cycle else found[0]]


def _check_cycle(file: Any, name: str, cycle: str) -> None:
    keys = file.keys(recursive=True, cycle=True)
    if f"{name};{cycle}" not in keys:
        kept = [key for key in keys if key.startswith(f"{name};")]
        raise DataError(f"no tree under key {f'{name};{cycle}'!r}; the file has {listed(kept)}")


def _no_tree(classes: dict[str, str], trees: list[str], asked: str) -> str:
    where = f" under key {asked!r}" if asked else ""
    if trees:
        return f"no tree{where}; the file has the trees {listed(trees)}"
    histograms = [name for name, kind in classes.items() if _HISTOGRAM.fullmatch(kind)]
    if histograms:
        return (
            f"no tree{where}; expected a TTree or an RNTuple; the file holds histograms, "
            f"{listed(histograms, 3)}, which skdqm.io.read_histograms reads "
            "(skdqm dqm on the command line)"
        )
    objects = [f"{name} ({kind})" for name, kind in classes.items()]
    return (
        f"no tree{where}; expected a TTree or an RNTuple; the file holds "
        f"{listed(objects) or 'nothing'}"
    )
