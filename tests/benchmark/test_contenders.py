import json

import numpy as np
import pytest

from skdqm.benchmark._contenders import contender, contenders_called
from skdqm.benchmark._defaults import DEFAULT_CONTENDERS, OURS
from skdqm.benchmark._quiet import quiet
from skdqm.exceptions import UsageError
from skdqm.registry import _DETECTORS

X = np.random.default_rng(0).normal(size=(200, 3))


@pytest.mark.parametrize("name", ["pyod:KNN", "pyod:knn", "PyOD:Knn"])
def test_models_of_pyod_are_found_in_any_case_and_have_one_name(name):
    assert contender(name).name == "pyod:KNN"


@pytest.mark.parametrize("name", ["pyod:AutoEncoder", "pyod:auto_encoder"])
def test_underscores_do_not_matter(name):
    assert contender(name).name == "pyod:AutoEncoder"


def test_models_that_score_tables_as_a_whole_compete_too():
    assert contender("pyod:COF").name == "pyod:COF"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a forest", "no contender is called 'a forest'; there are 'autoencoder'|autoencoder"),
        ("pyod:forest", "PyOD has no model for tables called 'forest'"),
        ("pyod:", "PyOD has no model for tables called ''"),
        ("KNN", "pyod:KNN"),
    ],
)
def test_unknown_names_are_refused_with_those_that_there_are(name, message):
    with pytest.raises(UsageError, match=message):
        contender(name)


def test_every_detector_of_tables_competes_where_nobody_is_named():
    of_images = {"convolutional", "convolutional_vae", "graph", "quantum"}
    of_others = {"pyod", "river"}
    of_histograms = {"elements", "minimum_entries", "persistence", "reference"}
    of_streams = {"adaptive_threshold", "continual"}
    assert set(OURS) == set(_DETECTORS) - of_images - of_others - of_histograms - of_streams
    assert [each.name for each in contenders_called(DEFAULT_CONTENDERS)] == [*DEFAULT_CONTENDERS]


def test_names_are_refused_twice_and_none():
    with pytest.raises(UsageError, match="'pyod:KNN' is named twice"):
        contenders_called(["pyod:KNN", "pyod:knn"])
    with pytest.raises(UsageError, match="no contenders"):
        contenders_called([])


@pytest.mark.parametrize("name", ["pyod:KNN", "pyod:IForest", "pyod:HBOS", "vae"])
def test_high_is_abnormal_whoever_made_the_detector(name):
    who = contender(name)
    with quiet():
        fitted = who.make(0).fit(X)
        far, near = who.anomaly_score(fitted, np.array([[9.0, -9.0, 9.0], [0.0, 0.0, 0.0]]))
    assert far > near


def test_the_nearest_neighbours_are_those_of_the_protocol():
    parameters = contender("pyod:KNN").definition()["parameters"]
    assert (parameters["n_neighbors"], parameters["method"]) == (5, "largest")


@pytest.mark.parametrize("name", ["pyod:AutoEncoder", "autoencoder"])
def test_definitions_are_json_and_do_not_change_from_one_object_to_the_next(name):
    first, second = (json.dumps(contender(name).definition(), sort_keys=True) for _ in range(2))
    assert first == second
    assert " at 0x" not in first
    assert "random_state" not in first


def test_seeds_reach_detectors_of_both_kinds():
    for name in ("pyod:IForest", "autoencoder"):
        assert contender(name).make(7).random_state == 7


def test_a_detector_that_needs_arguments_is_refused():
    with pytest.raises(UsageError, match="pyod:LSCP cannot be made with its defaults"):
        contender("pyod:LSCP").definition()
