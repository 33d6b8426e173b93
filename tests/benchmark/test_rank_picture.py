import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from skdqm.benchmark import compare, save_rank_picture
from skdqm.exceptions import UsageError

NAMES = ["autoencoder", "pyod:KNN", "published:kNN", "published:VAE"]


@pytest.mark.parametrize("n_sets", [1, 9])
@pytest.mark.parametrize("names", [NAMES, NAMES[:1]])
def test_a_picture_is_drawn_of_few_and_of_many(tmp_path, names, n_sets):
    table = pd.DataFrame(np.random.default_rng(0).random((n_sets, len(names))), columns=names)
    save_rank_picture(tmp_path / "ranks.png", compare(table, reference="autoencoder"))
    assert imread(tmp_path / "ranks.png").ndim == 3


def test_when_all_fail_the_picture_is_empty(tmp_path):
    save_rank_picture(tmp_path / "ranks.png", compare(pd.DataFrame({"a": [np.nan]}), "a"))
    assert (tmp_path / "ranks.png").exists()


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageError, match="absent"):
        save_rank_picture(tmp_path / "absent" / "a.png", compare(pd.DataFrame({"a": [1.0]}), "a"))
