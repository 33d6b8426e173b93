import numpy as np
import pandas as pd
import pytest

from skdqm.datasets import inject_faults, make_lumisections
from skdqm.io import Histograms, LumisectionRanges, write_golden_json, write_histograms


@pytest.fixture(scope="session")
def table():
    """Return six good runs, and one in which a part of the charge is dead."""
    X, _ = make_lumisections(7, 50, fault_fraction=0, drift=0, random_state=0)
    last = X.loc[[X.index[-1][0]]]
    faulty, _ = inject_faults(last, "dead", first=20, duration=5, random_state=0)
    X = X.copy()
    X.loc[faulty.index] = faulty
    return X


@pytest.fixture(scope="session")
def last_run(table):
    return int(table.index[-1][0])


@pytest.fixture(scope="session")
def data(folder, table):
    charge = Histograms(
        "charge",
        table,
        table.to_numpy().sum(axis=1),
        (np.array([-np.inf, *np.linspace(0, 98, 99), np.inf]),),
        pd.DataFrame(index=table.index),
        "",
    )
    write_histograms({"charge": charge}, folder / "report.parquet")
    return folder / "report.parquet"


@pytest.fixture(scope="session")
def words(run, folder, data, table, last_run):
    """Words of a report on the last run."""
    model = folder / "report.skdqm"
    assert run("dqm", "train", data, "-o", model, "--runs", f"-{last_run - 1}").code == 0
    return ["dqm", "report", data, "-m", model, "--runs", f"{last_run}"]


@pytest.fixture
def page_of(run, words, tmp_path):
    def page_of(*options):
        result = run(*words, "-o", tmp_path / "r.html", *options)
        assert (result.code, result.out) == (0, ""), result.err
        return (tmp_path / "r.html").read_text(encoding="utf-8")

    return page_of


def test_the_page_says_what_is_wrong_where_and_shows_it(page_of, last_run):
    page = page_of("--title", "Shift of <Monday>")
    assert "Shift of &lt;Monday&gt;" in page
    assert f"Run {last_run}, lumisections 21 to 25" in page
    assert "charge: bin" in page
    assert "dead" in page
    assert "data:image/" in page


def test_without_pictures_the_words_stay(page_of):
    assert "data:image/" not in page_of("--worst", 0)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_the_loss_is_that_of_the_bad_lumisections(page_of, table, last_run, tmp_path, suffix):
    # Other runs and lumisections that were not judged belong to luminosity files too.
    recorded = pd.DataFrame({"recorded": 2.0}, table.index).reset_index()
    path = tmp_path / f"l.{suffix}"
    write = {"csv": recorded.to_csv, "parquet": recorded.to_parquet}[suffix]
    write(path, index=False)
    golden = LumisectionRanges({last_run: [(1, 20), (26, 50)]})
    write_golden_json(golden, tmp_path / "g.json")
    page = page_of("--luminosity", path, "--unit", "/pb", "--golden", tmp_path / "g.json")
    assert "10 of 100 /pb lost" in page
    assert "[[1, 20], [26, 50]]" in page


def test_a_page_of_a_model_that_follows_says_so(page_of):
    assert "accepted by the model" in page_of("--follow", "accepted")


def test_the_same_input_gives_the_same_bytes(page_of):
    assert page_of() == page_of()


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        ("run,lumisection,delivered\n1,1,1\n", "recorded"),
        ("run,lumisection,recorded\n1,1,\n", "NaN"),
        ("run,lumisection,recorded\n1,1.5,2\n", "whole numbers"),
        ("run,lumisection,recorded\n1,1,2\n1,1,2\n", "twice"),
        ("run,lumisection,recorded\n1,1,2\n", "none of them was judged"),
    ],
)
def test_a_wrong_luminosity_ends_in_one_line_and_no_page(run, words, tmp_path, content, hint):
    (tmp_path / "l.csv").write_text(content)
    page = tmp_path / "r.html"
    code, out, err = run(*words, "-o", page, "--luminosity", tmp_path / "l.csv", "-q")
    assert (code, out) == (3, "")
    assert hint in err
    assert err.count("\n") == 1
    assert not page.exists()


def test_a_page_is_html(run, words, tmp_path):
    code, _, err = run(*words, "-o", tmp_path / "r.pdf")
    assert code == 2
    assert ".html" in err
