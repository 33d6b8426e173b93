"""pandas frames in HDF5, read without PyTables and without unpickling anything.

Layouts, as written by pandas (``pandas/io/pytables.py``, classes ``BlockManagerFixed`` and
``AppendableFrameTable``). *fixed*: ``axis0`` holds the column names, ``block<i>_items`` and
``block<i>_values`` the columns of one dtype, stored rows first. *table*: one dataset ``table`` of
a compound dtype; each field is a column or a matrix of columns, whose names PyTables keeps as a
pickled list in the attribute ``<field>_kind``.
"""

import pickletools
from typing import Any

import h5py

from skdqm._messages import listed
from skdqm.exceptions import DataError
from skdqm.io._arrays import ArrayReader, Block, Part, decoded

_LITERALS = {
    "INT", "LONG", "LONG1", "BININT", "BININT1", "BININT2", "FLOAT", "BINFLOAT", "STRING",
    "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE",
}  # fmt: skip
_STRUCTURE = {
    "PROTO", "FRAME", "MARK", "LIST", "EMPTY_LIST", "APPEND", "APPENDS", "TUPLE", "EMPTY_TUPLE",
    "TUPLE1", "TUPLE2", "TUPLE3", "PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE", "STOP",
}  # fmt: skip
_DATES = ("datetime", "timedelta")


def literals(pickled: object) -> tuple[str, ...]:
    r"""List the texts and numbers in a pickled list, in order, without unpickling it.

    The opcodes are only walked. Anything that could name or call a Python object is refused.

    Examples
    --------
    >>> literals(b"(lp0\nVpt\np1\naVeta\np2\na.")
    ('pt', 'eta')
    """
    found = []
    for opcode, argument, _ in pickletools.genops(_raw(pickled)):
        if opcode.name in _LITERALS:
            found.append(str(argument))
        elif opcode.name not in _STRUCTURE:
            raise DataError(
                f"the column names are a pickle with opcode {opcode.name}, expected a list of "
                f"texts or whole numbers; write the frame again with text column names"
            )
    return tuple(found)


def _raw(pickled: object) -> bytes:
    return pickled if isinstance(pickled, bytes) else str(pickled).encode("utf-8")


def open_fixed_frame(group: h5py.Group) -> ArrayReader:
    """Open a frame that ``DataFrame.to_hdf(format="fixed")`` wrote."""
    _refuse_multi_index(group.attrs.get("axis0_variety"))
    numbers = range(int(group.attrs["nblocks"]))
    blocks = [_fixed_block(group, number) for number in numbers]
    # Of an array without elements pandas stores a placeholder, and the true shape as attribute.
    empty = any("shape" in group[f"block{number}_values"].attrs for number in numbers)
    return ArrayReader(blocks, columns=_axis_names(group["axis0"]), n_rows=0 if empty else None)


def _refuse_multi_index(variety: object) -> None:
    if variety is not None and decoded(variety) == "multi":
        raise DataError(
            "the columns are a MultiIndex; expected plain names, flatten them before writing"
        )


def _axis_names(axis: h5py.Dataset) -> tuple[str, ...]:
    if axis.dtype.kind == "O" and h5py.check_string_dtype(axis.dtype) is None:
        raise DataError("the column names are pickled objects; expected texts or whole numbers")
    return () if "shape" in axis.attrs else tuple(decoded(name) for name in axis[:])


def _fixed_block(group: h5py.Group, number: int) -> Block:
    values = group[f"block{number}_values"]
    names = _axis_names(group[f"block{number}_items"])
    kind = decoded(values.attrs.get("value_type", b""))
    unusable = "pickled objects" if values.dtype.kind == "O" else _unusable(kind)
    if not unusable and "shape" not in values.attrs and values.shape[1:] != (len(names),):
        raise DataError(
            f"{values.name} has shape {values.shape}, expected one column for each of "
            f"{listed(names)}"
        )
    return Block(values, (Part(names, unusable=unusable),))


def _unusable(kind: str) -> str:
    return kind if kind.startswith(_DATES) or kind == "category" else ""


def open_table_frame(group: h5py.Group) -> ArrayReader:
    """Open a frame that ``DataFrame.to_hdf(format="table")`` wrote."""
    table = group["table"]
    levels = _index_levels(group)
    fields = [name for name in literals(group.attrs["values_cols"]) if name not in levels]
    block = Block(table, tuple(_table_part(table, field) for field in fields))
    # The attribute is [(1, names)]: first the number of the axis, then its labels.
    columns = literals(group.attrs["non_index_axes"])[1:]
    return ArrayReader([block], columns=[name for name in columns if name not in levels])


def _index_levels(group: h5py.Group) -> tuple[str, ...]:
    """Names of the levels of a row MultiIndex, which this layout stores among the columns."""
    levels = group.attrs.get("levels", 1)
    return literals(levels) if isinstance(levels, bytes | str) else ()


def _table_part(table: h5py.Dataset, field: str) -> Part:
    attributes: Any = table.attrs
    names = literals(attributes[f"{field}_kind"])
    width = table.dtype[field].shape[0] if table.dtype[field].shape else 1
    if len(names) != width:
        raise DataError(
            f"field {field!r} of the table has {width} columns and {len(names)} names; expected "
            f"one name each (a MultiIndex must be flattened before writing)"
        )
    kinds = (decoded(attributes.get(f"{field}_{what}", b"")) for what in ("meta", "dtype"))
    return Part(names, field, next(filter(None, map(_unusable, kinds)), ""))
