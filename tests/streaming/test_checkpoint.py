from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm.exceptions import DataError, UsageError
from skdqm.persistence import load, save
from skdqm.streaming._checkpoint import read_checkpoint, write_checkpoint
from skdqm.streaming._fingerprint import fingerprint
from tests.instances import instance, names
from tests.streaming.streams import rows

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False)
    | st.text()
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(content=st.dictionaries(st.text(), VALUES))
def test_plain_data_comes_back_as_it_was(
    content: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "plain"
    write_checkpoint(path, content)
    assert read_checkpoint(path) == content


def test_arrays_come_back_to_the_bit(tmp_path: Path) -> None:
    arrays = {
        "floats": np.array([0.1, np.nan, -np.inf, 1e-320]),
        "none": np.empty((0, 3)),
        "flags": np.array([[True, False]]),
        "numbers": np.arange(4, dtype=np.int32),
    }
    write_checkpoint(tmp_path / "c", {"state": arrays, "nan": [float("nan")]})
    found = read_checkpoint(tmp_path / "c")
    for name, array in arrays.items():
        np.testing.assert_array_equal(found["state"][name], array, strict=True)
    assert np.isnan(found["nan"][0])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "c"
    write_checkpoint(path, {"position": 7, "state": np.arange(5.0)})
    return path


@given(data=st.data())
def test_a_damaged_file_is_refused(data: Any, whole: Path) -> None:
    good = whole.read_bytes()
    place = data.draw(st.integers(0, len(good) - 1))
    flipped = good[:place] + bytes([good[place] ^ data.draw(st.integers(1, 255))])
    damaged = whole.with_name("damaged")
    for content in (good[:place], flipped, flipped + good[place + 1 :], good + b"x"):
        damaged.write_bytes(content)
        with pytest.raises(DataError, match=r"is damaged|is no checkpoint"):
            read_checkpoint(damaged)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_checkpoint(tmp_path)


def test_what_is_no_plain_data_leaves_the_last_checkpoint(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "c", {"position": 1})
    with pytest.raises(UsageError, match="cannot be saved"):
        write_checkpoint(tmp_path / "c", {"position": object()})
    assert read_checkpoint(tmp_path / "c") == {"position": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


@pytest.mark.parametrize("name", names())
def test_a_model_is_known_again_from_its_file(name: str, tmp_path: Path) -> None:
    model = instance(name).fit(rows(200))
    save(model, tmp_path / "model.skdqm")
    assert fingerprint(load(tmp_path / "model.skdqm")) == fingerprint(model)


def test_models_of_other_rows_or_settings_differ() -> None:
    first = instance("histogram").fit(rows(200))
    refitted = instance("histogram").fit(rows(200, seed=1))
    other = instance("histogram").set_params(contamination=0.2).fit(rows(200))
    assert len({fingerprint(model) for model in (first, refitted, other)}) == 3


def test_a_model_is_known_again_when_it_is_fitted_again() -> None:
    first, second = (instance("autoencoder").fit(rows(200)) for _ in range(2))
    assert fingerprint(first) == fingerprint(second)


def test_a_model_that_cannot_be_saved_has_no_fingerprint() -> None:
    with pytest.raises(UsageError, match="needs a model that can be saved"):
        fingerprint(object())
