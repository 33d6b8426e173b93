"""A fitted model as a program of torch.export."""

import json
from os import PathLike
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from skdqm.export._check import check_scores
from skdqm.export._program import facts_of, program_of
from skdqm.export._quiet import quiet_torch
from skdqm.io import atomic_path

# The file inside the archive that says what the program is.
FACTS = "skdqm.json"


def to_torch(
    estimator: Any, path: str | PathLike[str], *, metadata: dict[str, str] | None = None
) -> None:
    """Write a fitted neural detector, with the scalers before it, as a program of torch.export.

    The program is that of :func:`to_onnx`: it takes rows of float64, any number of them, and gives
    anomaly scores (high is abnormal) and flags. It runs with torch alone, without this package.

    Parameters
    ----------
    estimator : object
        As :func:`to_onnx` takes it.
    path : str or path-like
        The file to write, for example ``"model.pt2"``.
    metadata : dict of str to str, default=None
        Kept beside the program, in its file ``skdqm.json``, with what :func:`to_onnx` keeps.

    Raises
    ------
    UsageError
        When a step or the detector cannot be exported.
    ModelFileError
        When the program does not give the scores of the detector; there is no file then.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import mkdtemp
    >>> import numpy as np
    >>> import torch
    >>> from skdqm.detectors import AutoencoderDetector
    >>> from skdqm.export import to_torch
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> detector = AutoencoderDetector(max_epochs=2, random_state=0).fit(X)
    >>> path = Path(mkdtemp()) / "model.pt2"
    >>> to_torch(detector, path)
    >>> scores, flags = torch.export.load(path).module()(torch.from_numpy(X))
    >>> bool(np.allclose(scores, -detector.score_samples(X), rtol=1e-5))
    True
    """
    program = program_of(estimator)
    judge = program.module()

    def scores(rows: NDArray[np.float64]) -> Any:
        return judge(torch.from_numpy(rows))[0].numpy()

    check_scores(estimator, scores, path)
    facts = json.dumps(facts_of(estimator, metadata), indent=1)
    with atomic_path(path) as unfinished, quiet_torch():
        torch.export.save(program, unfinished, extra_files={FACTS: facts})
