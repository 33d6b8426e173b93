"""A fitted model as one program: rows in, anomaly scores and flags out."""

import json
from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn

import skdqm
from skdqm._pipeline import parts_of
from skdqm.exceptions import UsageError
from skdqm.export._buffers import Buffers
from skdqm.export._kinds import scorer_of
from skdqm.export._quiet import quiet_torch
from skdqm.export._steps import changes_rows, step_of
from skdqm.registry import name_of

INPUT = "features"
OUTPUTS = ("anomaly_score", "is_anomaly")
TASK = "anomaly detection"


class Judge(Buffers):
    """Transform rows, score them, and compare the scores with the threshold.

    Parameters
    ----------
    steps : torch.nn.Module
        Maps rows to what the scorer takes.
    scorer : torch.nn.Module
        Maps them to anomaly scores.
    threshold : float
        The largest score that is normal.
    """

    threshold: torch.Tensor

    def __init__(self, steps: nn.Module, scorer: nn.Module, threshold: float) -> None:
        super().__init__(threshold=threshold)
        self.steps = steps
        self.scorer = scorer

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Map (n_rows, n_features) to scores and flags, each of shape (n_rows,)."""
        scores = self.scorer(self.steps(features))
        # Not "above the threshold": a score that is no number is no verdict for good.
        return scores, ~(scores <= self.threshold)


def judge_of(estimator: Any) -> Judge:
    """Return the module of a fitted neural detector, or of a Pipeline that ends in one."""
    transformers, detector = parts_of(estimator)
    scorer = scorer_of(detector)
    steps = nn.Sequential(*(step_of(name, step) for name, step in transformers))
    judge: Judge = Judge(steps, scorer, -float(detector.offset_)).eval()
    return judge


def program_of(estimator: Any) -> torch.export.ExportedProgram:
    """Return what torch traces of the module, for any number of rows."""
    check_is_fitted(estimator)
    judge = judge_of(estimator)
    rows = torch.zeros(2, estimator.n_features_in_, dtype=torch.float64)
    with quiet_torch():
        try:
            return torch.export.export(
                judge, (rows,), dynamic_shapes={INPUT: {0: torch.export.Dim("rows", min=1)}}
            )
        except Exception as error:  # an encoder of the user may be anything
            raise UsageError(
                f"torch cannot trace the network of this {type(parts_of(estimator)[1]).__name__}: "
                f"{str(error).partition(chr(10))[0]}; take another encoder"
            ) from error


def facts_of(estimator: Any, metadata: dict[str, str] | None) -> dict[str, str]:
    """Return what an exported file says of itself, as text by name."""
    steps, detector = parts_of(estimator)
    names = getattr(estimator, "feature_names_in_", np.array([]))
    return {
        "skdqm": skdqm.__version__,
        "task": TASK,
        "detector": name_of(detector),
        "steps": json.dumps([type(step).__name__ for _, step in steps if changes_rows(step)]),
        "feature_names": json.dumps([str(name) for name in names] or None),
        "threshold": repr(-float(detector.offset_)),
        "alarm_rate": json.dumps(getattr(detector, "alarm_rate_", None)),
        **(metadata or {}),
    }
