import numpy as np
import pytest

from skdqm.benchmark import images
from skdqm.benchmark._images import OneClass, read_images
from skdqm.exceptions import DataError, UsageError


@pytest.fixture
def pictures(tmp_path):
    """Three classes of 6 x 5 pixels, each with a bright row of its own."""
    rng = np.random.default_rng(0)
    labels = np.arange(120) % 3
    pixels = rng.integers(0, 100, (120, 6, 5), dtype=np.uint8)
    pixels[np.arange(120), labels] += 100
    path = tmp_path / "pictures.npz"
    np.savez(path, X=pixels, label=labels)
    return path


def test_each_class_is_the_normal_one_in_turn(pictures):
    found = images(pictures, contenders=["pyod:KNN", "pyod:PCA"], n_train=20, n_test=10).results
    assert found["dataset"].tolist() == [f"class {n}" for n in (0, 0, 1, 1, 2, 2)]
    assert (found["auroc"] > 0.95).all()


def test_the_first_of_a_class_are_learned_and_the_last_of_all_are_ranked(pictures):
    rows = OneClass(pictures, 1, 20, 10, (1, 6, 5), "").rows(0)
    pixels = read_images(pictures).pixels
    scale = pixels[1:60:3].max()
    np.testing.assert_allclose(rows.train * scale, pixels[1:60:3])
    assert rows.labels.tolist() == [1] * 10 + [0] * 10 + [1] * 10
    np.testing.assert_allclose(rows.test[10:20] * scale, pixels[91::3])


def test_a_file_that_changed_is_read_again(pictures):
    options = {"contenders": ["pyod:KNN"], "n_train": 20, "n_test": 10}
    before = images(pictures, **options).results["auroc"]
    noise = np.random.default_rng(1).integers(0, 100, (120, 6, 5), dtype=np.uint8)
    np.savez(pictures, X=noise, label=np.arange(120) % 3)
    assert images(pictures, **options).results["auroc"].mean() < before.mean() - 0.2


def test_detectors_of_images_are_told_their_shape(pictures):
    result = images(pictures, contenders=["convolutional"], n_train=20, n_test=10)
    assert result.failures == ()


def test_classes_that_are_too_small_are_refused(pictures):
    with pytest.raises(DataError, match="class 0 has 40 images; expected 41"):
        images(pictures, contenders=["pyod:KNN"], n_train=21, n_test=20)


def test_tables_and_images_without_labels_are_refused(tmp_path, pictures):
    np.savez(tmp_path / "table.npz", X=np.ones((9, 4)), y=np.arange(9) % 2)
    with pytest.raises(DataError, match="found a table"):
        images(tmp_path / "table.npz")
    np.savez(tmp_path / "bare.npz", X=np.ones((9, 4, 4)))
    with pytest.raises(DataError, match="without labels"):
        images(tmp_path / "bare.npz")
    with pytest.raises(UsageError, match="n_train=0"):
        images(pictures, n_train=0)
