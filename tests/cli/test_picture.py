import numpy as np
import pytest
from matplotlib.image import imread

from skdqm.cli._picture import save_picture


@pytest.mark.parametrize("threshold", [0.5, 50.0])
def test_the_picture_is_written_whatever_the_threshold(tmp_path, threshold):
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [500, 50])
    save_picture(tmp_path / "p.png", labels, rng.exponential(size=550), threshold=threshold)
    pixels = imread(tmp_path / "p.png")
    assert pixels.shape[0] > 300
    assert pixels.std() > 0
