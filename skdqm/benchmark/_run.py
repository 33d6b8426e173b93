"""Many trials: those whose results are not there yet, big tasks first, over processes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from time import perf_counter
from typing import Any

from skdqm.benchmark._contenders import Contender
from skdqm.benchmark._journal import Journal
from skdqm.benchmark._trial import Record, Task, Trial, measure
from skdqm.benchmark._workers import Died, spread
from skdqm.exceptions import UsageError

LIBRARIES = ("numpy", "scikit-learn", "scipy", "torch")
DIED = "the process died: killed, out of memory, or a fault in compiled code"

Report = Callable[[str], object]


def run(
    tasks: Sequence[Task],
    contenders: Sequence[Contender],
    seeds: int,
    *,
    jobs: int = 1,
    journal: Journal | None = None,
    report: Report | None = None,
) -> list[Record]:
    """Measure every contender on every task with every seed.

    Parameters
    ----------
    tasks : sequence of Task
        What they learn.
    contenders : sequence of Contender
        Who learns.
    seeds : int
        How many seeds, from 0.
    jobs : int, default=1
        Processes.
    journal : Journal, default=None
        Where results are kept. Those that are there are not measured again; failures are.
    report : callable, default=None
        Called with a line of text after each result.

    Returns
    -------
    records : list of dict
        One per task, seed and contender.

    Raises
    ------
    UsageError
        When `seeds` or `jobs` is not positive.
    """
    check_sizes(seeds=seeds, jobs=jobs)
    journal = Journal(None) if journal is None else journal
    plan = _plan(tasks, contenders, seeds)
    waiting = {trial: key for trial, key in plan.items() if _is_missing(journal.get(key))}
    progress = _Progress(waiting, report)
    progress.say(f"{len(plan) - len(waiting)} of {len(plan)} results are there already")
    for trial, outcome in spread(measure, waiting, jobs):
        figures = {"error": DIED} if isinstance(outcome, Died) else outcome
        journal.add({**waiting[trial], **figures})
        progress.step(trial, figures)
    return [record for record in map(journal.get, plan.values()) if record is not None]


def check_sizes(**sizes: int) -> None:
    """Refuse sizes below 1.

    Parameters
    ----------
    **sizes : int
        By their names.

    Raises
    ------
    UsageError
        When one is below 1.
    """
    for name, value in sizes.items():
        if value < 1:
            raise UsageError(f"{name}={value}: expected 1 or more")


def _is_missing(record: Record | None) -> bool:
    return record is None or "error" in record


def _plan(
    tasks: Sequence[Task], contenders: Sequence[Contender], seeds: int
) -> dict[Trial, dict[str, Any]]:
    """Return the trials in the order of their start, each with the key of its result.

    Small tasks come last, so that no process idles long at the end.
    """
    libraries = {name: version(name) for name in LIBRARIES}
    definitions = [each.definition() for each in contenders]
    return {
        Trial(task, definition["contender"], seed): {
            "task": task.name,
            "protocol": dict(task.definition()),
            "seed": seed,
            **definition,
            "libraries": libraries,
        }
        for task in sorted(tasks, key=lambda task: -task.size)
        for seed in range(seeds)
        for definition in definitions
    }


@dataclass
class _Progress:
    """Says what is done and how long the rest may take, by the sizes of the tasks."""

    trials: Iterable[Trial]
    report: Report | None

    def __post_init__(self) -> None:
        sizes = [trial.task.size for trial in self.trials]
        self.total, self.left, self.n, self.done = sum(sizes), sum(sizes), len(sizes), 0
        self.started = perf_counter()

    def say(self, text: str) -> None:
        if self.report is not None:
            self.report(text)

    def step(self, trial: Trial, figures: Record) -> None:
        self.done += 1
        self.left -= trial.task.size
        elapsed = perf_counter() - self.started
        left = elapsed * self.left / (self.total - self.left)
        self.say(f"{self.done} of {self.n}, {_duration(left)} left: {trial}: {_brief(figures)}")


def _brief(figures: Record) -> str:
    if "error" in figures:
        return f"failed, {figures['error']}"
    seconds = figures["fit_seconds"] + figures["score_seconds"]
    return f"AUROC {figures['auroc']:.4f} in {seconds:.2f} s"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
