"""NumPy's own format: one array, in the order of the model's features."""

import math
from io import BytesIO

import numpy as np
from numpy.lib import format as npy

from skdqm.service._errors import RequestError
from skdqm.service._rows import Expected, Limits, Rows, checked

NPY = "application/x-npy"
LONGEST_HEADER = 1000
NUMBERS = "iuf"
WHERE = ("body",)
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def decoded(body: bytes, expected: Expected, limits: Limits) -> Rows:
    """Return the rows of an array of shape (n_rows, n_features) or (n_features,)."""
    file = BytesIO(body)
    shape, fortran, dtype = _header(file)
    rows = shape if len(shape) == 2 else (1, *shape)
    if len(rows) != 2 or rows[1] != expected.number:
        raise RequestError(
            422,
            f"found an array of shape {shape}, expected (n_rows, {expected.number}) or "
            f"({expected.number},)",
            WHERE,
        )
    limits.check_rows(rows[0])
    start, size = file.tell(), math.prod(rows) * dtype.itemsize
    if len(body) - start != size:
        raise RequestError(
            422, f"found {len(body) - start:,} bytes of numbers, expected {size:,}", WHERE
        )
    flat = np.frombuffer(body, dtype, offset=start)
    values = flat.reshape(rows, order="F" if fortran and len(shape) == 2 else "C")
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is named later
        numbers = values.astype(np.float64)
    return checked(numbers, {}, expected, "events")


def _header(file: BytesIO) -> tuple[tuple[int, ...], bool, "np.dtype[np.generic]"]:
    try:
        version = npy.read_magic(file)
        read = HEADERS[version]
        shape, fortran, dtype = read(file, max_header_size=LONGEST_HEADER)
    except Exception as error:  # whatever the parser of headers, which is Python's own, raises
        hint = "; it is an npz file: send one array" if file.getvalue().startswith(b"PK") else ""
        raise RequestError(422, f"expected an array in NumPy's npy format{hint}", WHERE) from error
    if dtype.kind not in NUMBERS or dtype.shape or dtype.itemsize > 16:
        raise RequestError(422, f"found an array of {dtype}, expected numbers", WHERE)
    if any(isinstance(length, bool) or length < 0 for length in shape):
        raise RequestError(422, f"found an array of shape {shape}", WHERE)
    return shape, fortran, dtype
