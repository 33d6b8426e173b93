"""``skdqm train``: rows of a file to a model file."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from skdqm._messages import listed
from skdqm.cli._calibrate import calibrate
from skdqm.cli._checkpoint import CheckpointFile
from skdqm.cli._errors import InterruptedTrainingError
from skdqm.cli._inputs import Features, Inputs
from skdqm.cli._monitor_parameters import is_continual, without_keys
from skdqm.cli._options import (
    BackgroundOption,
    DataArgument,
    KeyOption,
    LabelOption,
    ModelOutput,
    NonFinite,
    NonFiniteOption,
    On,
    OnOption,
    QuietOption,
    RowsOption,
    names_of,
)
from skdqm.cli._parameters import make_detector
from skdqm.cli._recipe import Recipe, split
from skdqm.cli._source import Source, check_output, digest_of
from skdqm.cli._terminal import messages, shows_progress
from skdqm.cli._train_out_of_core import StreamedRows, learn
from skdqm.cli._transform import fit_transformers, transformed
from skdqm.exceptions import DataError, UsageError

if TYPE_CHECKING:
    import pandas as pd


# Names of features that a message lists.
FEW_NAMES = 6
# Names of columns that are rarely meant to be learned: labels, and what only numbers the rows.
DOUBTFUL_NAMES = (
    *("anomaly", "anomaly_score", "class", "is_anomaly", "is_outlier", "outlier", "y"),
    *("event", "id", "index", "ls", "lumi", "lumisection", "row", "run", "unnamed: 0"),
)


def train(
    data: DataArgument,
    output: ModelOutput,
    *,
    detector: Annotated[
        str, typer.Option("--detector", "-d", help="Its name; skdqm list shows all.")
    ] = "vae",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="A parameter of the detector; repeatable. Of --detector continual also parts by "
            "words, and theirs: detector=vae, detector__max_epochs=5, gate__patience=500.",
        ),
    ] = None,
    on: OnOption = On.ALL,
    background: BackgroundOption = 0,
    features: Annotated[
        Features | None,
        typer.Option(
            help="The columns as they are; or pt, eta, m, tau21, tau32 of the two leading jets, "
            "from the LHC Olympics columns or from raw events; or, of raw events, images or "
            "constituents of these jets; or, of images, gradients, where shapes count. "
            "[default: what suits the data and the detector]"
        ),
    ] = None,
    columns: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="Columns to learn from. [default: all]")
    ] = None,
    label: LabelOption = "auto",
    key: KeyOption = None,
    nonfinite: NonFiniteOption = NonFinite.ERROR,
    n_rows: RowsOption = None,
    alarm_rate: Annotated[
        float | None,
        typer.Option(help="Share of good rows to flag: held by a threshold set on the last 20 %."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all that is random.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint.")] = False,
    checkpoint_every: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Time between two checkpoints.")
    ] = 5.0,
    out_of_core: Annotated[
        bool,
        typer.Option(
            "--out-of-core",
            help="For more rows than memory holds: they are read in batches, several times, and "
            "shuffled through a temporary file (in the folder TMPDIR). Without checkpoints.",
        ),
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Train a detector on DATA and write it, with all steps before it, to one file.

    DATA is a table, images, or raw events: pt, eta and phi of every particle. The label is never
    a feature; only --on background looks at it. While a neural detector trains, MODEL.checkpoint
    holds what it has reached, and --resume continues from there.
    """
    say = messages(quiet=quiet)
    check_output(output, data)
    made = make_detector(detector, settings or [], seed=seed, verbose=shows_progress(say))
    source = Source(data, label, key, nonfinite, n_rows)
    inputs = Inputs.of(source, features, names_of(columns) or _default_columns(source, made), made)
    recipe = Recipe(
        detector, settings or [], seed, on, inputs.features, alarm_rate, background, out_of_core
    )
    training = Training(made, inputs, recipe, output, say)
    if out_of_core:
        _check_out_of_core(made, resume=resume)
        training.run_out_of_core()
    else:
        training.run(checkpoint_every if _can_continue(made) else None, resume=resume)


def _default_columns(source: Source, detector: Any) -> list[str] | None:
    """Return the columns to learn from where that is not all: of a stream, no run is like it."""
    if source.summary.kind != "table" or not is_continual(detector):
        return None
    return without_keys(source.feature_columns())


def _can_continue(detector: Any) -> bool:
    return {"warm_start", "callbacks"} <= set(detector.get_params(deep=False))


def _check_out_of_core(detector: Any, *, resume: bool) -> None:
    if resume:
        raise UsageError("--resume: a training with --out-of-core writes no checkpoints")
    if is_continual(detector):
        raise UsageError(
            "--out-of-core: a continual detector learns a stream in its order; train it on the "
            "first rows (--rows N), and let skdqm monitor follow the rest"
        )


