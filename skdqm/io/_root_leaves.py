"""What the branches of a TTree and the fields of an RNTuple hold, as awkward types tell."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from skdqm._optional import require
from skdqm.io._root_file import in_utf8

Kind = Literal["numbers", "lists", "texts", "objects"]
_NUMBERS = re.compile(r"bool|u?int\d+|float\d+")
# Members that are arrays carry their length in their name.
_LENGTH = re.compile(r"(\[\d+\])+$")


@dataclass(frozen=True)
class Leaf:
    """Values of one kind in each row.

    Attributes
    ----------
    source : str
        The path of the branch or the field to read.
    members : tuple of str
        How to get from there to the values.
    name : str
        What it is called here.
    kind : {"numbers", "lists", "texts", "objects"}
        As many numbers in each row, any number of them, text, or what cannot be read.
    shape : tuple of int
        Shape of the numbers in a row; empty for one.
    """

    source: str
    members: tuple[str, ...]
    name: str
    kind: Kind
    shape: tuple[int, ...] = ()

    def values(self, chunk: Any, width: int) -> NDArray[Any]:
        """Return the values in some rows, of shape (n, n_values); of lists `width` each."""
        found = chunk[self.source]
        for member in self.members:
            found = found[member]
        if self.kind == "lists":
            return leading(found, width)
        ak = require("awkward", extra="root")
        if self.kind == "texts":
            texts = np.empty((len(found), 1), dtype=object)
            texts[:, 0] = [None if text is None else in_utf8(text) for text in ak.to_list(found)]
            return texts
        return _filled(ak.to_numpy(found)).reshape(len(found), -1)


def leading(lists: Any, width: int) -> NDArray[Any]:
    """Return the first numbers of each list, padded with zeros, in the type of the file."""
    ak = require("awkward", extra="root")
    lengths = ak.to_numpy(ak.num(lists))
    values = ak.to_numpy(ak.flatten(lists))
    starts = np.cumsum(lengths) - lengths
    found = np.zeros((len(lengths), width), dtype=values.dtype)
    for place in range(width):
        has = lengths > place
        found[has, place] = values[starts[has] + place]
    return found


def _filled(values: NDArray[Any]) -> NDArray[Any]:
    """Write NaN for what an optional number lacks."""
    if not isinstance(values, np.ma.MaskedArray):
        return values
    floats: NDArray[Any] = np.ma.filled(values.astype(np.float64), np.nan)
    return floats


def leaves_of(tree: Any) -> list[Leaf]:
    """Return everything in a TTree or an RNTuple, in the order of the file."""
    if hasattr(tree, "branches"):
        return _short_names(_leaves_of_branches(tree))
    # What keys() tells too, in a time that grows with the square of the number of fields.
    keys = [field.path for field in tree.all_fields if field.path is not None]
    return [leaf for field in tree.fields for leaf in _leaves_of_field(tree, field, keys)]


def _leaves_of_field(ntuple: Any, field: Any, keys: list[str]) -> Iterator[Leaf]:
    form = ntuple.field_form(field.field_id, keys)
    for leaf in _leaves(form.type, field.name, (), field.name):
        yield replace(leaf, source=".".join([leaf.source, *leaf.members]), members=())


def _leaves_of_branches(tree: Any) -> Iterator[tuple[str, Leaf]]:
    """Yield leaves with the path of their branch."""
    for path, branch in tree.iteritems(recursive=True):
        type_ = _type_of(branch)
        # A branch of an object that is split has its members beside it.
        if type_ is None and len(branch.branches) > 0:
            continue
        for leaf in _leaves(type_, path, (), _LENGTH.sub("", branch.name)):
            yield path, leaf


def _type_of(branch: Any) -> Any:
    """Return the type of a branch, None if uproot has none for it or if it is a group."""
    grouped = require("uproot.interpretation.grouped", extra="root")
    interpretation = branch.interpretation
    if isinstance(interpretation, grouped.AsGrouped):
        return None
    try:
        return interpretation.awkward_form(branch.file).type
    # Whatever uproot raises on a class that it does not know: then it is an object.
    except Exception:
        return None


def _short_names(found: Iterator[tuple[str, Leaf]]) -> list[Leaf]:
    """Name leaves by their branch alone, or by its whole path where that is not enough."""
    pairs = list(found)
    counts = Counter(leaf.name for _, leaf in pairs)
    return [
        leaf if counts[leaf.name] == 1 else replace(leaf, name=in_utf8(_LENGTH.sub("", path)))
        for path, leaf in pairs
    ]


def _leaves(
    type_: Any,
    source: str,
    members: tuple[str, ...],
    name: str,
    shape: tuple[int, ...] = (),
    *,
    in_list: bool = False,
) -> Iterator[Leaf]:
    match type(type_).__name__:
        case "RecordType" if not type_.is_tuple:
            for field, content in zip(type_.fields, type_.contents, strict=True):
                inside = (*members, field)
                yield from _leaves(
                    content, source, inside, f"{name}.{field}", shape, in_list=in_list
                )
        case "RegularType" if not in_list and not _is_text(type_):
            yield from _leaves(type_.content, source, members, name, (*shape, type_.size))
        case "ListType" if not in_list and not shape and not _is_text(type_):
            yield from _leaves(type_.content, source, members, name, in_list=True)
        case "OptionType" if not in_list and type(type_.content).__name__ == "NumpyType":
            yield from _leaves(type_.content, source, members, name, shape)
        case _:
            yield Leaf(source, members, in_utf8(name), _kind(type_, shape, in_list=in_list), shape)


def _kind(type_: Any, shape: tuple[int, ...], *, in_list: bool) -> Kind:
    if _is_text(type_):
        return "objects" if in_list or shape else "texts"
    if type(type_).__name__ != "NumpyType" or not _NUMBERS.fullmatch(type_.primitive):
        return "objects"
    return "lists" if in_list else "numbers"


def _is_text(type_: Any) -> bool:
    return type_ is not None and type_.parameters.get("__array__") == "string"
