from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from skdqm.benchmark._trial import Rows, Trial, measure, ranking_figures


@dataclass(frozen=True)
class Planted:
    """Rows of which the last ones are far away."""

    name: str = "planted"
    size: float = 1.0
    known: dict = field(default_factory=dict, hash=False)

    def rows(self, seed):
        X = np.random.default_rng(seed).normal(size=(200, 3))
        X[180:] += 8
        return Rows(X[:100], X[100:], (np.arange(100) >= 80).astype(int))

    def figures(self, labels, scores):
        return ranking_figures(labels, scores)


@pytest.mark.parametrize("name", ["pyod:KNN", "pyod:PCA"])
def test_a_trial_gives_figures_and_seconds(name):
    record = measure(Trial(Planted(), name, 0))
    assert [record[name] for name in ("auroc", "aupr", "f1")] == pytest.approx([1, 1, 1])
    assert min(record[f"{kind}_seconds"] for kind in ("fit", "score", "cpu")) > 0


def test_the_same_seed_gives_the_same_figures_whatever_ran_before():
    trials = [Trial(Planted(), "pyod:LODA", 3) for _ in range(2)]
    first = measure(trials[0])
    np.random.seed(11)  # noqa: NPY002 (LODA draws from the global generator)
    measure(Trial(Planted(), "pyod:IForest", 1))
    assert measure(trials[1])["aupr"] == first["aupr"]


def test_what_fails_becomes_a_record_of_one_line():
    record = measure(Trial(Planted(), "pyod:MAD", 0))
    assert set(record) == {"error"}
    assert record["error"].startswith("ValueError: MAD algorithm is just for univariate data")
    assert "\n" not in record["error"]


def test_flagging_as_many_rows_as_there_are_anomalies_is_the_usual_f1():
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 2, 200), rng.normal(size=200)
    flagged = scores >= np.sort(scores)[-labels.sum()]
    assert ranking_figures(labels, scores)["f1"] == pytest.approx(f1_score(labels, flagged))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3)), min_size=1), st.randoms())
def test_f1_does_not_depend_on_the_order_of_rows_that_tie(rows, random):
    # Tasks hold both kinds of rows; without one of them nothing can be ranked.
    labels, scores = np.array([(True, 1), (False, 1), *rows]).T.astype(int)
    order = list(range(len(labels)))
    random.shuffle(order)
    value = ranking_figures(labels, scores)["f1"]
    assert 0 <= value <= 1
    assert ranking_figures(labels[order], scores[order])["f1"] == pytest.approx(value)


def test_equal_scores_have_the_f1_of_chance():
    labels = (np.arange(100) < 20).astype(int)
    assert ranking_figures(labels, np.zeros(100))["f1"] == pytest.approx(0.2)