@dataclass(frozen=True)
class Training:
    """One training, from the rows of a file to the model file."""

    detector: Any
    inputs: Inputs
    recipe: Recipe
    output: Path
    say: Console

    def run(self, checkpoint_every: float | None, *, resume: bool) -> None:
        """Train, calibrate and write; without seconds between checkpoints, write none."""
        if resume and checkpoint_every is None:
            name = self.recipe.detector
            raise UsageError(f"--resume: the detector {name} writes no checkpoints")
        self._say_content()
        rows = self.inputs.rows(self.recipe.on, self.recipe.background)
        self.inputs.settle_shape(self.detector)
        record = self._record(digest_of(rows))
        fitted_on, held_out = split(rows, self.recipe.alarm_rate)
        self._announce(len(fitted_on), [str(name) for name in rows.columns])
        checkpoint = CheckpointFile.beside(self.output, record)
        pipeline = self._resumed(checkpoint) if resume else self._new(checkpoint)
        X = self._behind_steps(pipeline, fitted_on, fit=not resume)
        if checkpoint_every is None:
            pipeline[-1].fit(X)
        else:
            self._fit_with_checkpoints(pipeline, X, checkpoint, checkpoint_every)
        if held_out is not None and self.recipe.alarm_rate is not None:
            X = self._behind_steps(pipeline, held_out, fit=False)
            calibrate(pipeline[-1], X, self.recipe.alarm_rate, self.say)
        self._write(pipeline, record, len(rows))
        checkpoint.path.unlink(missing_ok=True)
        self.say.print(f"wrote {self.output}")

    def run_out_of_core(self) -> None:
        """Train, calibrate and write, with a bounded number of rows in memory."""
        self._say_content()
        rows = StreamedRows.of(self.inputs, self.recipe)
        self.inputs.settle_shape(self.detector)
        self._announce(rows.n_fitted, rows.names)
        pipeline = self.inputs.pipeline(self.detector)
        learn(pipeline, rows, self.say)
        if _can_continue(self.detector):
            self.detector.set_params(verbose=0)
        self._write(pipeline, self._record(rows.sha256), rows.n_rows)
        self.say.print(f"wrote {self.output}")

    def _say_content(self) -> None:
        source = self.inputs.source
        if source.summary.kind != "table":
            self.say.print(f"{source.path} holds {source.content()}")

    def _record(self, sha256: str) -> dict[str, Any]:
        options = asdict(self.recipe)
        return {"options": options, "columns": self.inputs.columns, "sha256": sha256}

    def _announce(self, n_rows: int, names: list[str]) -> None:
        path = self.inputs.source.path
        if n_rows < 2:
            raise DataError(f"{path}: found {n_rows} row to learn from, expected more")
        shown = ", ".join(names[:FEW_NAMES]) + (", ..." if len(names) > FEW_NAMES else "")
        label = self.inputs.source.label_name()
        self.say.print(
            f"training {self.recipe.detector} on {n_rows:,} rows x {len(names)} features "
            f"({shown}) of {path}; " + ("no label found" if label is None else f"label: {label}")
        )
        self._doubt(names)

    def _doubt(self, names: list[str]) -> None:
        """Say which columns are learned although their names are those of labels or numbers."""
        doubtful = [name for name in names if name.casefold() in DOUBTFUL_NAMES]
        if doubtful:
            self.say.print(
                f"column {listed(doubtful)} is learned like any other; if it is a label, name it "
                "with --label, and if it is no feature, name those that are with --columns"
            )

    def _new(self, checkpoint: CheckpointFile) -> Any:
        if checkpoint.path.exists():
            self.say.print(
                f"replacing the checkpoint {checkpoint.path}; --resume would continue it"
            )
        return self.inputs.pipeline(self.detector)

    def _resumed(self, checkpoint: CheckpointFile) -> Any:
        pipeline = checkpoint.load()
        pipeline[-1].set_params(verbose=self.detector.verbose)
        self.say.print(f"continuing after epoch {len(pipeline[-1].history_)}")
        return pipeline

    def _behind_steps(self, pipeline: Any, rows: "pd.DataFrame", *, fit: bool) -> Any:
        """Return what the detector takes of rows behind the steps that take each row alone."""
        steps = self.inputs.learned_steps(pipeline)
        apply = fit_transformers if fit else transformed
        return apply(steps, rows, self.inputs.source.path, named=not self.inputs.row_steps)

    def _fit_with_checkpoints(
        self, pipeline: Any, X: Any, checkpoint: CheckpointFile, seconds: float
    ) -> None:
        checkpoint.attach(pipeline, seconds)
        try:
            pipeline[-1].fit(X)
        except KeyboardInterrupt as error:
            if not checkpoint.can_resume():
                raise
            raise InterruptedTrainingError("interrupted; continue with --resume") from error
        pipeline[-1].set_params(warm_start=False, callbacks=None, verbose=0)

    def _write(self, pipeline: Any, record: dict[str, Any], n_rows: int) -> None:
        from skdqm.persistence import save

        source = self.inputs.source
        facts = {
            "data": source.path.name,
            "content": source.content(),
            "n_rows": n_rows,
            "label": source.label_name(),
            "key": source.key,
        }
        save(pipeline, self.output, metadata={**record, **facts})
