from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from skdqm.datasets import make_jet_events
from skdqm.io import describe, iter_batches, read
from skdqm.io._events import _are_events


def events(n_events: int = 30, n_particles: int = 12) -> pd.DataFrame:
    """Particles in the layout of the LHC Olympics: pt, eta, phi, zero padding, no names."""
    rng = np.random.default_rng(0)
    size = (n_events, n_particles)
    particles = [rng.exponential(50, size), rng.normal(0, 1.5, size), rng.uniform(-3, 3, size)]
    rows = np.stack(particles, axis=2)
    rows[np.arange(n_particles) >= rng.integers(5, n_particles, size=(n_events, 1))] = 0
    return pd.DataFrame(rows.reshape(n_events, -1))


def labelled() -> pd.DataFrame:
    return events().assign(label=np.arange(30.0) % 2).set_axis(range(37), axis=1)


def save(frame: pd.DataFrame, path: Path, fixed: Callable[..., Path]) -> Path:
    if path.suffix == ".h5":
        return fixed(path, frame)
    frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("name", ["a.h5", "a.csv", "a.csv.gz"])
def test_the_column_behind_the_particles_is_the_label(
    tmp_path: Path, fixed: Callable[..., Path], name: str
) -> None:
    path = save(labelled(), tmp_path / name, fixed)
    summary = describe(path)
    assert (summary.kind, summary.label, summary.label_candidates) == ("events", "36", ("36",))
    found = read(path)
    assert found.X.shape == (30, 36)
    np.testing.assert_array_equal(found.y, np.arange(30) % 2)
    assert [len(batch) for batch in iter_batches(path, 20)] == [20, 10]


def test_events_without_a_label_have_none(tmp_path: Path, fixed: Callable[..., Path]) -> None:
    path = fixed(tmp_path / "blackbox.h5", events())
    assert (describe(path).kind, describe(path).label) == ("events", None)
    assert read(path).X.shape == (30, 36)


NO_EVENTS = {
    "names": lambda: labelled().add_prefix("c"),
    "few particles": lambda: labelled()[[*range(9), 36]].set_axis(range(10), axis=1),
    "one column too many": lambda: labelled().assign(more=0.0).set_axis(range(38), axis=1),
    "normal numbers": lambda: pd.DataFrame(np.random.default_rng(0).normal(size=(30, 37))),
    "pixels": lambda: pd.DataFrame(np.random.default_rng(0).uniform(size=(30, 37))),
    "nothing but padding": lambda: pd.DataFrame(np.zeros((30, 37))),
    "angles in degrees": lambda: labelled() * 20,
    "angles without momentum": lambda: labelled().mul([0, *[1] * 36]),
    "half a label": lambda: labelled().mul([*[1] * 36, 0.5]),
}


@pytest.mark.parametrize("name", NO_EVENTS)
def test_other_tables_stay_tables(tmp_path: Path, fixed: Callable[..., Path], name: str) -> None:
    frame = NO_EVENTS[name]()
    assert describe(fixed(tmp_path / "a.h5", frame)).kind == "table"


def test_columns_that_cannot_be_read_make_no_events(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("df")
        group.attrs.update({"pandas_type": np.bytes_("frame"), "nblocks": 2})
        group["axis0"] = np.arange(37)
        group["block0_items"], group["block1_items"] = np.arange(36), np.array([36])
        group["block0_values"] = events()
        group["block1_values"] = np.zeros((30, 1))
        group["block1_values"].attrs["value_type"] = "datetime64"
    assert describe(path).kind == "table"


def test_one_bad_value_among_the_first_events_does_not_make_a_table_of_them() -> None:
    rows = make_jet_events(30, 0, n_particles=20, random_state=0)[0].to_numpy()
    rows = np.column_stack([rows, np.zeros(30)])
    rows[3, 0] = np.nan
    rows[4, 2] = 100.0
    assert _are_events(rows)


def test_a_table_of_triplets_that_is_no_list_of_particles_stays_a_table() -> None:
    rng = np.random.default_rng(0)
    towers = np.stack(
        [rng.exponential(size=(30, 10)), rng.normal(size=(30, 10)), rng.uniform(size=(30, 10))], 2
    ).reshape(30, -1)
    assert not _are_events(np.column_stack([towers, rng.poisson(40, size=30)]))
    assert not _are_events(towers)
