"""A program that judges streams, and is killed while it does, again and again until it is through.

The killed process is a fork, so that it need not import everything each time.
"""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdqm.streaming import StreamingDetector, StreamWorker
from tests.streaming.workers import SINKS, events, stream

THRESHOLDS = ("fixed", "adaptive")
N_EVENTS, AT_ONCE, PAUSE = 3000, 30, 0.002
# Seconds: a process that is killed often lives longer the next time, so that all is done one day.
FIRST_LIFE, GROWTH = 0.15, 1.2


def data() -> NDArray[np.float64]:
    return events(N_EVENTS, malformed_every=97)


def stream_of(threshold: str) -> StreamingDetector:
    return stream(adaptive=threshold == "adaptive")


def sink_of(kind: str, threshold: str, folder: Path) -> Any:
    return SINKS[kind](folder / f"records-{kind}-{threshold}")


def judge(folder: Path, kind: str, threshold: str) -> None:
    """Judge the stream from where it stands."""
    X = data()
    worker = StreamWorker(
        stream_of(threshold),
        sink=sink_of(kind, threshold, folder),
        checkpoint=folder / f"checkpoint-{kind}-{threshold}",
        checkpoint_every=0.01,
        latency_budget=0.001,
    )
    with worker:
        for start in range(worker.position or 0, N_EVENTS, AT_ONCE):
            worker.submit_many(X[start : start + AT_ONCE])
            time.sleep(PAUSE)


def kill_until_through(folder: Path, kind: str, threshold: str, rng: np.random.Generator) -> int:
    """Return how often the judge was killed before it came through."""
    n_killed = 0
    while True:
        child = os.fork()
        if not child:
            judge(folder, kind, threshold)
            os._exit(0)
        time.sleep(rng.uniform(0, FIRST_LIFE * GROWTH**n_killed))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            assert os.waitstatus_to_exitcode(status) == 0
            return n_killed
        n_killed += 1


def main(folder: Path, seed: int) -> None:
    """Print the number of kills, of all sinks and thresholds together."""
    rng = np.random.default_rng(seed)
    numbers = [
        kill_until_through(folder, kind, threshold, rng)
        for kind in SINKS
        for threshold in THRESHOLDS
    ]
    print(sum(numbers))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
