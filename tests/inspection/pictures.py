"""One picture of each display, or two where it has two faces, from arrays that never change."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from skdqm.inspection import (
    AgreementDisplay,
    AlarmRateDisplay,
    ContinualDisplay,
    DetectionDelayDisplay,
    DriftDisplay,
    FeatureScoresDisplay,
    LatentDisplay,
    ReconstructionDisplay,
    RocSicDisplay,
    ScoreDistributionDisplay,
    ScoreStreamDisplay,
    TrainingDisplay,
)

ROWS = np.random.default_rng(0).normal(size=(200, 4))
Y = np.repeat([0, 1], [150, 50])
SCORES = ROWS[:, 0] + 2 * Y
NAMES = ["gain", "noise", "pedestal", "width"]


def agreement() -> Any:
    members = ROWS[:, :1] + ROWS[:, 1:] * [0.3, 1.0, 3.0]
    frame = pd.DataFrame(members, columns=["forest", "histogram", "autoencoder"])
    return AgreementDisplay.from_member_scores(frame)


def alarm_rate() -> Any:
    return AlarmRateDisplay.from_p_values(np.linspace(0.005, 1, 200) ** 1.3)


def continual() -> Any:
    scores = np.abs(ROWS.ravel())
    scores[[300, 301, 302]] = 12, 9, 8
    scores[500:540] = np.linspace(8, 14, 40)
    found = {"anomaly_score": scores, "verdict": np.where(scores > 5, -1, 1)}
    found["expert"] = np.repeat([1, 2, 1], [530, 180, 90])
    events = [
        {"event": "held", "ticket": 1, "at_row": 300, "rows": [295, 310]},
        {"event": "discarded", "ticket": 1, "at_row": 360},
        {"event": "held", "ticket": 2, "at_row": 420, "rows": [410, 430]},
        {"event": "released", "ticket": 2, "at_row": 470},
        {"event": "held", "ticket": 3, "at_row": 500, "rows": [500, 530]},
        {"event": "drift", "at_row": 515},
        {"event": "switch", "at_row": 530},
        {"event": "discarded", "ticket": 3, "at_row": 530},
        {"event": "new condition", "at_row": 620},
        {"event": "rollback", "at_row": 680},
        {"event": "held", "ticket": 4, "at_row": 740, "rows": [740, 750]},
    ]
    y = np.zeros(800)
    y[300:303] = 1
    return ContinualDisplay.from_verdicts(pd.DataFrame(found), events, y)


def detection_delay() -> Any:
    return DetectionDelayDisplay.from_delays(
        {0.0: [np.inf, np.inf], 0.5: [40, 45], 2.0: [11, 12], 20.0: [3, 4], 150.0: [0, 1]}
    )


def drift() -> Any:
    """Two drifts close to each other, two at the ends, and one of many columns."""
    rows = np.arange(32, 1601, 32)
    statistics = 0.5 + 0.3 * np.sin(rows / 90.0) + (rows > 900)
    changes = [
        {"position": 64, "onset": 32, "moved": ["gain"]},
        {"position": 960, "onset": 900, "moved": ["channel_11", "channel_12"]},
        {"position": 976, "onset": 930, "moved": ["channel_21", "channel_22", "noise"]},
        {"position": 1008, "onset": 990, "moved": ["channel_31", "channel_32"]},
        {"position": 1600, "onset": None, "moved": list(range(12))},
    ]
    return DriftDisplay.from_statistics(rows, statistics, changes=changes)


def feature_scores() -> Any:
    scores = np.abs(ROWS[:12])
    scores[3, 1] = 6
    return FeatureScoresDisplay.from_feature_scores(scores, names=NAMES)


def feature_map() -> Any:
    scores = np.abs(ROWS[:24].reshape(2, 48))
    scores[1, 20] = 8
    return FeatureScoresDisplay.from_feature_scores(scores, shape=(6, 8))


def latent() -> Any:
    return LatentDisplay.from_representations(ROWS + 3 * Y[:, np.newaxis], Y)


def reconstruction() -> Any:
    seen = np.abs(ROWS[:2])
    restored = np.where(seen > 1, 0.8, seen)
    return ReconstructionDisplay.from_arrays(seen, restored, names=NAMES)


def reconstruction_images() -> Any:
    y, x = np.mgrid[-1:1:6j, -1:1:8j]
    seen = np.stack([np.exp(-3 * (x**2 + y**2)), np.exp(-3 * ((x - 0.5) ** 2 + y**2))])
    restored = seen.copy()
    seen[0, 1, 1:3] = 1.2
    return ReconstructionDisplay.from_arrays(seen, restored)


def roc_sic() -> Any:
    return RocSicDisplay.from_predictions(Y, SCORES, name="autoencoder")


def score_distribution() -> Any:
    return ScoreDistributionDisplay.from_predictions(Y, SCORES, threshold=2)


def score_stream() -> Any:
    marks: dict[str, Any] = {"alarms": np.flatnonzero(SCORES > 2.5).tolist(), "drifts": [150]}
    marks["runs"] = np.repeat([1, 2, 3], [60, 80, 60])
    return ScoreStreamDisplay.from_scores(SCORES, threshold=2.5, **marks)


def training() -> Any:
    epochs = np.arange(1, 13)
    train, valid = 1 / epochs + 0.1, 1 / epochs + 0.2 + 0.01 * epochs
    keys = ("epoch", "train_loss", "valid_loss")
    history = [
        dict(zip(keys, each, strict=True)) for each in zip(epochs, train, valid, strict=True)
    ]
    return TrainingDisplay.from_history(history)


PICTURES: dict[str, Callable[[], Any]] = {
    draw.__name__: draw
    for draw in (
        agreement,
        alarm_rate,
        continual,
        detection_delay,
        drift,
        feature_scores,
        feature_map,
        latent,
        reconstruction,
        reconstruction_images,
        roc_sic,
        score_distribution,
        score_stream,
        training,
    )
}
