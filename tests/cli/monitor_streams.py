"""Small streams and models that follow them, for the tests of skdqm monitor."""

import numpy as np
import pandas as pd

FEATURES = ["a", "b", "c", "d"]
# Rows of the fault in the stream.
FAULT = slice(1000, 1200)


def rows(n_rows, seed, fault=None):
    """Good rows, and among them a fault, in lumisections of two runs."""
    X = np.random.default_rng(seed).normal(size=(n_rows, len(FEATURES)))
    label = np.zeros(n_rows, dtype=int)
    if fault is not None:
        X[fault] += 4
        label[fault] = 1
    frame = pd.DataFrame(X, columns=FEATURES)
    half = n_rows // 2
    return frame.assign(
        run=np.where(np.arange(n_rows) < half, 301, 302),
        lumisection=np.arange(n_rows) % half + 1,
        label=label,
    )


def quick_settings():
    """Options of a training whose model waits for less than the defaults."""
    words = ("gate__patience=600", "gate__probation=200", "update_every=128")
    return ["-d", "continual", *(word for each in words for word in ("--set", each))]
