import gzip
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from skdqm.exceptions import DataError, UsageError
from skdqm.io import describe, iter_batches, read
from skdqm.io._idx import TYPES, labels_beside

IMAGES = np.random.default_rng(0).integers(0, 256, (7, 3, 4), dtype=np.uint8)
LABELS = np.arange(7, dtype=np.uint8)


def save(path: Path, array: NDArray[Any], kind: int = 0x08) -> Path:
    lengths = np.array(array.shape, ">u4").tobytes()
    content = bytes([0, 0, kind, array.ndim]) + lengths + array.astype(TYPES[kind]).tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.fixture(
    params=["train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte", "a.images.idx3-ubyte"]
)
def labelled(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Images with their labels in the file that MNIST's names tell."""
    name = request.param
    save(tmp_path / name.replace("images", "labels").replace("idx3", "idx1"), LABELS)
    return save(tmp_path / name, IMAGES)


def test_images_become_rows_of_pixels_with_the_labels_beside_them(labelled: Path) -> None:
    found = read(labelled)
    np.testing.assert_array_equal(found.X.to_numpy(), IMAGES.reshape(7, 12))
    assert list(found.X.columns[[0, 5, 11]]) == ["pixel_0_0", "pixel_1_1", "pixel_2_3"]
    assert set(found.X.dtypes.astype(str)) == {"float32"}
    np.testing.assert_array_equal(found.y, LABELS)


def test_the_summary_tells_the_shape(labelled: Path) -> None:
    summary = describe(labelled)
    assert (summary.kind, summary.image_shape, summary.n_rows) == ("images", (1, 3, 4), 7)
    assert (summary.label, len(summary.columns)) == ("label", 13)


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_batches_put_together_are_the_whole(labelled: Path, size: int) -> None:
    batches = list(iter_batches(labelled, size))
    pixels = np.concatenate([batch.X.to_numpy() for batch in batches])
    np.testing.assert_array_equal(pixels, IMAGES.reshape(7, 12))
    assert [label for batch in batches for label in np.asarray(batch.y)] == LABELS.tolist()


def test_some_pixels_can_be_chosen(labelled: Path) -> None:
    found = read(labelled, columns=["pixel_2_0", "pixel_0_1"])
    np.testing.assert_array_equal(found.X.to_numpy(), IMAGES[:, [2, 0], [0, 1]])


def test_without_labels_beside_them_images_have_none(tmp_path: Path) -> None:
    path = save(tmp_path / "maps.idx", IMAGES)
    assert read(path).y is None
    assert labels_beside(path) is None


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_of_numbers_is_read(tmp_path: Path, kind: int) -> None:
    values = IMAGES % 100
    found = read(save(tmp_path / "a.idx", values, kind)).X
    np.testing.assert_array_equal(found.to_numpy(), values.reshape(7, 12))
    assert set(found.dtypes.astype(str)) == {"float64" if kind in {0x0C, 0x0E} else "float32"}


def test_colours_come_before_rows_and_columns(tmp_path: Path) -> None:
    path = save(tmp_path / "a.idx4-ubyte", IMAGES.reshape(7, 3, 2, 2))
    summary = describe(path)
    assert summary.image_shape == (3, 2, 2)
    assert summary.columns[:3] == ("pixel_0_0_0", "pixel_0_0_1", "pixel_0_1_0")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: save(path, LABELS[:5]), "'label' holds 5 labels and 'images' has 7 rows"),
        (lambda path: path.write_bytes(b""), "labels-idx1-ubyte starts with b''"),
        (lambda path: path.write_bytes(path.read_bytes()[:6]), "labels-idx1-ubyte ends within"),
        (lambda path: path.write_bytes(path.read_bytes()[:-2]), "labels-idx1-ubyte has 13 bytes"),
    ],
    ids=["few", "empty", "header", "cut"],
)
def test_what_is_wrong_with_the_labels_is_told(
    tmp_path: Path, spoil: Callable[[Path], object], message: str
) -> None:
    images = save(tmp_path / "train-images-idx3-ubyte", IMAGES)
    spoil(save(tmp_path / "train-labels-idx1-ubyte", LABELS))
    with pytest.raises(DataError, match=f"train-images-idx3-ubyte: .*{message}"):
        read(images)


def test_more_images_than_the_header_tells_are_an_error(tmp_path: Path) -> None:
    path = save(tmp_path / "a.idx", IMAGES)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(DataError, match="another number of rows than the 7"):
        read(path)


def test_key_makes_no_sense_for_one_array(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not in idx"):
        read(save(tmp_path / "a.idx", IMAGES), key="images")


@given(st.binary(max_size=80), st.booleans())
def test_any_bytes_are_read_or_refused_with_the_name_of_the_file(
    content: bytes, packed: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.idx.gz" if packed else "a.idx")
        content = b"\0\0\x08\x03\0\0\0\2\0\0\0\2" + content
        path.write_bytes(gzip.compress(content) if packed else content)
        try:
            found = read(path)
        except DataError as error:
            assert str(error).startswith(f"{path}: ")  # noqa: PT017
        else:
            n_pixels = found.X.size
            np.testing.assert_array_equal(found.X.to_numpy().ravel(), list(content[-n_pixels:]))
