"""A small model and a stream with anomalies, for the tests of skdqm watch."""

import json
import subprocess
import sys
import time

import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdqm.detectors import HistogramDetector
from skdqm.persistence import save

FEATURES = ["a", "b", "c"]
N_EVENTS = 600
ANOMALIES = list(range(7, N_EVENTS, 61))


def good_rows(n_rows, seed):
    X = np.random.default_rng(seed).uniform(-1, 1, (n_rows, len(FEATURES)))
    return pd.DataFrame(X, columns=FEATURES)


def write_model(path, *, calibrated=True):
    X = good_rows(2000, 0)
    model = make_pipeline(StandardScaler(), HistogramDetector()).fit(X)
    if calibrated:
        model[-1].calibrate(model[:-1].transform(good_rows(999, 1)), alarm_rate=0.001)
    save(model, path)
    return path


def events():
    """Events whose columns come in another order, with runs and lumisections, and anomalies."""
    frame = 0.8 * good_rows(N_EVENTS, 2)[["c", "a", "b"]]
    frame.loc[ANOMALIES] += 5
    place = np.arange(N_EVENTS)
    return frame.assign(run=301 + place // 300, lumisection=place % 300 // 10)


def json_lines(frame):
    return frame.to_json(orient="records", lines=True, double_precision=15)


def records_in(path_or_text):
    text = path_or_text if isinstance(path_or_text, str) else path_or_text.read_text()
    return [json.loads(line) for line in text.splitlines()]


def numbers(path_or_text):
    return [record["number"] for record in records_in(path_or_text)]


def start(*words, **pipes):
    """Start a process of its own."""
    command = [sys.executable, "-m", "skdqm", "watch", *map(str, words)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **pipes}
    return subprocess.Popen(command, text=True, **pipes)


def until(condition, seconds=60):
    """Wait for something to be so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "has waited for too long"
        time.sleep(0.01)
