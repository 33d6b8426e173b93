"""Histograms of two monitoring elements, for the tests of ``skdqm dqm``."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from skdqm.datasets import inject_faults, make_lumisections
from skdqm.io import Histograms, write_histograms

SHAPES = {"charge": (20,), "map": (6, 4)}
EDGES = {"charge": (np.linspace(0, 10, 21),), "map": (np.arange(7.0), np.linspace(-1, 1, 5))}


def write_table(path: Path, table: pd.DataFrame, edges: dict[str, Any] = EDGES) -> Path:
    """Write the histograms of a table of lumisections."""
    found = {}
    for name, axes in edges.items():
        counts = table[[column for column in table if column.startswith(f"{name}[")]]
        none = pd.DataFrame(index=table.index)
        found[name] = Histograms(name, counts, counts.to_numpy().sum(axis=1), axes, none, "")
    write_histograms(found, path)
    return path


def known_and_new() -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Return eight good runs; two with a fault and without beam for a while; which is faulty."""
    X, _ = make_lumisections(
        10, 60, shape=SHAPES, fault_fraction=0, drift=0, statistics=5000, random_state=0
    )
    runs = X.index.get_level_values("run")
    known, new = X[runs < runs.unique()[8]], X[runs >= runs.unique()[8]].copy()
    new, truth = inject_faults(new, "dead", element="charge", first=20, duration=5, random_state=0)
    new.iloc[50:55] = 0
    return known, new, np.asarray(truth).reshape(len(new), -1).any(axis=1)
