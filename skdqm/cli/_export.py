"""``skdqm export``: a model for programs without this package."""

from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from skdqm.cli._model import Model
from skdqm.cli._options import ModelArgument, QuietOption
from skdqm.cli._source import check_output
from skdqm.cli._terminal import messages
from skdqm.exceptions import UsageError


def export(
    model: ModelArgument,
    *,
    onnx: Annotated[
        Path | None,
        typer.Option("--onnx", metavar="OUT.onnx", help="Write one ONNX graph."),
    ] = None,
    torch: Annotated[
        Path | None,
        typer.Option("--torch", metavar="OUT.pt2", help="Write a program of torch.export."),
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Write MODEL, scalers and threshold included, as a graph that other programs run."""
    check_outputs(model, onnx, torch)
    opened = Model.open(model)
    from skdqm.export import to_onnx, to_torch

    about = {"model": model.name, "model_sha256": checksum_of(model)}
    say = messages(quiet=quiet)
    if onnx is not None:
        to_onnx(opened.estimator, onnx, metadata=about)
        say.print(f"wrote {onnx}")
    if torch is not None:
        to_torch(opened.estimator, torch, metadata=about)
        say.print(f"wrote {torch}")


def check_outputs(model: Path, onnx: Path | None, torch: Path | None) -> None:
    """Refuse, before any work, paths that cannot be written."""
    outputs = [path for path in (onnx, torch) if path is not None]
    if not outputs:
        raise UsageError("nothing to write; give --onnx OUT.onnx, --torch OUT.pt2, or both")
    for path in outputs:
        check_output(path, model)
    if len({path.resolve() for path in outputs}) < len(outputs):
        raise UsageError(f"--onnx and --torch both name {onnx}; give two names")


def checksum_of(path: Path) -> str:
    """Return the SHA-256 of a file, which ``sha256sum`` prints too."""
    return sha256(path.read_bytes()).hexdigest()
