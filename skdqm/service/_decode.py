"""Bodies of requests as arrays of numbers, whoever sent them."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from skdqm._messages import listed
from skdqm.service import _decode_arrow, _decode_csv, _decode_json, _decode_npy
from skdqm.service._decode_arrow import ARROW, encoded
from skdqm.service._decode_csv import CSV
from skdqm.service._decode_json import JSON
from skdqm.service._decode_npy import NPY
from skdqm.service._errors import RequestError
from skdqm.service._rows import Expected, Limits, Rows

__all__ = ["ARROW", "CSV", "JSON", "NPY", "Expected", "Limits", "Rows", "decoded", "encoded"]

_FORMS: Mapping[str, Callable[[bytes, Expected, Limits], Rows]] = {
    JSON: _decode_json.decoded,
    CSV: _decode_csv.decoded,
    ARROW: _decode_arrow.decoded,
    NPY: _decode_npy.decoded,
}


def decoded(body: bytes, content_type: str, expected: Expected, limits: Limits) -> Rows:
    """Return the rows of a body.

    Parameters
    ----------
    body : bytes
        Anything.
    content_type : str
        What it is said to be.
    expected : Expected
        What the model takes.
    limits : Limits
        What a request may have at most.

    Returns
    -------
    rows : Rows
        Finite numbers, in the order of the model's features.

    Raises
    ------
    RequestError
        With 413, 415 or 422, when it is anything else.
    """
    if len(body) > limits.max_bytes:
        raise RequestError(413, f"the request is larger than {limits.max_bytes:,} bytes")
    form = content_type.partition(";")[0].strip().lower()
    if form not in _FORMS:
        found = repr(form[:100]) if form else "none"
        raise RequestError(
            415, f"found the content type {found}, expected one of {listed(list(_FORMS))}"
        )
    rows = _FORMS[form](body, expected, limits)
    _check_lumisections(rows, expected)
    return rows


def _check_lumisections(rows: Rows, expected: Expected) -> None:
    """Refuse a lumisection without its number, or twice in a request."""
    if expected.shapes is None:
        return
    if rows.runs is None or rows.lumisections is None:
        raise RequestError(
            422,
            "found no run and lumisection; each row of histograms has them",
            ("body", "lumisections"),
        )
    pairs: Any = np.stack([rows.runs, rows.lumisections], axis=1)
    found, counts = np.unique(pairs, axis=0, return_counts=True)
    if len(found) < len(pairs):
        run, lumisection = found[np.argmax(counts > 1)].tolist()
        raise RequestError(
            422,
            f"lumisection {lumisection} of run {run} occurs twice in the request",
            ("body", "lumisections"),
        )
