"""Files in the layouts that pandas and PyTables write, made with h5py alone."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pandas as pd
import pytest

COMPRESSION: dict[str, dict[str, Any]] = {
    "none": {},
    "zlib": {"compression": "gzip"},
    "blosc": dict(hdf5plugin.Blosc()),
}


def by_dtype(frame: pd.DataFrame) -> dict[np.dtype[Any], list[str]]:
    """Group columns as the block manager of pandas does."""
    blocks: dict[np.dtype[Any], list[str]] = {}
    for name, dtype in frame.dtypes.items():
        blocks.setdefault(dtype, []).append(name)
    return blocks


def as_axis(names: list[str], text: str) -> np.ndarray[Any, Any]:
    if all(name.isdigit() for name in names):
        return np.array([int(name) for name in names])
    if text == "bytes":
        return np.array([name.encode() for name in names])
    return np.array(names, dtype=h5py.string_dtype())


def save_fixed(
    path: Path, frame: pd.DataFrame, key: str = "df", pack: str = "none", text: str = "bytes"
) -> Path:
    """Write the *fixed* layout: axis0, axis1 and one matrix per dtype."""
    names = [str(name) for name in frame.columns]
    with h5py.File(path, "a") as file:
        group = file.create_group(key)
        blocks = by_dtype(frame)
        group.attrs.update(
            {"pandas_type": np.bytes_("frame"), "axis0_variety": np.bytes_("regular")}
        )
        group.attrs["nblocks"] = len(blocks)
        group["axis0"] = as_axis(names, text)
        group["axis1"] = np.arange(len(frame))
        for i, columns in enumerate(blocks.values()):
            group[f"block{i}_items"] = as_axis([str(name) for name in columns], text)
            group.create_dataset(
                f"block{i}_values", data=frame[columns].to_numpy(), **COMPRESSION[pack]
            )
    return path


def pickled(value: object) -> np.bytes_:
    """Pickle as PyTables does for attributes: protocol 0."""
    return np.bytes_(pickle.dumps(value, 0))


def save_table(
    path: Path,
    frame: pd.DataFrame,
    key: str = "df",
    pack: str = "none",
    data_columns: bool = False,
) -> Path:
    """Write the *table* layout: records with a field per dtype, or with a field per column."""
    columns = list(frame.columns)
    fields = (
        {name: [name] for name in columns}
        if data_columns
        else {f"values_block_{i}": names for i, names in enumerate(by_dtype(frame).values())}
    )
    types = [
        (field, frame[names[0]].dtype, () if data_columns else (len(names),))
        for field, names in fields.items()
    ]
    rows = np.zeros(len(frame), dtype=[("index", "i8"), *types])
    for field, names in fields.items():
        rows[field] = frame[names[0]] if data_columns else frame[names].to_numpy()
    with h5py.File(path, "a") as file:
        group = file.create_group(key)
        group.attrs["pandas_type"] = np.bytes_("frame_table")
        group.attrs["levels"] = 1
        group.attrs["values_cols"] = pickled(list(fields))
        group.attrs["non_index_axes"] = pickled([(1, columns)])
        table = group.create_dataset("table", data=rows, chunks=True, **COMPRESSION[pack])
        for field, names in fields.items():
            table.attrs[f"{field}_kind"] = pickled(names)
            table.attrs[f"{field}_meta"] = pickled(None)
    return path


@pytest.fixture
def jets() -> pd.DataFrame:
    """Eight rows of float64, float32 and integer features and a label."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "pt": rng.normal(size=8),
            "tau21": rng.normal(size=8).astype(np.float32),
            "eta": rng.normal(size=8),
            "n_tracks": np.arange(8),
            "label": [0, 0, 1, 0, 1, 0, 0, 1],
        }
    )


@pytest.fixture(scope="session")
def fixed() -> Callable[..., Path]:
    return save_fixed


@pytest.fixture(scope="session")
def table() -> Callable[..., Path]:
    return save_table


@pytest.fixture
def csv_file(tmp_path: Path) -> Callable[..., Path]:
    """Write text or bytes to a file and give its path."""

    def write(content: str | bytes, name: str = "file.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write
