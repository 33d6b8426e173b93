"""Names of the columns of a tree, and what is meant by ``Muon_pt[3]`` and ``Muon_pt_2``."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import NamedTuple

from skdqm._messages import listed
from skdqm.exceptions import DataError
from skdqm.io._arrays import numbered
from skdqm.io._root_leaves import Leaf

_LEADING = re.compile(r"(.+)\[(\d+)\]")
# More would be a mistake, and could exhaust the memory.
_LONGEST = 10_000


class Column(NamedTuple):
    """One column: a place among the values of a leaf."""

    leaf: Leaf
    place: int


@dataclass(frozen=True)
class Columns:
    """Everything in a tree that can be asked for by name."""

    leaves: tuple[Leaf, ...]

    @cached_property
    def lists(self) -> dict[str, Leaf]:
        """Lists of numbers, by name."""
        return {leaf.name: leaf for leaf in self.leaves if leaf.kind == "lists"}

    @cached_property
    def plain(self) -> dict[str, Column]:
        """Numbers and texts, by name: what is a column without being asked for."""
        return {
            name: Column(leaf, place)
            for leaf in self.leaves
            if leaf.kind in ("numbers", "texts")
            for place, name in enumerate(_names_in(leaf))
        }

    @property
    def names(self) -> list[str]:
        """Names of `plain`, each as often as it occurs in the file."""
        kinds = ("numbers", "texts")
        return [name for leaf in self.leaves if leaf.kind in kinds for name in _names_in(leaf)]

    @property
    def texts(self) -> tuple[str, ...]:
        """Names of the texts."""
        return tuple(leaf.name for leaf in self.leaves if leaf.kind == "texts")

    def column(self, name: str) -> Column | None:
        """Return the column of that name, also one of a list such as ``Muon_pt_2``."""
        if name in self.plain:
            return self.plain[name]
        list_name, _, place = name.rpartition("_")
        leaf = self.lists.get(list_name)
        # Only as they are written here: Muon_pt_02 is none.
        if leaf is None or not (place.isdecimal() and place == str(int(place))):
            return None
        return Column(leaf, int(place)) if int(place) < _LONGEST else None

    def expanded(self, names: Sequence[str]) -> list[str]:
        """Return the columns that are meant, in the order asked for."""
        columns = [column for name in names for column in self._meant_by(name)]
        repeated = [name for name, count in Counter(columns).items() if count > 1]
        if repeated:
            raise DataError(
                f"columns {listed(repeated)} are asked for more than once by {listed(names)}; "
                "expected each once"
            )
        return columns

    def _meant_by(self, name: str) -> list[str]:
        if name in self.plain:
            return [name]
        match = _LEADING.fullmatch(name)
        if match:
            return self._leading(name, match[1], int(match[2]))
        if name in self.lists:
            raise DataError(
                f"column {name!r} is a list of numbers, as long as each row has it; write "
                f"'{name}[3]' for its first 3, padded with zeros"
            )
        found = {leaf.name: leaf for leaf in self.leaves}.get(name)
        if found is not None and found.kind == "objects":
            raise DataError(
                f"column {name!r} holds objects or lists of lists, which cannot be read; expected "
                "numbers or lists of numbers"
            )
        return [name] if found is None else list(_names_in(found))

    def _leading(self, asked: str, name: str, count: int) -> list[str]:
        if name in self.lists:
            longest, names = _LONGEST, numbered(name, min(count, _LONGEST))
        else:
            arrays = [leaf for leaf in self.leaves if leaf.name == name and len(leaf.shape) == 1]
            if not arrays:
                return [asked]
            longest, names = arrays[0].shape[0], _names_in(arrays[0])
        if not 1 <= count <= longest:
            raise DataError(f"column {asked!r}: expected 1 to {longest:,} values of {name!r}")
        self._refuse_taken(names[:count], name)
        return list(names[:count])

    def _refuse_taken(self, names: Sequence[str], list_name: str) -> None:
        taken = [name for name in names if name in self.plain and list_name in self.lists]
        if taken:
            raise DataError(
                f"the file has columns {listed(taken)} besides the list {list_name!r}, whose "
                "values would have the same names; ask for fewer of them"
            )


def _names_in(leaf: Leaf) -> tuple[str, ...]:
    """Name one column, or the numbered ones of an array."""
    if not leaf.shape:
        return (leaf.name,)
    places = product(*map(range, leaf.shape))
    return tuple("_".join([leaf.name, *map(str, place)]) for place in places)
