import numpy as np
import pandas as pd
import pytest

from skdqm.benchmark._published import published_for, read_published
from skdqm.exceptions import DataError, UsageError

TEXT = "dataset,kNN,VAE\nbackdoor,93.75,90\nMagic.gamma,83.27,\nsatimage-2,99,98\n"


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "dte_semi_aucroc.csv"
    path.write_text(TEXT)
    return path


def test_figures_are_read_from_0_to_1_under_names_of_their_own(path):
    table = read_published(path.parent)["auroc"]
    assert list(table.columns) == ["published:kNN", "published:VAE"]
    assert table.loc["backdoor", "published:kNN"] == pytest.approx(0.9375)
    assert np.isnan(table.loc["Magic.gamma", "published:VAE"])


def test_one_file_is_enough_and_its_name_tells_the_figure(path):
    assert list(read_published(path)) == ["auroc"]
    assert list(read_published(path.rename(path.with_name("mine_aucpr.csv")))) == ["aupr"]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("3_backdoor_rebuilt", "backdoor"),
        ("22_magic.gamma", "Magic.gamma"),
        ("SATIMAGE-2", "satimage-2"),
    ],
)
def test_sets_are_matched_without_number_suffix_and_case(path, ours, theirs):
    table = read_published(path)["auroc"]
    pd.testing.assert_series_equal(
        published_for(table, [ours]).loc[ours], table.loc[theirs], check_names=False
    )


def test_a_set_that_is_not_published_is_missing(path):
    table = read_published(path)["auroc"]
    assert published_for(table, ["1_other", "3_backdoor"]).isna().all(axis=1).tolist() == [
        True,
        False,
    ]


def test_two_sets_of_one_published_name_are_refused(path):
    with pytest.raises(DataError, match="several sets here are the published set 'backdoor'"):
        published_for(read_published(path)["auroc"], ["3_backdoor", "backdoor_rebuilt"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,kNN\na,1\n", "not a table of results"),
        ("dataset,kNN\na,high\n", "not a table of results"),
        ("dataset,kNN\na,1\na,2\n", "comes twice"),
        ("dataset,kNN\na,101\n", "outside 0 to 100"),
        ("", "not a table of results"),
    ],
)
def test_other_tables_are_refused(path, text, message):
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_published(path)


def test_a_folder_without_the_tables_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"neither dte_semi_aucroc\.csv nor dte_semi_aucpr\.csv"):
        read_published(tmp_path)
