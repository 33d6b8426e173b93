"""Find the table among named arrays: a matrix, images, records, or equally long columns.

The same rules serve an npz archive and a plain HDF5 group.
"""

from collections.abc import Collection, Mapping
from itertools import product
from typing import Any

from skdqm._messages import listed
from skdqm.exceptions import DataError
from skdqm.io._arrays import ArrayLike, ArrayReader, Block, Part, decoded, numbered
from skdqm.io._columns import LABEL_NAMES
from skdqm.io._images import image_shape, pixel_names

# A column called "y" is too often a coordinate; an array called "y" next to X is the label.
_LABEL_ARRAYS = (*LABEL_NAMES, "y")
_HEADER_NAMES = ("columns", "feature_names", "features")
_WHOLE_GROUP = ""
_IMAGE_AXES = (3, 4)
# One column beside images may be a label of another name; several are a table.
_SEVERAL = 2

Arrays = Mapping[str, ArrayLike]


def tables_in(arrays: Arrays) -> list[str]:
    """Name the arrays that are tables; ``[""]`` if only all the columns together are one.

    Images beside a matrix or beside several columns are no table: they are read when asked for.
    """
    matrices = [name for name in named_tables(arrays) if not _is_images(arrays[name])]
    if matrices:
        return matrices
    columns = _flat(arrays)
    features = [name for name in columns if not _is_label(name, columns[name])]
    images = named_tables(arrays)
    if images and len(features) < _SEVERAL:
        return images
    lengths = {array.shape[0] for array in columns.values()}
    return [_WHOLE_GROUP] if len(lengths) == 1 else []


def named_tables(arrays: Arrays) -> list[str]:
    """Name the arrays that are a table by themselves, also those that :func:`tables_in` omits."""
    return [
        name for name, array in arrays.items() if _is_table(array) and not _is_label(name, array)
    ]


def _is_images(array: ArrayLike) -> bool:
    return len(array.shape) in _IMAGE_AXES


def _is_table(array: ArrayLike) -> bool:
    if array.dtype.names:
        return len(array.shape) == 1
    return len(array.shape) in {2, *_IMAGE_AXES} and array.dtype.kind in "biuf"


def _is_label(name: str, array: ArrayLike) -> bool:
    """Tell labels, of shape (n,) or (n, 1), by the name of their array."""
    is_column = array.shape != () and array.shape[1:] in {(), (1,)} and not array.dtype.names
    return is_column and name.casefold() in _LABEL_ARRAYS


def _flat(arrays: Arrays) -> dict[str, ArrayLike]:
    return {
        name: array
        for name, array in arrays.items()
        if len(array.shape) == 1 and not (name in _HEADER_NAMES and _is_text(array))
    }


def _is_text(array: ArrayLike) -> bool:
    # h5py marks strings of variable length in the metadata; a bare object dtype is a pickle.
    metadata: Mapping[str, Any] = array.dtype.metadata or {}
    return array.dtype.kind in "SU" or metadata.get("vlen") in {str, bytes}


def pick(
    tables: Collection[str],
    key: str | None,
    contents: Collection[str],
    named: Collection[str] = (),
) -> str:
    """Return the one table that ``key`` means, or the only one, or the one called X.

    ``named`` are further tables, which count only when the key is theirs.
    """
    if key is not None and (key in tables or key in named):
        return key
    found = [name for name in tables if key is None or name.startswith(f"{key}/")]
    matrices = [name for name in found if name.rpartition("/")[2].casefold() == "x"]
    if len(found) == 1 or len(matrices) == 1:
        return (matrices or found)[0]
    if found:
        raise DataError(
            f"{len(found)} tables found: {listed(found)}; "
            f"choose one with key (--key on the command line)"
        )
    where = "" if key is None else f" under key {key!r}"
    holds = listed(list(contents)) or "nothing"
    raise DataError(
        f"no table of numbers found{where}; expected a pandas frame, a 2-D array, equally long 1-D "
        f"arrays, or images in a 3-D or 4-D array (pickled objects are never read); the file holds "
        f"{holds}"
    )


def open_table(arrays: Arrays, name: str) -> ArrayReader:
    """Open one of the tables that :func:`tables_in` named."""
    flat = _flat(arrays)
    if name == _WHOLE_GROUP:
        return ArrayReader([_column(flat, column) for column in flat])
    shape = arrays[name].shape
    images = image_shape(shape) if len(shape) in _IMAGE_AXES else None
    parts = _parts(arrays, name) if images is None else (Part(pixel_names(images)),)
    labels = _labels_beside(arrays, name)
    blocks = [Block(arrays[name], parts), *(_column(arrays, label) for label in labels)]
    return ArrayReader(blocks, labels=labels, image_shape=images)


def _labels_beside(arrays: Arrays, table: str) -> list[str]:
    n_rows = arrays[table].shape[0]
    lengths = {name: array.shape[0] for name, array in arrays.items() if _is_label(name, array)}
    labels = [name for name, length in lengths.items() if length == n_rows and name != table]
    # Next to several tables a label may belong to another of them.
    if lengths and not labels and tables_in(arrays) == [table]:
        name, length = next(iter(lengths.items()))
        raise DataError(
            f"array {name!r} holds {length} labels and {table!r} has {n_rows} rows; "
            f"expected one label for each row"
        )
    return labels


def _column(arrays: Arrays, name: str) -> Block:
    array = arrays[name]
    pickled = array.dtype.hasobject and not _is_text(array)
    return Block(array, (Part((name,), unusable="pickled objects" if pickled else ""),))


def _parts(arrays: Arrays, name: str) -> tuple[Part, ...]:
    array = arrays[name]
    fields = array.dtype.fields
    if fields is None:
        return (Part(_feature_names(arrays, name) or _neutral_names(array.shape[1])),)
    return tuple(
        Part(_field_names(field, entry[0].shape), field) for field, entry in fields.items()
    )


def _neutral_names(count: int) -> tuple[str, ...]:
    """Name unnamed columns as scikit-learn does, whatever their array is called."""
    return tuple(f"x{i}" for i in range(count))


def _field_names(field: str, shape: tuple[int, ...]) -> tuple[str, ...]:
    return numbered(field, shape[0]) if shape else (field,)


def _feature_names(arrays: Arrays, name: str) -> tuple[str, ...] | None:
    """Names from an attribute of the matrix or from a sibling array of strings."""
    attributes: Mapping[str, Any] = getattr(arrays[name], "attrs", {})
    texts = {key: array for key, array in arrays.items() if _is_text(array)}
    for holder, header in product((attributes, texts), _HEADER_NAMES):
        values = holder.get(header)
        if getattr(values, "shape", None) == arrays[name].shape[1:]:
            return tuple(decoded(value) for value in values[:])
    return None
