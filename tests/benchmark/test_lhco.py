import numpy as np
import pandas as pd
import pytest

from skdqm.benchmark import lhco
from skdqm.benchmark._lhco import Events
from skdqm.datasets import make_lhco_events
from skdqm.exceptions import DataError


@pytest.fixture
def events(tmp_path):
    X, y = make_lhco_events(400, 100, random_state=0)
    path = tmp_path / "events.csv"
    X.assign(label=y).to_csv(path, index=False)
    return path


def test_both_representations_are_measured_with_spread(events):
    found = lhco(events, contenders=["pyod:HBOS", "pyod:KNN"], seeds=2).results
    assert found["dataset"].tolist() == ["14 columns"] * 2 + ["jet features"] * 2
    assert (found["auroc_std"] > 0).all()
    assert (found["max_sic"] >= 1).all()
    assert (found["rejection_30"] >= found["rejection_50"]).all()


@pytest.mark.parametrize("forward", [True, False])
def test_half_of_the_background_is_learned_and_no_signal(events, forward):
    one, other = (Events(events, False, forward, "").rows(seed) for seed in (0, 1))
    assert len(one.train) == 200
    assert one.labels.sum() == 100
    assert np.array_equal(one.train, other.train) == forward


def test_real_events_have_the_known_figures(shared_data):
    path = shared_data("lhco/lhco_rd_v1_dev20k.features.h5")
    found = lhco(path, contenders=["pyod:HBOS"], seeds=1).results
    assert found["auroc"].tolist() == pytest.approx([0.70, 0.87], abs=0.06)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": 0}, r"the labels \[0\]"),
        ({"label": None}, "no labels"),
        ({"pxj1": None}, "pxj1"),
    ],
)
def test_files_of_anything_else_are_refused(events, change, message):
    frame = pd.read_csv(events)
    for name, value in change.items():
        frame = frame.drop(columns=name) if value is None else frame.assign(**{name: value})
    frame.to_csv(events, index=False)
    with pytest.raises(DataError, match=message):
        lhco(events, contenders=["pyod:HBOS"], seeds=1)
