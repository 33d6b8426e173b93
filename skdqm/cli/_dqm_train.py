"""``skdqm dqm train``: good lumisections to a model of all monitoring elements."""

import math
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from warnings import warn

import typer
from rich.console import Console

from skdqm._pipeline import through
from skdqm.cli._dqm_data import Data, Source, columns_of, count_of, runs_in_words
from skdqm.cli._dqm_options import (
    FirstOption,
    HistogramsArgument,
    RunOption,
    RunsOption,
    check_outputs,
)
from skdqm.cli._model import DQM
from skdqm.cli._options import ModelOutput, QuietOption, names_of
from skdqm.cli._parameters import make_detector
from skdqm.cli._terminal import messages
from skdqm.exceptions import DataError, UsageError

if TYPE_CHECKING:
    import pandas as pd

    Split = tuple[pd.DataFrame, pd.DataFrame]

# Share of the good lumisections, those of the last runs, that sets the threshold.
HELD_OUT = 0.2
# Lumisections with enough data that an element needs to be learned.
FEWEST = 10
# Runs to learn from; of fewer a message says that they show little of how good runs differ.
FEW_RUNS = 3


class Combine(StrEnum):
    """How p-values of elements make one."""

    UNION = "union"
    CAUCHY = "cauchy"
    FISHER = "fisher"


@dataclass(frozen=True)
class Recipe:
    """What decides, together with the rows, the result of a training."""

    detector: str
    settings: list[str]
    seed: int
    lumisections: int
    min_entries: float
    persistence: int
    combine: str
    alarm_rate: float


def train(
    histograms: HistogramsArgument,
    output: ModelOutput,
    *,
    good: Annotated[
        Path | None,
        typer.Option(metavar="GOLDEN.json", help="The good lumisections. [default: all]"),
    ] = None,
    elements: Annotated[
        str | None, typer.Option(metavar="A,B", help="Monitoring elements. [default: all]")
    ] = None,
    detector: Annotated[
        str, typer.Option("--detector", "-d", help="Judges an element; skdqm list shows all.")
    ] = "reference",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="A parameter of the detector; repeatable."
        ),
    ] = None,
    lumisections: Annotated[
        int, typer.Option("--sum", min=1, help="Add the last so many lumisections of the run.")
    ] = 1,
    min_entries: Annotated[
        float, typer.Option(min=0, help="Fewer entries of a histogram are not enough data.")
    ] = 200,
    persistence: Annotated[
        int, typer.Option(min=1, help="Take deviations of so many lumisections together.")
    ] = 1,
    combine: Annotated[
        Combine, typer.Option(help="One element is enough (union), or all of them count.")
    ] = Combine.UNION,
    alarm_rate: Annotated[
        float, typer.Option(help="Share of good lumisections to flag, of all elements together.")
    ] = 0.01,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all that is random.")] = 0,
    runs: RunsOption = None,
    run: RunOption = None,
    first_lumisection: FirstOption = None,
    quiet: QuietOption = False,
) -> None:
    """Learn what good HISTOGRAMS look like and write one model of all monitoring elements.

    Each element gets a detector of its own, which abstains where there is too little data. The last
    runs, about a fifth of the good lumisections, are not learned: they set the threshold.
    """
    say = messages(quiet=quiet)
    check_outputs([(output, ())], [*histograms, *([good] if good else [])])
    if not 0 < alarm_rate < 1:
        raise UsageError(f"--alarm-rate {alarm_rate:g}: expected a number between 0 and 1")
    recipe = Recipe(
        detector,
        settings or [],
        seed,
        lumisections,
        min_entries,
        persistence,
        combine.value,
        alarm_rate,
    )
    made = make_detector(detector, recipe.settings, seed=seed, verbose=False)
    source = Source(histograms, runs, run, first_lumisection)
    data = _good_only(source.read(names_of(elements)), good, source)
    Training(made, recipe, source, say).run(data, output)


