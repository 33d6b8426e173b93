import json

import numpy as np
import pandas as pd
import pytest

from skdqm.benchmark import _continual
from skdqm.benchmark._continual import continual
from skdqm.benchmark._continual_concepts import Concepts, learned_one_by_one, transfer
from skdqm.benchmark._continual_contenders import KNOWN, entrants
from skdqm.benchmark._continual_followers import Alone, Asking, Oracle, Truth
from skdqm.benchmark._continual_streams import Generated, OneClass, of_file
from skdqm.benchmark._continual_trial import Stream, alarms, followed, knowledge, ranking
from skdqm.exceptions import DataError, UsageError

SMALL = {"rows": 4000, "first": 800, "fault_length": 200, "seeds": 1}
NO_FAULTS = pd.DataFrame({"start": [], "stop": []}, dtype=np.int64)


def named(name, inner=None):
    return entrants([name], inner)[0]


def shifted(n_rows, shift=0.0, seed=0):
    return np.random.default_rng(seed).normal(shift, 1, (n_rows, 4))


def labels_only(y, **more):
    """A stream whose rows do not matter."""
    n_rows = len(y)
    parts = {"phase": np.full(n_rows, "A"), "change_points": np.zeros(0, dtype=np.int64)}
    parts |= {"faults": NO_FAULTS, "tests": {}} | more
    return Stream(np.zeros((0, 1)), np.zeros((n_rows, 1)), np.asarray(y), **parts)


@pytest.fixture
def classes(tmp_path):
    """A file of three classes, of which 7 lies apart."""
    rng = np.random.default_rng(0)
    y = rng.choice([3, 5, 7], 2000, p=[0.5, 0.4, 0.1])
    X = rng.normal(size=(2000, 4)) + 4.0 * (y == 7)[:, None]
    path = tmp_path / "classes.npz"
    np.savez(path, X=X, y=y)
    return path, X, y


@pytest.fixture
def concepts(tmp_path):
    rng = np.random.default_rng(1)
    arrays = {}
    for number, shift in enumerate((0.0, 8.0, -8.0)):
        arrays[f"part_{number}__train"] = rng.normal(shift, 1, (600, 3))
        # Nearer to the first concept than good rows are.
        bad = rng.normal(shift / 2, 1, (50, 3)) + (6 if number == 0 else 0)
        arrays[f"part_{number}__test"] = np.concatenate([rng.normal(shift, 1, (50, 3)), bad])
        arrays[f"part_{number}__label"] = np.repeat([0, 1], 50)
    path = tmp_path / "concepts.npz"
    np.savez(path, **arrays)
    return path


# ---- streams


def test_a_generated_stream_begins_after_what_is_fitted():
    stream = Generated("recurring", 12_000, 1000, 200, 1.0).stream(0)
    assert len(stream.first) == 1000
    assert len(stream.X) == len(stream.y) == len(stream.phase) == 11_000
    for start, stop in stream.faults[["start", "stop"]].to_numpy():
        assert stream.y[start:stop].all()
    for change in stream.change_points:
        assert stream.phase[change] != stream.phase[change - 1]
    assert sorted(stream.tests) == ["A", "B", "C"]


def test_what_is_fitted_of_a_file_holds_no_anomaly_and_all_rows_follow(classes):
    path, X, y = classes
    [task] = of_file(path, label=None, hold_out=[7], n_first=500, changes=[1200], share=None)
    stream = task.stream(0)
    begin = np.flatnonzero(y != 7)[500]
    np.testing.assert_array_equal(stream.first, X[np.flatnonzero(y != 7)[:500]])
    np.testing.assert_array_equal(stream.X, X[begin:])
    np.testing.assert_array_equal(stream.y, y[begin:] == 7)
    assert stream.change_points.tolist() == [1200 - begin]
    assert (stream.phase == np.where(np.arange(len(stream.y)) < 1200 - begin, "0", "1")).all()


def test_each_class_is_the_anomaly_in_a_stream_of_its_own(classes):
    path, *_ = classes
    options = {"label": None, "n_first": 100, "changes": (), "share": None}
    assert [task.name for task in of_file(path, hold_out="each", **options)] == [
        "classes 3",
        "classes 5",
        "classes 7",
    ]


