"""``skdqm demo``: the whole job on data of its own."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skdqm.cli._evaluate import evaluate, labels_and_scores
from skdqm.cli._inputs import Features
from skdqm.cli._model import Model
from skdqm.cli._options import QuietOption
from skdqm.cli._picture import save_picture
from skdqm.cli._score import score
from skdqm.cli._source import Source, check_folder
from skdqm.cli._terminal import messages
from skdqm.cli._train import train
from skdqm.exceptions import UsageError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

# Rows of background and signal.
TRAINING = (20_000, 0)
TEST = (20_000, 1_000)
ALARM_RATE = 0.01
# The signal lies inside the smooth background, where reconstruction errors see little of it.
SETTINGS = ["score=kl"]
BY_HAND = """The same by hand:
  skdqm train {train} -o {model} --features jets --set {settings} --alarm-rate {rate}
  skdqm score {model} {test} -o {scores} --flags
  skdqm evaluate {model} {test}"""


def demo(
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="The folder to write into.")
    ] = Path("skdqm-demo"),
    seed: Annotated[int, typer.Option(min=0, help="Seed of the events and of training.")] = 0,
    quiet: QuietOption = False,
) -> None:
    """Make LHC-like events, train on background, score and evaluate background with signal."""
    say = messages(quiet=quiet)
    check_folder(output)
    if output.exists() and not output.is_dir():
        raise UsageError(f"{output}: found a file, expected the name of a folder to write into")
    output.mkdir(exist_ok=True)
    names = ("train.h5", "test.h5", "model.skdqm", "scores.csv", "scores.png")
    training, test, model, scores, picture = (output / name for name in names)
    write_events(training, TRAINING, seed=2 * seed)
    write_events(test, TEST, seed=2 * seed + 1)
    say.print(f"wrote {training} and {test}: synthetic dijet events, test with a W' signal")
    train(
        training,
        model,
        settings=SETTINGS,
        features=Features.JETS,
        alarm_rate=ALARM_RATE,
        seed=seed,
        quiet=quiet,
    )
    score(model, test, scores, flags=True, quiet=quiet)
    evaluate(model, test)
    opened = Model.open(model)
    labels, found = labels_and_scores(opened, Source(test))
    save_picture(picture, labels, -found, threshold=-opened.detector.offset_)
    say.print(f"wrote {scores} and {picture}")
    facts = {"settings": " --set ".join(SETTINGS), "rate": ALARM_RATE}
    say.print(BY_HAND.format(train=training, test=test, model=model, scores=scores, **facts))


def write_events(path: Path, sizes: tuple[int, int], *, seed: int) -> None:
    """Write synthetic events to an HDF5 file: a matrix, its column names, and labels."""
    from skdqm.datasets import make_lhco_events

    n_background, n_signal = sizes
    write_hdf5(path, *make_lhco_events(n_background, n_signal, random_state=seed))


def write_hdf5(path: Path, X: "pd.DataFrame", y: "NDArray[np.int64]") -> None:
    """Write a table in the plain layout that :func:`skdqm.io.read` takes."""
    import h5py

    from skdqm.io import atomic_path

    with atomic_path(path) as unfinished, h5py.File(unfinished, "w") as file:
        events = file.create_dataset("X", data=X.to_numpy("float32"))
        events.attrs["columns"] = list(X.columns)
        file.create_dataset("label", data=y.astype("int8"))
