"""A detector learns by ``partial_fit`` as ``fit`` would in memory."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from tqdm import tqdm

from skdqm.base import BaseDetector
from skdqm.exceptions import UsageError
from skdqm.out_of_core._shuffle import ShuffledRows


def epochs_of(detector: Any) -> int:
    """Return the passes that a detector asks for, or one inside it: 1 if it does not say."""
    return int(max(_parameters(detector, "max_epochs"), default=1))


def check_settings(detector: Any, *, shuffle: bool) -> None:
    """Refuse what training by blocks cannot give."""
    if shuffle and getattr(detector, "keeps_calibration", False):
        raise UsageError(
            f"a {type(detector).__name__} learns a stream in the order of time; give shuffle=False"
        )
    if any(_parameters(detector, "early_stopping")):
        raise UsageError(
            "early_stopping=True needs all rows in memory; out of core, set early_stopping=False "
            "and choose max_epochs"
        )


def learn_shuffled(detector: Any, rows: ShuffledRows, n_epochs: int) -> None:
    """Train on all rows in random order, and place the threshold."""
    settings = {"verbose": 0}
    if getattr(detector, "batch_size", None) == "auto":
        # The steps of training are as long as they would be in memory.
        settings["batch_size"] = detector._batch_rows(len(rows))  # noqa: SLF001 (NeuralDetector)
    total = n_epochs * rows.n_blocks
    with (
        tqdm(total=total, desc="training", unit="block", disable=not _is_verbose(detector)) as bar,
        _set_for_now(detector, settings),
    ):
        for _ in range(n_epochs):
            learn_once(detector, rows, bar.update)
    if isinstance(detector, BaseDetector):
        # partial_fit looks at 2,048 scores; one block has many more, and is as random.
        scores = detector._scores_with_verdict(next(iter(rows)))  # noqa: SLF001
        detector.offset_ = detector._placed_threshold(scores)  # noqa: SLF001


def learn_once(detector: Any, rows: Any, done: Callable[[], object] = lambda: None) -> None:
    """Make one pass, which is one entry in the history."""
    before = list(getattr(detector, "history_", []))
    lengths = []
    for block in rows:
        detector.partial_fit(block)
        lengths.append(len(block))
        done()
    if hasattr(detector, "history_"):
        new = detector.history_[len(before) :]
        detector.history_ = [*before, _together(new, lengths, len(before) + 1)]


def _together(blocks: list[dict[str, float]], lengths: list[int], epoch: int) -> dict[str, float]:
    """Return the figures of an epoch from those of its blocks."""
    losses = [figures["train_loss"] for figures in blocks]
    seconds = sum(figures["dur"] for figures in blocks)
    loss = float(np.average(losses, weights=lengths))
    return {"epoch": epoch, "train_loss": loss, "dur": seconds}


def _parameters(detector: Any, name: str) -> list[Any]:
    found = detector.get_params().items()
    return [value for key, value in found if key.rpartition("__")[2] == name]


def _is_verbose(detector: Any) -> bool:
    return bool(getattr(detector, "verbose", 0))


@contextmanager
def _set_for_now(detector: Any, settings: dict[str, Any]) -> Iterator[None]:
    known = detector.get_params(deep=False)
    before = {name: known[name] for name in settings if name in known}
    detector.set_params(**{name: settings[name] for name in before})
    try:
        yield
    finally:
        detector.set_params(**before)