def test_anomalies_are_thinned_out_by_chance_and_good_rows_stay(classes):
    path, _, y = classes
    task = OneClass(path, None, 3, 100, (1500,), 0.05)
    stream, other = task.stream(0), task.stream(1)
    assert stream.y.mean() == pytest.approx(0.05, abs=0.002)
    begin = np.flatnonzero(y != 3)[100]
    assert (stream.y == 0).sum() == (y[begin:] != 3).sum()
    assert not np.array_equal(stream.X, other.X)
    # The change is where it was among the rows that stay.
    [change] = stream.change_points
    n_good_before = (y[begin:1500] != 3).sum()
    assert (stream.y[:change] == 0).sum() == n_good_before


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"anomaly": 4}, DataError, "expected 4"),
        ({"anomaly": None}, DataError, "hold-out-class"),
        ({"n_first": 1990}, DataError, "learn fewer"),
        ({"changes": (300,), "n_first": 500}, UsageError, "after the change at row 300"),
    ],
)
def test_files_that_do_not_fit_are_refused(classes, changed, error, message):
    path, *_ = classes
    about = {"label": None, "anomaly": 7, "n_first": 500, "changes": (), "share": None} | changed
    with pytest.raises(error, match=message):
        OneClass(path, **about).stream(0)


def test_a_file_without_labels_is_refused(tmp_path):
    path = tmp_path / "plain.csv"
    path.write_text("a,b\n" + "1,2\n" * 10)
    with pytest.raises(DataError, match="found no labels"):
        OneClass(path, None, None, 2, (), None).stream(0)


# ---- figures


def test_alarms_within_holds_are_counted_apart():
    y, verdicts = np.zeros(4000, dtype=np.int64), np.ones(4000, dtype=np.int64)
    y[100], verdicts[100] = 1, -1
    verdicts[2000:2100] = -1
    held = np.zeros(4000, dtype=bool)
    held[2000:2200] = True
    inside = alarms(labels_only(y), verdicts, held)
    assert inside["false_alarms"] == inside["worst_window"] == inside["share_above_3x"] == 0
    assert inside["false_alarms_held"] == 0.5
    assert inside["held"] == 0.05
    assert inside["recall"] == 1
    outside = alarms(labels_only(y), verdicts, held & False)
    assert outside["worst_window"] == 0.1
    assert "false_alarms_held" not in outside
    assert "false_alarms" not in alarms(labels_only(y), verdicts, held | True)


def test_long_faults_have_figures_of_their_own():
    y = np.zeros(3000, dtype=np.int64)
    y[1000:1200:2] = 1
    y[2000:2100] = 1
    faults = pd.DataFrame({"start": [1000, 2000], "stop": [1200, 2100]})
    verdicts = np.ones(3000, dtype=np.int64)
    verdicts[1010:1020:2] = -1
    figures = alarms(labels_only(y, faults=faults), verdicts, np.zeros(3000, dtype=bool))
    assert figures["fault_recall"] == 5 / 200
    assert (figures["faults_missed"], figures["rows_to_detection"]) == (1, 10)


def test_a_scale_that_follows_conditions_costs_the_pooled_area_alone():
    rng = np.random.default_rng(0)
    y = (rng.random(8000) < 0.1).astype(np.int64)
    scores = rng.normal(size=8000) + 5 * y
    scores[4000:] *= 100
    stream = labels_only(y, change_points=np.array([4000]), phase=np.repeat(["A", "C"], 4000))
    figures = ranking(stream, scores)
    assert figures["auroc"] < 0.9
    assert min(figures["normalised"], figures["windowed"]) > 0.99
    assert {"phase_0_A", "phase_1_C"} <= set(figures)
    assert "normalised" not in ranking(labels_only(y), scores)


