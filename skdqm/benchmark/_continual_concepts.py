"""Concept after concept: what a follower knows of each, after it has learned each."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from skdqm.benchmark._contenders import Floats
from skdqm.benchmark._continual_contenders import Entrant
from skdqm.benchmark._continual_followers import Follower, Truth
from skdqm.benchmark._quiet import quiet
from skdqm.benchmark._trial import Record, digest
from skdqm.exceptions import DataError
from skdqm.metrics import backward_transfer, forgetting, forward_transfer, lifelong_score

Labels = NDArray[np.int64]
NAME = re.compile(r"(.*?)(\d+)__train")


class Concept(NamedTuple):
    """Good rows to learn, and rows to judge with their labels (1 = anomaly)."""

    train: Floats
    test: Floats
    y: Labels


@dataclass(frozen=True)
class Concepts:
    """A file of concepts, in the order of their numbers.

    Attributes
    ----------
    path : Path
        An npz file with ``NAME_K__train``, ``NAME_K__test`` and ``NAME_K__label`` of each.
    """

    path: Path

    @property
    def name(self) -> str:
        """How records call it."""
        return self.path.stem

    def definition(self) -> dict[str, Any]:
        """Describe it, so that results of others are told apart."""
        return {"concepts": digest(self.path)}

    def concepts(self) -> list[Concept]:
        """Read them."""
        return _read(self.path)


@lru_cache(maxsize=1)
def _read(path: Path) -> list[Concept]:
    try:
        with np.load(path, allow_pickle=False) as file:
            names = sorted(
                (
                    (int(match[2]), match[1] + match[2])
                    for match in map(NAME.fullmatch, file)
                    if match
                ),
            )
            found = [
                Concept(
                    file[f"{name}__train"].astype(np.float64),
                    file[f"{name}__test"].astype(np.float64),
                    file[f"{name}__label"].astype(np.int64),
                )
                for _, name in names
            ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path}: cannot be read as concepts ({error}); expected an npz file with "
            "NAME_0__train, NAME_0__test, NAME_0__label, NAME_1__train and so on"
        ) from error
    if len(found) < 2:
        raise DataError(
            f"{path}: {len(found)} concepts found; expected two or more, such as NAME_0__train, "
            "NAME_0__test, NAME_0__label, NAME_1__train and so on"
        )
    return found


def learned_one_by_one(entrant: Entrant, concepts: Concepts, seed: int) -> Record:
    """Let a follower learn concept after concept, and measure what it knows of all after each.

    Parameters
    ----------
    entrant : Entrant
        The follower. It is never told which concept a row that it judges is of; one that is called
        ``tagged`` is told when the concept changes while it learns.
    concepts : Concepts
        The concepts.
    seed : int
        Random state.

    Returns
    -------
    record : dict
        ``lifelong``, ``backward``, ``backward_stepwise``, ``forward``, ``forgetting``, ``final``
        (the mean area on all concepts in the end), and seconds.
    """
    learned = concepts.concepts()
    with quiet(seed):
        began, started = process_time(), perf_counter()
        follower = entrant.make(seed)
        follower.fit(learned[0].train, "0")
        fitted = perf_counter()
        rows = []
        for number, concept in enumerate(learned):
            if number:
                _learn(follower, concept, str(number))
            rows.append([_area(follower.anomaly_score, each) for each in learned])
        ended = perf_counter()
    return {
        **transfer(np.array(rows)),
        "fit_seconds": fitted - started,
        "score_seconds": ended - fitted,
        "cpu_seconds": process_time() - began,
    }


def _learn(follower: Follower, concept: Concept, tag: str) -> None:
    good = np.zeros(len(concept.train), dtype=np.int64)
    follower.observe(concept.train, Truth(good, np.full(len(good), tag)))


def _area(score: Callable[[Floats], Floats], concept: Concept) -> float:
    return float(roc_auc_score(concept.y, score(concept.test)))


def transfer(matrix: Floats) -> Record:
    """Measure a matrix of areas.

    Parameters
    ----------
    matrix : ndarray of shape (n_concepts, n_concepts)
        Row i, column j: on concept j after learning concept i.

    Returns
    -------
    figures : dict
        As of :func:`learned_one_by_one`.
    """
    return {
        "lifelong": lifelong_score(matrix),
        "backward": backward_transfer(matrix),
        "backward_stepwise": backward_transfer(matrix, definition="stepwise"),
        "forward": forward_transfer(matrix),
        "forgetting": forgetting(matrix),
        "final": float(matrix[-1].mean()),
    }
