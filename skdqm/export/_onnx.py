"""A fitted model as an ONNX graph."""

from os import PathLike
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from skdqm._optional import require
from skdqm.export._check import check_scores
from skdqm.export._program import INPUT, OUTPUTS, facts_of, program_of
from skdqm.export._quiet import quiet_torch
from skdqm.io import atomic_path

EXTRA = "onnx"


def to_onnx(
    estimator: Any,
    path: str | PathLike[str],
    *,
    opset: int = 18,
    metadata: dict[str, str] | None = None,
) -> None:
    """Write a fitted neural detector, with the scalers before it, as one ONNX graph.

    The graph [1]_ takes ``features``, float64 of shape (n_rows, n_features) with any number of
    rows, and gives ``anomaly_score``, float64 of shape (n_rows,), high is abnormal, and
    ``is_anomaly``, bool of shape (n_rows,), by the threshold of the detector. Scalers, scores and
    the threshold are computed in float64 and the network in float32, as here. Before the file
    appears, ONNX's checker has passed and scores of 256 rows made up from what the detector knows
    of its training rows agree with ``score_samples`` to 1e-4.

    A graph cannot refuse rows: where a value is NaN, or a count is negative, the score is NaN and
    the row is flagged.

    Parameters
    ----------
    estimator : object
        A fitted neural detector, or a Pipeline of StandardScaler, MinMaxScaler, MaxAbsScaler,
        RobustScaler, :class:`~skdqm.preprocessing.JetFeatures` or
        :class:`~skdqm.preprocessing.ChannelMask` and one.
    path : str or path-like
        The file to write, for example ``"model.onnx"``.
    opset : int, default=18
        Version of the set of operators.
    metadata : dict of str to str, default=None
        Properties of the file, beside those that it always has: ``skdqm`` (the version), ``task``,
        ``detector``, ``steps``, ``feature_names`` (a list in JSON, or null), ``threshold`` and
        ``alarm_rate``.

    Raises
    ------
    UsageError
        When a step or the detector cannot be exported.
    MissingDependencyError
        When onnx, onnxscript or onnxruntime is not installed.
    ModelFileError
        When the graph does not give the scores of the detector; there is no file then.

    References
    ----------
    .. [1] Open Neural Network Exchange, https://onnx.ai.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import mkdtemp
    >>> import numpy as np
    >>> import onnxruntime
    >>> from skdqm.detectors import AutoencoderDetector
    >>> from skdqm.export import to_onnx
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> detector = AutoencoderDetector(max_epochs=2, random_state=0).fit(X)
    >>> path = Path(mkdtemp()) / "model.onnx"
    >>> to_onnx(detector, path)
    >>> session = onnxruntime.InferenceSession(path)
    >>> scores, flags = session.run(None, {"features": X})
    >>> bool(np.allclose(scores, -detector.score_samples(X), rtol=1e-5))
    True
    """
    onnx, _, runtime = (
        require(name, extra=EXTRA) for name in ("onnx", "onnxscript", "onnxruntime")
    )
    with quiet_torch():
        exported: Any = torch.onnx.export(
            program_of(estimator),
            dynamo=True,
            opset_version=opset,
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            verbose=False,
        )
    model = exported.model_proto
    _name_rows(model.graph)
    onnx.helper.set_model_props(model, facts_of(estimator, metadata))
    onnx.checker.check_model(model, full_check=True)
    content = model.SerializeToString()
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])

    def scores(rows: NDArray[np.float64]) -> Any:
        return session.run(None, {INPUT: rows})[0]

    check_scores(estimator, scores, path)
    with atomic_path(path) as unfinished:
        unfinished.write_bytes(content)


def _name_rows(graph: Any) -> None:
    """Call the number of rows by its name, which torch makes up."""
    made_up = graph.input[0].type.tensor_type.shape.dim[0].dim_param
    for value in (*graph.input, *graph.output, *graph.value_info):
        for size in value.type.tensor_type.shape.dim:
            if size.dim_param:
                size.dim_param = size.dim_param.replace(made_up, "n_rows")
