"""What is written is read back equal, whatever its bins; what cannot be is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skdqm._lumisections import bin_names, lumisection_index
from skdqm.exceptions import DataError, UsageError
from skdqm.io import Histograms, read_histograms, write_histograms

counts_of = st.one_of(
    st.integers(0, 2**60).map(float),
    st.floats(0, 1e300),
    st.just(0.0),
    st.integers(0, 9).map(float),
)
names = st.text(min_size=1, max_size=12).filter(lambda text: text.encode("utf-8", "ignore") != b"")
keys = st.lists(
    st.tuples(st.integers(0, 400_000), st.integers(0, 4_000)), min_size=1, max_size=4, unique=True
)


@st.composite
def edges_of(draw: st.DrawFn, length: int) -> np.ndarray[Any, Any]:
    low, width = draw(st.floats(-1e6, 1e6)), draw(st.floats(0.1, 1e6))
    even = np.linspace(low, low + width, length + 1)
    kind = draw(st.sampled_from(["even", "uneven", "outside"]))
    if kind == "uneven":
        even[1:] += np.arange(1, length + 1) ** 2
    if kind == "outside":
        even[0], even[-1] = -np.inf, np.inf
    return even


@st.composite
def element(draw: st.DrawFn, name: str) -> Histograms:
    shape = tuple(draw(st.lists(st.integers(1, 3), min_size=1, max_size=3)))
    index = lumisection_index(*np.array(sorted(draw(keys))).T)
    n_rows, n_bins = len(index), int(np.prod(shape))
    values = draw(arrays(np.float64, (n_rows, n_bins), elements=counts_of))
    conditions = pd.DataFrame(index=index)
    if draw(st.booleans()):
        conditions["good"] = draw(arrays(np.int64, n_rows))
    if draw(st.booleans()):
        conditions["src"] = draw(
            st.lists(st.sampled_from(["", "a,b", "é"]), min_size=n_rows, max_size=n_rows)
        )
    if draw(st.booleans()):
        conditions["pileup"] = np.append(draw(arrays(np.float64, n_rows - 1)), 1.5)
    return Histograms(
        name,
        pd.DataFrame(values, index, bin_names(name, shape)),
        draw(arrays(np.float64, n_rows, elements=counts_of)),
        tuple(draw(edges_of(length)) for length in shape),
        conditions,
        "",
    )


elements = st.lists(names, min_size=1, max_size=3, unique=True).flatmap(
    lambda chosen: st.fixed_dictionaries({name: element(name) for name in chosen})
)


def assert_equal(found: Histograms, expected: Histograms) -> None:
    pd.testing.assert_frame_equal(found.counts, expected.counts)
    # Several elements in a file share one order of the columns; no columns have names of no type.
    conditions = [one.conditions.sort_index(axis=1) for one in (found, expected)]
    pd.testing.assert_frame_equal(*conditions, check_column_type=False)
    np.testing.assert_array_equal(found.entries, expected.entries)
    assert found.element == expected.element
    assert found.shape == expected.shape
    for one, other in zip(found.edges, expected.edges, strict=True):
        np.testing.assert_array_equal(one, other)


@given(elements)
def test_what_is_written_is_read_back_equal(
    tmp_path_factory: pytest.TempPathFactory, written: dict[str, Histograms]
) -> None:
    path = tmp_path_factory.mktemp("round") / "a.parquet"
    assert write_histograms(written, path) == sum(map(len, written.values()))
    found = read_histograms(path)
    assert list(found) == list(written)
    for name, expected in written.items():
        assert_equal(found[name], expected)


def made(shape: tuple[int, ...] = (2, 3), name: str = "map", n_rows: int = 2) -> Histograms:
    index = lumisection_index([7] * n_rows, range(n_rows))
    columns = bin_names(name, shape)
    counts = np.arange(float(n_rows * len(columns))).reshape(n_rows, len(columns))
    edges = tuple(np.linspace(0, 1, length + 1) for length in shape)
    frame = pd.DataFrame(counts, index, columns)
    return Histograms(name, frame, counts.sum(axis=1), edges, pd.DataFrame(index=index), "")


def test_file_has_the_columns_of_dqmio(tmp_path: Path) -> None:
    write_histograms({"map": made()}, tmp_path / "a.parquet")
    table = pq.read_table(tmp_path / "a.parquet")
    assert table.column_names == [
        "fromrun", "fromlumi", "hname", "metype", "histo", "entries",
        "Xmin", "Xmax", "Xbins", "Ymin", "Ymax", "Ybins",
    ]  # fmt: skip
    assert str(table.schema.field("histo").type.value_type) == "int64"
    assert table.slice(1).to_pylist() == [
        {
            "fromrun": 7, "fromlumi": 1, "hname": "map", "metype": 6, "histo": list(range(6, 12)),
            "entries": 51, "Xmin": 0, "Xmax": 1, "Xbins": 2, "Ymin": 0, "Ymax": 1, "Ybins": 3,
        }
    ]  # fmt: skip


def test_files_of_cms_are_read_written_and_read_back(tmp_path: Path) -> None:
    both = {"map": made(), "line": made((4,), "line")}
    write_histograms(both, tmp_path / "a.parquet")
    frame = pq.read_table(tmp_path / "a.parquet").to_pandas()
    assert frame["Ybins"].tolist() == [3, 3, 0, 0]
    write_histograms(read_histograms(tmp_path / "a.parquet"), tmp_path / "b.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_many_rows_are_written_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skdqm.io._histograms_write._VALUES", 10)
    many = replace(made(n_rows=7), entries=np.append(np.ones(6), 0.5))
    write_histograms({"map": many}, tmp_path / "a.parquet")
    assert pq.ParquetFile(tmp_path / "a.parquet").num_row_groups == 7
    assert_equal(read_histograms(tmp_path / "a.parquet")["map"], many)


def test_conditions_without_a_value_are_left_out(tmp_path: Path) -> None:
    one, other = made(name="a"), made(name="b")
    one.conditions["good"] = [1, 0]
    other.conditions["late"] = [np.nan, np.nan]
    write_histograms({"a": one, "b": other}, tmp_path / "a.parquet")
    found = read_histograms(tmp_path / "a.parquet")
    assert found["a"].conditions["good"].tolist() == [1, 0]
    assert found["b"].conditions.shape == (2, 0)


def broken(**changes: Any) -> dict[str, Histograms]:
    return {"map": replace(made(), **changes)}


INDEX = made().counts.index
REFUSED = {
    "nothing": ({}, "nothing to write"),
    "too many axes": (
        {"map": made((1, 2, 1, 2))},
        "4 axes; expected at least one row and one to 3",
    ),
    "no rows": ({"map": made(n_rows=0)}, "0 rows and 2 axes"),
    "edges do not fit": (broken(edges=(np.arange(3.0),)), r"2 lumisections of shape \(2,\), but"),
    "edges do not rise": (
        broken(edges=(np.arange(3.0), np.zeros(4))),
        "edges that do not rise",
    ),
    "entries do not fit": (broken(entries=np.ones(3)), r"expected \(\(2, 6\), \(2,\), 2\)"),
    "a lumisection twice": (
        broken(counts=made().counts.set_axis(lumisection_index([1, 1], [1, 1]))),
        "lumisection 1 of run 1 twice",
    ),
    "no run": (
        broken(counts=made().counts.droplevel("run")),
        "found an index with the levels 'lumisection'; expected 'run' and 'lumisection'",
    ),
    "conditions in another order": (
        broken(conditions=pd.DataFrame({"good": [1, 2]}, made().counts.index[::-1])),
        "'map' has conditions of other lumisections than counts, or in another order",
    ),
    "a name of the layout": (
        broken(conditions=pd.DataFrame({"entries": [1, 2], "good": [1, 1]}, INDEX)),
        "conditions 'entries' of 'map' have a name that the layout needs",
    ),
    "a name of the run": (
        broken(conditions=pd.DataFrame({"run": [1, 2]}, INDEX)),
        "conditions 'run'",
    ),
    "negative": (broken(counts=-1 - made().counts), r"row 0: map\[0,0\] is -1"),
    "NaN entries": (broken(entries=np.array([1, np.nan])), "row 1: entries of 'map' is nan"),
    "objects": (
        broken(conditions=pd.DataFrame({"why": [object(), object()]}, INDEX)),
        "cannot write histograms",
    ),
    "the same element": ({"a": made(), "b": made()}, "elements 'map', 'map' are not different"),
}


@pytest.mark.parametrize(("histograms", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_read_back_is_refused(
    tmp_path: Path, histograms: dict[str, Histograms], message: str
) -> None:
    path = tmp_path / "a.parquet"
    path.write_text("old")
    with pytest.raises(DataError, match=message) as caught:
        write_histograms(histograms, path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot write '\.csv'; expected \.parquet"):
        write_histograms({"map": made()}, tmp_path / "a.csv")
    with pytest.raises(UsageError, match="does not exist; create it first"):
        write_histograms({"map": made()}, tmp_path / "nowhere" / "a.parquet")
