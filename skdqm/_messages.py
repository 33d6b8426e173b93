"""Words that messages share."""

from collections.abc import Sequence
from typing import Any


def listed(names: Sequence[Any], limit: int = 8) -> str:
    """Join names for a message; of many, say the first and how many more."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(repr(name) for name in names[:limit]) + more
