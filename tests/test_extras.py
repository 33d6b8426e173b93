"""What needs an optional package says which extra installs it, with and without that package."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skdqm.datasets import make_jet_events
from skdqm.detectors import (
    AutoencoderDetector,
    GraphAutoencoderDetector,
    NeighborsDetector,
    QuantumAutoencoderDetector,
)
from skdqm.distributed import score
from skdqm.exceptions import MissingDependencyError
from skdqm.export import to_onnx
from skdqm.inspection import LatentDisplay
from skdqm.io import read
from skdqm.preprocessing import JetClusterer, JetConstituents

X = np.random.default_rng(0).normal(size=(40, 3))
EVENTS = make_jet_events(20, 0, n_particles=10, random_state=0)[0]


def fitted() -> AutoencoderDetector:
    """Return what is judged by or exported."""
    return AutoencoderDetector(max_epochs=1, random_state=0).fit(X)


def read_root(folder: Path) -> Any:
    """Read a ROOT file."""
    path = folder / "events.root"
    path.write_bytes(b"root" + bytes(100))
    return read(path)


def fit_graph(_: Path) -> Any:
    """Fit a graph autoencoder."""
    graphs = JetConstituents().fit_transform(EVENTS)
    return GraphAutoencoderDetector(max_epochs=1).fit(graphs)


NEEDS: dict[str, tuple[tuple[str, ...], Callable[[Path], Any]]] = {
    "dask": (("dask", "distributed"), lambda _: score(fitted(), X)),
    "onnx": (
        ("onnx", "onnxscript", "onnxruntime"),
        lambda folder: to_onnx(fitted(), folder / "model.onnx"),
    ),
    "root": (("uproot",), read_root),
    "graph": (("torch_geometric", "torch_geometric.nn"), fit_graph),
    "jets": (("fastjet",), lambda _: JetClusterer().fit_transform(EVENTS)),
    "umap": (("umap",), lambda _: LatentDisplay.from_representations(X, projection="umap")),
    "quantum": (("pennylane",), lambda _: QuantumAutoencoderDetector(max_epochs=1).fit(X)),
    "neighbors": (("faiss",), lambda _: NeighborsDetector(algorithm="approximate").fit(X)),
}


@pytest.mark.parametrize("extra", NEEDS)
def test_a_missing_package_is_an_error_that_names_the_extra(
    extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules, use = NEEDS[extra]
    for module in modules:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingDependencyError, match=rf'pip install "skdqm\[{extra}\]"'):
        use(tmp_path)
