"""What tells a model from others: a digest of all that a model file holds of it."""

import json
from hashlib import sha256
from typing import Any

from skdqm.exceptions import UsageError
from skdqm.persistence._tree import Arrays, encode

# How long its epochs took makes no other model.
HISTORY = "history_"


def fingerprint(estimator: Any) -> str:
    """Return the digest of a fitted model, the same before it is saved and after it is loaded.

    Parameters
    ----------
    estimator : detector or Pipeline
        It is fitted.

    Returns
    -------
    digest : str
        In hexadecimal.

    Raises
    ------
    UsageError
        When it is no model that can be saved.
    """
    arrays: Arrays = {}
    try:
        tree = encode(estimator, arrays)
    except UsageError as error:
        raise UsageError(f"a checkpoint needs a model that can be saved: {error}") from error
    canonical = json.dumps(_with_digests(tree, arrays), sort_keys=True)
    return sha256(canonical.encode()).hexdigest()


def _with_digests(tree: Any, arrays: Arrays) -> Any:
    """Put the content of arrays in the place of their names, which depend on an order."""
    if isinstance(tree, list):
        return [_with_digests(item, arrays) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if set(tree) == {"name", "order"} and tree["name"] in arrays:
        array = arrays[tree["name"]]
        return [array.dtype.str, array.shape, sha256(array.tobytes()).hexdigest()]
    return {key: _with_digests(item, arrays) for key, item in tree.items() if key != HISTORY}
