"""What Prometheus reads of a service."""

import os
from typing import Any

import numpy as np
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from skdqm.service._judgement import Floats, Judgement

# Set before the workers of a service start, so that each of them answers for all.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
QUANTILES = (0.5, 0.9, 0.99, 1.0)
WORDS = {1: "good", -1: "anomaly", 0: "not_enough_data"}
MEDIA_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """Counts and gauges of a service."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        latest: dict[str, Any] = {"registry": registry, "multiprocess_mode": "mostrecent"}
        self.requests = Counter(
            "skdqm_requests", "Requests.", ["route", "method", "status"], registry=registry
        )
        self.seconds = Histogram(
            "skdqm_request_seconds",
            "Seconds from a request to its answer.",
            ["route"],
            buckets=SECONDS,
            registry=registry,
        )
        self.events = Counter(
            "skdqm_events",
            "Judged events or lumisections.",
            ["model", "verdict"],
            registry=registry,
        )
        self.drifts = Counter(
            "skdqm_drifts", "Drifts of the anomaly scores.", ["model"], registry=registry
        )
        self.scores = Gauge(
            "skdqm_anomaly_score",
            "Quantiles of the latest 10,000 anomaly scores.",
            ["model", "quantile"],
            **latest,
        )
        self.thresholds = Gauge("skdqm_threshold", "Anomaly score to flag.", ["model"], **latest)
        self.versions = Gauge("skdqm_model_version", "Version that judges.", ["model"], **latest)
        self.open_alarms = Gauge(
            "skdqm_open_alarms", "Alarms nobody acknowledged or masked.", ["model"], **latest
        )

    def judged(self, judgement: Judgement) -> None:
        """Take the verdicts of a request."""
        for verdict, word in WORDS.items():
            count = int(np.count_nonzero(judgement.verdicts == verdict))
            if count:
                self.events.labels(judgement.model, word).inc(count)

    def took_scores(self, model: str, scores: Floats) -> None:
        """Take the latest anomaly scores of a model."""
        known = scores[np.isfinite(scores)]
        if len(known):
            for quantile, value in zip(QUANTILES, np.quantile(known, QUANTILES), strict=True):
                self.scores.labels(model, f"{quantile:g}").set(value)

    def text(self) -> bytes:
        """Return what Prometheus reads: of all workers, if they share a folder."""
        if FOLDER not in os.environ:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
