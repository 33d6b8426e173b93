"""Streams of events: verdicts in microseconds, thresholds that follow, files that survive a crash.

:class:`StreamingDetector` judges single events and batches by any fitted detector;
:class:`AdaptiveThreshold` is a detector whose threshold follows its scores. :class:`StreamWorker`
puts a queue before a stream, and sinks and checkpoints behind it; :class:`EventSource` reads what
to submit.
"""

from skdqm.streaming._adaptive import AdaptiveThreshold
from skdqm.streaming._detector import FlaggedEvent, StreamingDetector
from skdqm.streaming._event_source import EventSource
from skdqm.streaming._malformed import Malformed, MalformedEvent
from skdqm.streaming._results import Results
from skdqm.streaming._sink_json import JSONLinesSink
from skdqm.streaming._sink_parquet import ParquetSink
from skdqm.streaming._sink_sqlite import SQLiteSink
from skdqm.streaming._sinks import Sink
from skdqm.streaming._statistics import StreamStatistics
from skdqm.streaming._strategies import (
    AdaptiveConformal,
    PeaksOverThreshold,
    RollingQuantile,
    ThresholdStrategy,
)
from skdqm.streaming._verdict import Verdict, Verdicts
from skdqm.streaming._worker import StreamWorker
from skdqm.streaming._worker_report import WorkerReport

__all__ = [
    "AdaptiveConformal",
    "AdaptiveThreshold",
    "EventSource",
    "FlaggedEvent",
    "JSONLinesSink",
    "Malformed",
    "MalformedEvent",
    "ParquetSink",
    "PeaksOverThreshold",
    "Results",
    "RollingQuantile",
    "SQLiteSink",
    "Sink",
    "StreamStatistics",
    "StreamWorker",
    "StreamingDetector",
    "ThresholdStrategy",
    "Verdict",
    "Verdicts",
    "WorkerReport",
]
