"""When a stream is in which condition."""

import re
from collections.abc import Sequence
from itertools import pairwise
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skdqm.exceptions import UsageError

Floats = NDArray[np.float64]

# What happens, and for what share of the stream, in any unit. "A>B" goes from A to B, and "A~B"
# to B and back for ever.
SCHEDULES: dict[str | None, tuple[tuple[str, float], ...]] = {
    None: (("A", 1),),
    "recurring": (("A", 10), ("A>B", 15), ("C", 10), ("A", 10), ("C", 7), ("B", 8)),
    "gradual": (("A", 1), ("A>B", 3), ("B", 1)),
    "abrupt": (("A", 1), ("C", 1)),
    "seasonal": (("A~B", 1),),
    "subset": (("A", 1), ("A>B", 1), ("C", 1)),
}
_STAGE = re.compile("([A-Z])(?:([>~])(?!\\1)([A-Z]))?")


class Schedule(NamedTuple):
    """The conditions of a stream: their names, the share of each in every row, and changes."""

    names: list[str]
    weights: Floats  # (n_samples, n_conditions)
    stage: NDArray[np.str_]
    change_points: NDArray[np.int64]


def _known() -> str:
    return ", ".join(repr(name) for name in SCHEDULES)


def _stages(drift: Any) -> list[tuple[str, float]]:
    """Return the stages and shares that a word or a sequence means."""
    if drift is None or isinstance(drift, str):
        if drift not in SCHEDULES:
            raise UsageError(
                f"drift={drift!r}; expected one of {_known()}, or a sequence of stages such as "
                "['A', 'A>B', 'C']"
            )
        return list(SCHEDULES[drift])
    stages = [(stage, 1.0) if isinstance(stage, str) else tuple(stage) for stage in drift]
    if not stages or not all(map(_is_stage, stages)):
        raise UsageError(
            f"drift={drift!r}; each stage must be 'A' (a condition, one capital letter), 'A>B' "
            "(from one to another) or 'A~B' (to another and back), or a pair of it and its share "
            "of the stream"
        )
    return stages


def _is_stage(stage: Sequence[Any]) -> bool:
    if len(stage) != 2 or not isinstance(stage[0], str) or not isinstance(stage[1], Real):
        return False
    return _STAGE.fullmatch(stage[0]) is not None and 0 < float(stage[1]) < np.inf


def _edges(stages: list[tuple[str, float]], n_samples: int) -> list[int]:
    total = np.cumsum([0.0, *(share for _, share in stages)])
    edges: list[int] = np.rint(n_samples * total / total[-1]).astype(int).tolist()
    if any(first >= stop for first, stop in pairwise(edges)):
        raise UsageError(
            f"n_samples={n_samples} leaves a stage of {[word for word, _ in stages]} without rows; "
            "give more rows or fewer stages"
        )
    return edges


def _progress(kind: str | None, n_rows: int, period: int) -> Floats:
    """Return the share of the second condition in each row of a stage."""
    if kind == ">":
        return np.linspace(0, 1, n_rows)
    if kind == "~":
        turns: Floats = (1 - np.cos(2 * np.pi * np.arange(n_rows) / period)) / 2
        return turns
    return np.zeros(n_rows)


def draw_up(drift: Any, n_samples: int, period: int) -> Schedule:
    """Say in which condition each row is."""
    stages = _stages(drift)
    edges = _edges(stages, n_samples)
    words = [word for word, _ in stages]
    names = list(dict.fromkeys(name for word in words for name in re.findall("[A-Z]", word)))
    weights = np.zeros((n_samples, len(names)))
    changes = set(edges[1:-1])
    for word, first, stop in zip(words, edges[:-1], edges[1:], strict=True):
        parts = _STAGE.fullmatch(word)
        source, kind, target = parts.groups() if parts else (word, None, None)
        progress = _progress(kind, stop - first, period)
        weights[first:stop, names.index(source)] = 1 - progress
        if target is not None:
            weights[first:stop, names.index(target)] = progress
        if kind == "~":
            # A half exactly is not more than a half, whichever way it is rounded.
            is_other = progress > 0.5 + 1e-9
            changes |= set((first + 1 + np.flatnonzero(is_other[1:] != is_other[:-1])).tolist())
    return Schedule(
        names=names,
        weights=weights,
        stage=np.repeat(words, np.diff(edges)),
        change_points=np.array(sorted(changes), dtype=np.int64),
    )
