"""One element's histograms say their shape; several are joined on the lumisection."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm._lumisections import bin_names, lumisection_index
from skdqm.exceptions import DataError
from skdqm.io import Histograms, join_histograms


def histograms(name: str, keys: list[tuple[int, int]], shape: tuple[int, ...] = (2,)) -> Histograms:
    """Fill every bin with the number of the lumisection."""
    index = lumisection_index(*np.array(keys, dtype=np.int64).reshape(-1, 2).T)
    names = bin_names(name, shape)
    counts = np.repeat(index.get_level_values(1).to_numpy(np.float64)[:, None], len(names), axis=1)
    edges = tuple(np.arange(length + 1.0) for length in shape)
    frame = pd.DataFrame(counts, index, names)
    return Histograms(name, frame, counts.sum(axis=1), edges, pd.DataFrame(index=index), "x.csv")


def test_shape_and_length_come_from_edges_and_rows() -> None:
    found = histograms("map", [(1, 5), (1, 6)], (3, 4))
    assert found.shape == (3, 4)
    assert len(found) == 2
    assert repr(found) == "Histograms('map', 2 lumisections, shape (3, 4))"


def test_missing_histograms_are_zeros_and_rows_are_sorted() -> None:
    first = histograms("a", [(2, 1), (1, 9)])
    joined = join_histograms({"a": first, "b": histograms("b", [(1, 9), (1, 10)], (1, 2))})
    assert list(joined.columns) == ["a[0]", "a[1]", "b[0,0]", "b[0,1]"]
    assert joined.index.tolist() == [(1, 9), (1, 10), (2, 1)]
    assert joined.index.names == ["run", "lumisection"]
    assert joined.to_numpy().tolist() == [[9, 9, 9, 9], [0, 0, 10, 10], [1, 1, 0, 0]]


keys = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, unique=True)


@given(keys, keys)
def test_every_element_is_found_again_in_the_join(
    one: list[tuple[int, int]], other: list[tuple[int, int]]
) -> None:
    parts = {"a": histograms("a", one), "b": histograms("b", other)}
    joined = join_histograms(parts)
    assert joined.index.tolist() == sorted({*one, *other})
    assert (joined.dtypes == np.float64).all()
    for part in parts.values():
        pd.testing.assert_frame_equal(
            joined.loc[part.counts.index, part.counts.columns], part.counts
        )
        assert joined[part.counts.columns].to_numpy().sum() == part.counts.to_numpy().sum()


def test_what_cannot_be_joined_is_refused() -> None:
    one, twice = histograms("a", [(1, 1)]), histograms("b", [(1, 1), (1, 1)])
    with pytest.raises(DataError, match="no histograms to join"):
        join_histograms({})
    with pytest.raises(DataError, match=r"columns 'a\[0\]', 'a\[1\]' belong to more than one"):
        join_histograms({"a": one, "again": one})
    with pytest.raises(DataError, match="lumisection 1 of run 1 occurs twice"):
        join_histograms({"b": twice})