@dataclass(frozen=True)
class Training:
    """One training, from good lumisections to the model file."""

    detector: Any
    recipe: Recipe
    source: Source
    say: Console

    def run(self, data: Data, output: Path) -> None:
        """Train, calibrate and write."""
        from sklearn.pipeline import Pipeline

        enough = self._enough(data)
        has_data = enough.any(axis=1)
        learned, held_out = split_by_run(data.table[has_data], self.recipe.alarm_rate)
        chosen = self._chosen(enough[has_data].iloc[: len(learned)])
        places = [place for name in chosen for place in columns_of(data.table)[name]]
        learned, held_out = learned.iloc[:, places], held_out.iloc[:, places]
        self._announce(learned, held_out, len(chosen))
        steps = self._steps(learned)
        last = self._elements()
        last.fit(through(steps, learned))
        last.calibrate(through(steps, held_out), alarm_rate=self.recipe.alarm_rate)
        self._promise(last)
        facts = self._facts(data.of_elements(chosen), learned, held_out)
        _write(Pipeline([*steps, ("elements", last)]), output, facts)
        self.say.print(f"wrote {output}")

    def _steps(self, rows: "pd.DataFrame") -> list[tuple[str, Any]]:
        from skdqm.preprocessing import LumisectionSum

        n = self.recipe.lumisections
        return [("sum", LumisectionSum(n).fit(rows))] if n > 1 else []

    def _elements(self) -> Any:
        """Return the detector of all elements, which has not learned yet.

        Deviations are taken together inside an element and outside the gate: each element keeps
        its own scale of p-values, and a lumisection without enough data keeps its abstention.
        """
        from skdqm.monitoring import ElementsDetector, MinimumEntries, PersistenceDetector

        recipe = self.recipe
        judge: Any = MinimumEntries(self.detector, min_entries=recipe.min_entries)
        if recipe.persistence > 1:
            judge = PersistenceDetector(judge, persistence=recipe.persistence)
        return ElementsDetector(
            judge,
            combine=recipe.combine,
            random_state=recipe.seed,
            contamination=min(recipe.alarm_rate, 0.5),
        )

    def _enough(self, data: Data) -> "pd.DataFrame":
        """Tell which element has enough data in which lumisection."""
        import numpy as np
        import pandas as pd

        starts = [places[0] for places in columns_of(data.table).values()]
        rows = through(self._steps(data.table), data.table)
        entries = np.add.reduceat(rows.to_numpy(), starts, axis=1)
        enough = pd.DataFrame(entries >= self.recipe.min_entries, rows.index, list(data.edges))
        if not enough.to_numpy().any():
            raise DataError(
                f"{self.source.text}: no histogram of the {len(rows):,} lumisections to learn from "
                f"has {self.recipe.min_entries:g} entries or more; lower --min-entries, or add "
                "lumisections up with --sum"
            )
        return enough

    def _chosen(self, enough: "pd.DataFrame") -> list[str]:
        """Return the elements that can be learned, and warn of the others."""
        n_enough = enough.sum()
        chosen = [str(name) for name, n in n_enough.items() if n >= FEWEST]
        left_out = [f"{name} ({n})" for name, n in n_enough.items() if n < FEWEST]
        why = (
            f"of the {len(enough):,} lumisections to learn from, fewer than {FEWEST} have "
            f"{self.recipe.min_entries:g} entries or more in {', '.join(left_out)}"
        )
        if not chosen:
            raise DataError(
                f"{self.source.text}: {why}; expected more lumisections, or lower --min-entries, "
                "or add lumisections up with --sum"
            )
        if left_out:
            warn(f"left out of the model: {why}", stacklevel=2)
        return chosen

    def _announce(self, learned: "pd.DataFrame", held_out: "pd.DataFrame", n_elements: int) -> None:
        count = count_of(n_elements, "element")
        self.say.print(
            f"training {self.recipe.detector} on {len(learned):,} lumisections of "
            f"{runs_in_words(_runs(learned))}, {count}, {learned.shape[1]:,} bins; "
            f"the threshold is set on {len(held_out):,} of {runs_in_words(_runs(held_out))}"
        )
        n_runs = len(_runs(learned))
        if n_runs < FEW_RUNS:
            self.say.print(
                f"only {count_of(n_runs, 'run')} to learn from: good runs differ from each other, "
                "so this threshold may let faults pass or flag good runs whole; give more good runs"
            )

    def _promise(self, detector: Any) -> None:
        low, high = detector.alarm_rate_interval_
        self.say.print(
            f"the threshold flags {self.recipe.alarm_rate:g} of good lumisections, between "
            f"{low:.2%} and {high:.2%} (95 %), as {len(detector.calibration_scores_):,} with "
            "enough data say"
        )

    def _facts(
        self, data: Data, learned: "pd.DataFrame", held_out: "pd.DataFrame"
    ) -> dict[str, Any]:
        from skdqm.io._binning import binning

        return {
            "kind": DQM,
            "data": [path.name for path in self.source.paths],
            "options": asdict(self.recipe),
            "elements": list(data.edges),
            "bins": [binning(edges) for edges in data.edges.values()],
            "n_rows": len(learned),
            "learned_runs": [min(_runs(learned)), max(_runs(learned))],
            "calibrated_runs": [min(_runs(held_out)), max(_runs(held_out))],
        }


def _good_only(data: Data, golden: Path | None, source: Source) -> Data:
    from skdqm.io import read_golden_json

    if golden is None:
        return data
    good = read_golden_json(golden).contains(data.table.index)
    if not good.any():
        raise DataError(
            f"{source.text}: none of the {len(good):,} lumisections of "
            f"{runs_in_words(_runs(data.table))} is good by {golden}; give the golden JSON of these"
        )
    return data if good.all() else Data(data.table[good], data.edges)


def split_by_run(rows: "pd.DataFrame", alarm_rate: float) -> "Split":
    """Keep the last runs, as near to a fifth of the rows as whole runs allow; of one run its end.

    A threshold needs a number of rows that depends on the rate; among the places to cut, those
    that leave so many come first.
    """
    import numpy as np

    numbers = rows.index.get_level_values("run").to_numpy()
    n = len(rows)
    cuts = np.flatnonzero(np.diff(numbers)) + 1
    if not len(cuts):
        cuts = np.array([max(n - int(HELD_OUT * n), 1)])
    # Of tiny rates it would be infinite.
    needed = math.ceil(min(1 / alarm_rate - 1, 1e18))
    enough = n - cuts >= needed
    cuts = cuts[enough] if enough.any() else cuts
    best = cuts[np.argmin(np.abs((n - cuts) / n - HELD_OUT))]
    if n - best < needed:
        raise UsageError(
            f"--alarm-rate {alarm_rate:g} needs at least {needed:,} lumisections to set the "
            f"threshold on, and of the {n:,} good ones {n - best:,} are kept for it; give more "
            "runs or a larger rate"
        )
    return rows.iloc[:best], rows.iloc[best:]


def _runs(rows: "pd.DataFrame") -> list[int]:
    return [int(run) for run in rows.index.unique("run")]


def _write(pipeline: Any, output: Path, facts: dict[str, Any]) -> None:
    from skdqm.persistence import save

    save(pipeline, output, metadata=facts)