def test_forgetting_counts_from_the_phase_that_ends_in_a_condition():
    phases = np.repeat(["A", "A>B", "C"], 10)
    stream = labels_only(
        np.zeros(30, dtype=np.int64),
        phase=phases,
        change_points=np.array([10, 20]),
        tests={"A": None, "B": None},
    )
    figures = knowledge(stream, np.array([[0.9, 0.2], [0.7, 0.8], [0.8, 0.5]]))
    assert figures["forgetting"] == pytest.approx((0.1 + 0.3) / 2)
    assert (figures["clean_A"], figures["clean_B"], figures["clean"]) == (0.8, 0.5, 0.65)


def test_areas_after_each_concept_become_transfer():
    figures = transfer(np.array([[1.0, 0.5, 0.5], [0.8, 1.0, 0.5], [0.6, 0.9, 1.0]]))
    assert figures["lifelong"] == pytest.approx(5.3 / 6)
    assert figures["backward"] == pytest.approx(-0.7 / 3)
    assert figures["backward_stepwise"] == pytest.approx(-0.5 / 3)
    assert figures["forward"] == 0.5
    assert figures["final"] == pytest.approx(2.5 / 3)


# ---- contenders


def test_every_known_contender_is_made_and_tells_what_it_is():
    for entrant in entrants(KNOWN, None):
        definition = entrant.definition()
        assert definition["contender"] == entrant.name
        assert " at 0x" not in json.dumps(definition)


def test_names_say_the_detector_inside_and_the_passes():
    found = entrants(["default", "static", "rolling-mahalanobis"], ["default", "autoencoder"], 3)
    assert [each.name for each in found] == [
        "defaultx3",
        "static",
        "default/autoencoderx3",
        "static/autoencoder",
        "rolling-mahalanobis",
    ]
    inside = found[2].make(0).detector.get_params()
    assert type(inside["detector"]).__name__ == "AutoencoderDetector"
    assert inside["strategy"].n_passes == 3


def test_it_is_told_which_rows_are_learned():
    X = shifted(2000)
    y = np.zeros(1200, dtype=np.int64)
    y[::10] = 1
    truth = Truth(y, np.full(1200, "A"))
    learned = {}
    for name in ("static", "naive", "oracle"):
        follower = named(name).make(0)
        follower.fit(X[:800], "A")
        follower.observe(X[800:], truth)
        learned[name] = follower.learned(1200)
        assert not follower.held(1200).any()
    assert not learned["static"].any()
    assert learned["naive"][:1024].all()
    assert not learned["oracle"][y == 1].any()
    assert learned["oracle"][y == 0].mean() > 0.7


@pytest.fixture
def new_condition():
    """Rows to fit, and a stream that changes for good after 500 rows."""
    return shifted(1000), np.concatenate([shifted(500, seed=1), shifted(700, 6.0, seed=2)])


def follow(name, new_condition, y):
    first, X = new_condition
    follower = named(name).make(0)
    follower.fit(first, "A")
    follower.observe(X, Truth(y, np.full(len(X), "A")))
    return follower


def test_rows_of_a_ticket_are_held(new_condition):
    held = follow("default", new_condition, np.zeros(1200, dtype=np.int64)).held(1200)
    # Most features have moved: 500 rows later it is released.
    assert held[600:990].all()
    assert not held[:400].any()


def test_a_shifter_says_of_a_new_condition_that_it_is_benign(new_condition):
    follower = follow("shifter", new_condition, np.zeros(1200, dtype=np.int64))
    assert isinstance(follower, Asking)
    assert follower.detector.tickets_[0]["state"] == "benign"
    assert follower.learned(1200)[600:700].all()


def test_a_shifter_calls_a_fault_a_fault(new_condition):
    follower = follow("shifter", new_condition, np.repeat([0, 1], [500, 700]))
    assert [ticket["state"] for ticket in follower.detector.tickets_] == ["fault"]
    assert not follower.learned(1200)[550:].any()


@pytest.mark.parametrize(
    ("names", "inner", "message"),
    [
        (["best"], None, "no contender is called 'best'"),
        (["static", "static"], None, "named twice"),
        (["static"], ["nothing"], "no detector is called 'nothing'"),
    ],
)
def test_unknown_names_are_refused(names, inner, message):
    with pytest.raises(UsageError, match=message):
        entrants(names, inner)


