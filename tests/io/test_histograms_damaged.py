"""Every damaged file of histograms ends in one line that names the file and the row."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm.exceptions import DataError
from skdqm.io import Histograms, read_histograms

HEAD = "run,ls,hname,entries,bin_0,bin_1\n"
GOOD = "1,1,q,3,1,2\n"
DQMIO = "fromrun,fromlumi,hname,metype,histo,entries,Xmin,Xmax,Xbins\n"
LIST = '1,1,q,3,"[1, 2]",3,0,1,2\n'

TEXTS = {
    "negative run": (HEAD + GOOD + "-1,2,q,3,1,2\n", "row 1: run is -1; expected a whole number"),
    "fractional run": (HEAD + GOOD + "1.5,2,q,3,1,2\n", r"row 1: run is 1\.5"),
    "huge run": (HEAD + "1e300,2,q,3,1,2\n", r"row 0: run is 1e\+300"),
    "missing run": (HEAD + ",2,q,3,1,2\n", "row 0: run is nan"),
    "text for a run": (HEAD + "one,2,q,3,1,2\n", "row 0: run is 'one'; expected a number"),
    "fractional lumisection": (HEAD + GOOD + "1,2.5,q,3,1,2\n", r"row 1: ls is 2\.5"),
    "NaN": (HEAD + GOOD + "1,2,q,3,nan,2\n", "row 1: bin 0 of 'q' is nan; expected a count"),
    "empty bin": (HEAD + GOOD + "1,2,q,3,1,\n", "row 1: bin 1 of 'q' is nan"),
    "infinity": (HEAD + GOOD + "1,2,q,3,1,inf\n", "row 1: bin 1 of 'q' is inf"),
    "negative": (HEAD + GOOD + "1,2,q,3,1,-2\n", "row 1: bin 1 of 'q' is -2"),
    "text in a bin": (HEAD + GOOD + "1,2,q,3,1,two\n", "row 1: bin_1 is 'two'; expected a number"),
    "negative entries": (HEAD + GOOD + "1,2,q,-3,1,2\n", "row 1: entries is -3"),
    "text for entries": (HEAD + GOOD + "1,2,q,few,1,2\n", "row 1: entries is 'few'"),
    "no name": (HEAD + GOOD + "1,2,,3,1,2\n", "row 1: hname is empty"),
    "twice": (
        HEAD + GOOD + "1,2,q,3,1,2\n" + GOOD,
        r"lumisection 1 of run 1 occurs twice in 'q', in row 0 of .* and row 2",
    ),
    "a bin left out": (
        "run,ls,bin_0,bin_2\n1,1,1,1\n",
        "2 columns of bins from 'bin_0' to 'bin_2' without 1",
    ),
    "a bin twice": ("run,ls,bin_0,bin0\n1,1,1,1\n", "'bin_0' to 'bin0' with a number twice"),
    "bins from 3": ("run,ls,bin_3,bin_4\n1,1,1,1\n", "without 1, 2"),
    "a place left out": (
        "run,ls,q[0],q[2]\n1,1,1,1\n",
        r"'q\[0\]', 'q\[2\]' are not the bins of a",
    ),
    "no bins": (
        "run,ls,entries\n1,1,1\n",
        "found no histograms in the columns 'run', 'ls', 'entries'",
    ),
    "no run": ("ls,bin_0\n1,1\n", r"says run of 'a', such as .*, give run=\.\.\."),
    "no rows": (HEAD, "no rows; expected at least one histogram"),
    "rows too long": (HEAD + "1,1,q,3,1,2,9\n", "rows have more fields"),
    "blank": ("", "the file is empty"),
    "list cut": (
        DQMIO + LIST + '1,2,q,3,"[1, ",3,0,1,2\n',
        r"row 1: histo is '\[1, '; expected a list",
    ),
    "list of texts": (DQMIO + '1,1,q,3,"[""1"", 2]",3,0,1,2\n', "row 0: histo is"),
    "no list": (DQMIO + "1,1,q,3,7,3,0,1,2\n", "row 0: histo is '7'; expected a list of numbers"),
    "missing list": (DQMIO + LIST + "1,2,q,3,,3,0,1,2\n", "row 1: histo is ''; expected a list"),
    "NaN in a list": (DQMIO + LIST + '1,2,q,3,"[1, NaN]",3,0,1,2\n', "row 1: bin 1 of 'q' is nan"),
    "bins change": (
        DQMIO + LIST + '1,2,q,3,"[1, 2, 3]",3,0,1,2\n',
        "row 1: 'q' has 3 bins; expected 2",
    ),
    "list too long": (
        DQMIO + '1,2,q,3,"[1, 2, 3]",3,0,1,2\n',
        "row 0: 'q': found 3 bins; expected 2 as declared, or 4 with underflow",
    ),
    "empty list": (
        DQMIO + '1,2,q,3,"[]",3,0,1,2\n',
        "row 0: 'q' has 0 bins; expected at least one",
    ),
    "edges change": (
        DQMIO + LIST + '1,2,q,3,"[1, 2]",3,0,5,2\n',
        r"'q': Xmax is 1, and 5 in row 1; expected one binning",
    ),
    "edges do not rise": (
        DQMIO + LIST.replace("0,1,2", "1,0,2"),
        "xmin is 1 and xmax is 0; expected a",
    ),
    "text for an edge": (
        DQMIO + LIST.replace("0,1,2", "0,far,2"),
        "xmax is 'far'; expected a number",
    ),
    "half a bin": (
        DQMIO + LIST.replace("0,1,2", "0,1,2.5"),
        r"xbins is 2\.5; expected a whole number",
    ),
    "a map without y": (
        DQMIO + LIST.replace("q,3", "q,6"),
        "ybins is nan; expected a whole number",
    ),
}


def refused(path: Path, **arguments: Any) -> str:
    with pytest.raises(DataError) as caught:
        read_histograms(path, **arguments)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert len(message) < 4 * len(str(path)) + 500
    return message


def read_or_refused(path: Path) -> list[Histograms]:
    try:
        return list(read_histograms(path).values())
    except DataError:
        refused(path)
        return []


@pytest.mark.parametrize(("text", "expected"), TEXTS.values(), ids=TEXTS.keys())
def test_damaged_table_is_one_line_that_names_the_row(
    tmp_path: Path, text: str, expected: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    refused(path)
    with pytest.raises(DataError, match=expected):
        read_histograms(path)


def parquet(column: list[Any], **others: Any) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        frame = {"run": [1] * len(column), "ls": range(len(column)), "histo": column} | others
        pd.DataFrame(frame).to_parquet(path)

    return write


def hdf5(**arrays: Any) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with h5py.File(path, "w") as file:
            for name, values in arrays.items():
                file[name] = values

    return write


def npz(**arrays: Any) -> Callable[[Path], None]:
    return lambda path: np.savez(path, **arrays)


def cut(write: Callable[[Path], None]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        write(path)
        path.write_bytes(path.read_bytes()[:-100])

    return damage


ONES = np.ones((2, 3))
FILES = {
    "lists of texts": ("a.parquet", parquet([["1"]]), "histo holds lists of string"),
    "no lists": ("a.parquet", parquet([1, 2]), "row 0: histo is '1'; expected a list"),
    "texts": ("a.parquet", parquet(["x"]), "row 0: histo is 'x'"),
    "missing list": ("a.parquet", parquet([[1], None]), "row 1: histo is empty"),
    "missing bin": ("a.parquet", parquet([[1, 2], [1, None]]), "row 1: bin 1 of 'a' is nan"),
    "bins change": ("a.parquet", parquet([[1, 2], [1]]), "row 1: 'a' has 1 bins; expected 2"),
    "edges do not rise": (
        "a.parquet",
        parquet([[1.0]], Xbins=[1], Xedges=[[1.0, 1.0]]),
        "xedges do not rise; expected 2",
    ),
    "edges change": (
        "a.parquet",
        parquet([[1.0]] * 2, Xbins=[1] * 2, Xedges=[[0.0, 1.0], [0.0, 2.0]]),
        "Xedges is",
    ),
    "no rows": ("a.parquet", parquet([]), "no rows"),
    "parquet cut": ("a.parquet", cut(parquet([[1]])), "cannot read this as Parquet"),
    "hdf5 cut": ("a.h5", cut(hdf5(q=ONES)), "cannot read this as HDF5"),
    "npz cut": ("a.npz", cut(npz(q=ONES)), "cannot read this as npz"),
    "no arrays": ("a.h5", hdf5(run=[1, 2]), "found no histograms; .* the file holds 'run'"),
    "no file": ("a.h5", lambda path: None, "cannot open"),
    "empty array": ("a.h5", hdf5(q=np.ones((0, 3))), r"q has the shape \(0, 3\)"),
    "negative": ("a.h5", hdf5(q=[[[1, 2], [3, -4]]]), r"row 0: q\[1,1\] is -4"),
    "fractional run": ("a.npz", npz(q=ONES, run=[1, 1.5]), r"row 1: run is 1\.5"),
    "negative entries": ("a.npz", npz(q=ONES, entries=[1, -1]), "row 1: entries is -1"),
    "twice": ("a.npz", npz(q=ONES, run=[1, 1], ls=[2, 2]), "lumisection 2 of run 1 occurs twice"),
    "images": (
        "a.npy",
        lambda path: np.save(path, ONES),
        "found npy, which does not hold histograms",
    ),
    "unknown": ("a.dat", lambda path: path.write_text("1"), r"unknown extension '\.dat'"),
}


@pytest.mark.parametrize(("name", "damage", "expected"), FILES.values(), ids=FILES.keys())
def test_damaged_file_is_one_line_that_names_it(
    tmp_path: Path, name: str, damage: Callable[[Path], None], expected: str
) -> None:
    path = tmp_path / name
    damage(path)
    refused(path)
    with pytest.raises(DataError, match=expected):
        read_histograms(path)


def test_histogram_that_is_in_two_files_is_refused(csv_file: Callable[..., Path]) -> None:
    paths = [csv_file(HEAD + GOOD, "a.csv"), csv_file(HEAD + "1,9,q,3,1,2\n" + GOOD, "b.csv")]
    expected = r"b\.csv: lumisection 1 of run 1 .* in row 0 of .*a\.csv and row 1 of .*b\.csv"
    with pytest.raises(DataError, match=expected):
        read_histograms(paths)


def test_bins_that_change_between_files_are_refused(csv_file: Callable[..., Path]) -> None:
    other = "run,ls,hname,bin_0\n2,1,q,5\n"
    paths = [csv_file(HEAD + GOOD, "a.csv"), csv_file(other, "b.csv")]
    expected = (
        r"b\.csv: row 0: 'q' has 1 bins 0 \.\. 1; expected 2 bins 0 \.\. 2 as in row 0 of .*a\.csv"
    )
    with pytest.raises(DataError, match=expected):
        read_histograms(paths)


@given(
    st.binary(max_size=300), st.sampled_from(["a.csv", "a.parquet", "a.h5", "a.npz", "a.csv.gz"])
)
def test_any_bytes_are_read_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str
) -> None:
    path = tmp_path_factory.mktemp("any") / name
    path.write_bytes(content)
    read_or_refused(path)


@given(st.lists(st.sampled_from([*'0123456789,\n"[]-.e', "nan", "q", "1,1,q,3,"]), max_size=30))
def test_any_text_below_a_header_is_read_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str]
) -> None:
    for head in (HEAD, DQMIO):
        path = tmp_path_factory.mktemp("any") / "a.csv"
        path.write_text(head + "".join(parts))
        for one in read_or_refused(path):
            assert np.isfinite(one.counts.to_numpy()).all()
            assert (one.counts.to_numpy() >= 0).all()
