"""Verdicts on lumisections, run by run: the earlier ones may be learned before the next."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Console

from skdqm.cli._dqm_data import Data
from skdqm.cli._dqm_follow import Follow
from skdqm.cli._dqm_model import DqmModel
from skdqm.cli._terminal import progress

if TYPE_CHECKING:
    from skdqm.report._judged import Judged

GOOD, BAD, NOT_ENOUGH_DATA = 1, -1, 0


def judgements(model: DqmModel, data: Data, follow: Follow, say: Console) -> "Iterator[Judged]":
    """Judge run after run, and let the model follow; without, several runs at once."""
    from skdqm.report._judged import judged

    follow.start(data)
    with progress(say, "judging", len(data.table)) as advance:
        for rows in data.blocks(run_by_run=follow.learns):
            found = judged(model.detector, model.prepared(rows))
            yield found
            follow.learn(rows, found.verdicts)
            advance(len(rows))