# ---- the whole


def test_a_record_holds_figures_of_all_kinds():
    stream = Generated("recurring", 4000, 800, 200, 1.0).stream(0)
    record = followed(named("naive"), stream, 0)
    wanted = {"auroc", "windowed", "normalised", "false_alarms", "recall", "forgetting", "clean_C"}
    wanted |= {"fault_learned", "rows_per_second", "times_scoring", "memory_growth_mib"}
    assert wanted <= set(record)
    assert record["fault_learned"] > 0.8
    assert all(np.isfinite(value) for value in record.values())


def test_a_line_for_each_stream_and_contender_and_a_run_goes_on(tmp_path, monkeypatch):
    chosen = {"contenders": ["static", "rolling-mahalanobis"], "drifts": ["abrupt", "gradual"]}
    said = []
    first = continual(**SMALL, **chosen, out=tmp_path, report=said.append)
    assert first.table[["dataset", "contender"]].to_numpy().tolist() == [
        ["abrupt", "static"],
        ["abrupt", "rolling-mahalanobis"],
        ["gradual", "static"],
        ["gradual", "rolling-mahalanobis"],
    ]
    assert len(said) == 4
    assert (tmp_path / "continual.csv").exists()
    monkeypatch.setattr(_continual, "followed", lambda *_: 1 / 0)
    again = continual(**SMALL, **chosen, out=tmp_path)
    assert again.table.equals(first.table)


def test_other_streams_are_measured_anew(tmp_path, monkeypatch):
    counted = []
    monkeypatch.setattr(
        _continual,
        "followed",
        lambda *_: counted.append(1) or {"windowed": 0.5, "score_seconds": 1.0},
    )
    for more in ({}, {"fault_density": 1.0}, {"passes": 2}, {}):
        continual(**SMALL, **more, contenders=["default"], out=tmp_path)
    assert len(counted) == 3


def test_what_fails_is_told(monkeypatch):
    monkeypatch.setattr(_continual, "followed", lambda *_: 1 / 0)
    result = continual(**SMALL, contenders=["static"])
    assert result.failures == ("recurring, seed 0, static: ZeroDivisionError: division by zero",)


def test_a_held_out_class_that_lies_apart_is_found(classes):
    path, *_ = classes
    found = continual([path], hold_out=[7], first=500, contenders=["static"], seeds=1).table
    assert found["windowed"].item() > 0.95


def test_concepts_are_learned_one_by_one(concepts):
    names = ["static", "oracle", "shifter", "rolling-mahalanobis"]
    table = continual([concepts], concepts=True, contenders=names, seeds=1).table
    lifelong = table.set_index("contender")["lifelong"]
    assert lifelong["static"] < 0.8
    assert min(lifelong["oracle"], lifelong["shifter"]) > 0.95
    assert learned_one_by_one(named("oracle"), Concepts(concepts), 0)["backward"] > -0.05


@pytest.mark.parametrize("arrays", [{}, {"a_0__train": 1}, {"a_0__train": np.ones((3, 2))}])
def test_files_without_concepts_are_refused(tmp_path, arrays):
    path = tmp_path / "none.npz"
    np.savez(path, **arrays)
    with pytest.raises(DataError, match="NAME_0__train"):
        continual([path], concepts=True, seeds=1)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"seeds": 0}, "seeds=0"),
        ({"drifts": ["sideways"]}, "no drift is called 'sideways'"),
        ({"concepts": True}, "name one"),
        ({"hold_out": [1]}, "name the file too"),
        ({"files": ["a.npz"], "drifts": ["abrupt"]}, "leave them out"),
        ({"files": ["a.npz"], "hold_out": "all"}, "hold_out='all'"),
        ({"files": ["a.npz"], "anomaly_share": 1.0}, "anomaly_share=1.0"),
    ],
)
def test_wrong_requests_are_refused(wrong, message):
    with pytest.raises(UsageError, match=message):
        continual(**wrong)


def test_parts_are_of_their_classes():
    assert isinstance(named("oracle").make(0), Oracle)
    assert type(named("naive").make(0)) is Alone
