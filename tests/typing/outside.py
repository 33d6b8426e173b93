"""What a type checker sees of the installed package: mypy --strict runs over this from outside."""

from pathlib import Path
from typing import assert_type

import numpy as np
from numpy.typing import NDArray

from skdqm.datasets import make_detector_data
from skdqm.detectors import AutoencoderDetector
from skdqm.metrics import evaluate_scores
from skdqm.persistence import save


def use() -> None:
    """Is only looked at, and never called."""
    X, y = make_detector_data(500, random_state=0)
    detector = AutoencoderDetector(max_epochs=1, random_state=0).fit(X)
    assert_type(detector, AutoencoderDetector)
    assert_type(detector.partial_fit(X), AutoencoderDetector)
    assert_type(detector.score_samples(X), NDArray[np.float64])
    assert_type(detector.predict(X), NDArray[np.int64])
    assert_type(evaluate_scores(y, -detector.score_samples(X)), dict[str, float])
    save(detector, Path("model.skdqm"))

    # A wrong parameter is an error of the checker: without one, this comment would be unused.
    AutoencoderDetector(max_epoch=1)  # type: ignore[call-arg]
