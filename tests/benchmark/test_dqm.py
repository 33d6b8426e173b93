import json

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA

from skdqm.benchmark import dqm
from skdqm.benchmark._dqm_contenders import chosen, gated, over_maps, over_runs
from skdqm.benchmark._dqm_maps import LENGTH, N_LAST, Maps, found_on
from skdqm.benchmark._dqm_residuals import CellPullDetector, Refitted, ResidualDetector
from skdqm.benchmark._dqm_rows import FIRST_ROWS, Source, Stream, halved
from skdqm.benchmark._dqm_trial import figures
from skdqm.datasets import make_lumisections
from skdqm.exceptions import DataError, UsageError
from skdqm.io import Histograms, write_histograms
from skdqm.monitoring import MinimumEntries

FAST = ("max_pull/last-good-run", "max_pull/static")


@pytest.fixture(scope="module")
def table():
    return make_lumisections(5, 80, shape=(20,), fault_fraction=0.1, random_state=0)


@pytest.fixture(scope="module")
def file(table, tmp_path_factory):
    """One element, its label, the verdict in words, and a column to choose by."""
    X, y = table
    path = tmp_path_factory.mktemp("dqm") / "charge.csv"
    keys = X.index.to_frame(index=False).rename(columns={"lumisection": "lumi"})
    conditions = {"good": 1 - y, "verdict": np.where(y, "bad", "fine"), "src": "train"}
    bins = X.set_axis([f"bin_{i}" for i in range(20)], axis=1).reset_index(drop=True)
    pd.concat([keys, pd.DataFrame(conditions), bins], axis=1).to_csv(path, index=False)
    return path


def evaluation(prediction, scores, runs):
    index = pd.MultiIndex.from_arrays([runs, range(len(runs))], names=["run", "lumisection"])
    return pd.DataFrame({"anomaly_score": scores, "prediction": prediction}, index)


def test_what_has_no_verdict_is_in_no_figure_of_merit():
    scores = [1.0, 2.0, 9.0, 0.0, 3.0]
    found = figures(np.array([0, 1, 0, 1, 1]), evaluation([1, -1, 0, 0, -1], scores, [1] * 5))
    assert (found["auroc"], found["n_judged"], found["n_faulty"]) == (1.0, 3, 2)
    assert (found["detected"], found["false_alarm_rate"]) == (1.0, 0.0)


def test_ranking_within_runs_is_told_apart_from_ranking_across_runs():
    y, scores = np.array([0, 1, 0, 1, 0]), [1.0, 2.0, 11.0, 12.0, 99.0]
    found = figures(y, evaluation([1] * 5, scores, [1, 1, 2, 2, 3]))
    assert found["auroc_by_run"] == 1.0
    assert found["auroc"] == pytest.approx(0.5)
    only_whole = figures(np.array([0, 1]), evaluation([1, 1], [0.0, 1.0], [1, 2]))
    assert "auroc_by_run" not in only_whole


def test_verdicts_of_one_class_have_no_figures():
    with pytest.raises(DataError, match="0 of 1 verdicts"):
        figures(np.array([0, 1]), evaluation([1, 0], [0.0, 1.0], [1, 1]))


def test_no_run_is_cut_and_only_good_ones_with_data_are_learned_first(table):
    X, y = table
    poor = X.copy()
    poor.iloc[:7] = 0
    halves = halved(Stream(poor, y), 200)
    runs = X.index.get_level_values("run")
    last = halves.first.index.get_level_values("run").max()
    assert halves.later.index.equals(X.index[runs > last])
    assert len(halves.first) == (y[7:][runs[7:] <= last] == 0).sum() >= FIRST_ROWS
    assert not halves.first.index.isin(X.index[:7]).any()
    np.testing.assert_array_equal(halves.labels, y[runs > last])


def test_too_few_runs_and_one_class_are_refused(table):
    X, y = table
    with pytest.raises(DataError, match=r"found 75 good lumisections with 200 entries in 1 runs"):
        halved(Stream(X[:80], np.where(np.arange(80) < 5, 1, 0)), 200)
    with pytest.raises(DataError, match=r"0 of the 160 lumisections after the first runs"):
        halved(Stream(X, np.zeros_like(y)), 200)


def test_a_file_is_judged_by_its_label(file):
    said = []
    options = {"where": ["src=train"], "detectors": FAST, "report": said.append}
    result = dqm(file, label="good", **options)
    assert result.failures == ()
    assert result.runs["contender"].tolist() == list(FAST)
    assert (result.runs["auroc"] > 0.5).all()
    assert (result.runs["n_seeds"] == 1).all()
    assert len(result.maps) == 0
    assert "of 160 later ones in 2 runs " in said[0]
    same = dqm(file, label="verdict", good="fine", **options).runs
    pd.testing.assert_series_equal(same["auroc"], result.runs["auroc"])


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"label": "goood"}, DataError, "no condition is called 'goood'; there are"),
        ({}, UsageError, "which condition labels"),
        ({"label": "good", "good": "fine"}, UsageError, "'good' holds numbers, and 'fine'"),
        ({"label": "good", "where": ["src"]}, UsageError, "expected name=value"),
        ({"label": "good", "where": ["src=x"]}, DataError, "no lumisection is left where src=x"),
        ({"label": "good", "faults": ["dead"]}, UsageError, "are generated"),
        ({"label": "good", "maps": [8, 8]}, UsageError, "are generated"),
        ({"label": "good", "detectors": ["max"]}, UsageError, "no detector is called 'max'"),
        ({"label": "good", "detectors": []}, UsageError, "found no detectors"),
        ({"label": "good", "seeds": 0}, UsageError, "seeds=0"),
    ],
)
def test_wrong_requests_for_a_file_are_refused(file, wrong, error, message):
    with pytest.raises(error, match=message):
        dqm(file, **wrong)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"label": "good"}, "name the file too"),
        ({"where": ["a=1"]}, "name the file too"),
        ({"faults": ["broken"]}, "broken"),
        ({"faults": "dead"}, "expected a sequence of kinds"),
        ({"maps": [8]}, "expected two numbers"),
        ({"maps": [8, 2]}, "4 or more"),
    ],
)
def test_wrong_requests_for_generated_rows_are_refused(wrong, message):
    with pytest.raises(UsageError, match=message):
        dqm(detectors=FAST, **wrong)


def two_elements(X, conditions):
    """Histograms of two elements, each with its own conditions."""
    every = {}
    for name, own in zip("ab", conditions, strict=True):
        counts = X[[column for column in X if column.startswith(name)]]
        edges = (np.arange(counts.shape[1] + 1.0),)
        frame = pd.DataFrame(own, X.index)
        every[name] = Histograms(name, counts, counts.to_numpy().sum(axis=1), edges, frame, "")
    return every


def test_a_fault_of_any_element_makes_a_lumisection_faulty(tmp_path):
    X, _ = make_lumisections(1, 4, shape={"a": (5,), "b": (6,)}, random_state=0)
    path = tmp_path / "two.parquet"
    conditions = [{"good": [1, 0, 1, 1], "src": "x"}, {"good": [1, 1, 0, 1], "src": "x"}]
    write_histograms(two_elements(X, conditions), path)
    source = Source(path, "good", "1", ("src=x",), None, 200)
    assert source.stream(0).y.tolist() == [0, 1, 1, 0]


def test_elements_that_disagree_about_what_is_chosen_are_refused(tmp_path):
    X, _ = make_lumisections(1, 3, shape={"a": (5,), "b": (6,)}, random_state=0)
    path = tmp_path / "two.parquet"
    conditions = [{"good": 1, "src": ["x"] * 3}, {"good": 1, "src": ["x", "y", "x"]}]
    write_histograms(two_elements(X, conditions), path)
    source = Source(path, "good", "1", ("src=x",), None, 200)
    with pytest.raises(DataError, match="where src=x, its elements disagree in 1 lumisections"):
        source.stream(0)


def test_what_is_learned_first_has_enough_entries_in_each_element():
    X, y = make_lumisections(
        5, 80, shape={"a": (10,), "b": (12,)}, fault_fraction=0.1, random_state=0
    )
    X.iloc[:7, :10] = 0
    halves = halved(Stream(X, y), 200)
    assert not halves.first.index.isin(X.index[:7]).any()


def test_several_elements_are_judged_each_by_its_own(tmp_path):
    X, y = make_lumisections(
        5, 80, shape={"a": (10,), "b": (12,)}, fault_fraction=0.1, random_state=0
    )
    write_histograms(two_elements(X, [{"good": 1 - y}] * 2), tmp_path / "two.parquet")
    result = dqm(tmp_path / "two.parquet", label="good", detectors=["max_pull/fit", "histogram"])
    assert result.failures == ()
    assert (result.runs["auroc"] > 0.5).all()
    assert type(gated(None, 2, 200)).__name__ == "ElementsDetector"


def test_every_contender_over_runs_works():
    result = dqm(seeds=1, detectors=["*/static"])
    assert result.failures == ()
    assert len(result.runs) == 13
    assert result.runs["auroc"].between(0, 1).all()


def test_only_seeds_that_matter_are_run_over_a_file(file):
    detectors = ["max_pull/static", "isolation-forest/static"]
    runs = dqm(file, label="good", detectors=detectors, seeds=2).runs
    assert runs["n_seeds"].tolist() == [1, 2]
    assert runs["auroc_std"].tolist()[1] > 0


def test_a_run_that_was_ended_goes_on(file, tmp_path):
    options = {"label": "good", "out": tmp_path}
    dqm(file, detectors=FAST[:1], **options)
    once = (tmp_path / "results.jsonl").read_text().splitlines()
    dqm(file, detectors=FAST, **options)
    twice = (tmp_path / "results.jsonl").read_text().splitlines()
    assert twice[:1] == once
    assert [json.loads(line)["contender"] for line in twice] == list(FAST)
    assert pd.read_csv(tmp_path / "runs.csv")["contender"].tolist() == list(FAST)
    dqm(file, detectors=FAST, min_entries=100, **options)
    assert len((tmp_path / "results.jsonl").read_text().splitlines()) == 4


def test_what_fails_is_told_and_leaves_the_others(file, monkeypatch):
    def failing(*_args, **_options):
        raise ValueError("no\nway")

    monkeypatch.setattr("skdqm.benchmark._dqm_contenders.HistogramDetector", failing)
    # The definition asks for its parameters before anything is measured.
    with pytest.raises(ValueError, match="no"):
        dqm(file, label="good", detectors=["histogram/static"])
    monkeypatch.undo()
    monkeypatch.setattr("skdqm.detectors.HistogramDetector._fit", failing)
    result = dqm(file, label="good", detectors=["max_pull/static", "histogram/static"])
    assert len(result.failures) == 1
    assert result.failures[0].endswith("histogram/static: ValueError: no way")
    assert result.runs["n_failed"].tolist() == [0, 1]


def test_detectors_are_chosen_by_name_head_and_pattern():
    every = over_runs()
    names = [each.name for each in every]
    assert len(set(names)) == len(names) == 47
    assert [each.name for each in chosen(every, ["chi2"])] == [
        f"chi2/{each}" for each in ("fit", "rolling", "last-good-run", "k-nearest-runs", "static")
    ]
    assert len(chosen(every, ["*/rolling", "nmf/rolling"])) == 7
    assert not any(each.learns for each in chosen(every, ["*/static"]))


def test_maps_with_a_fault_have_one_cell_that_differs_in_every_run():
    rows = Maps((6, 8), ("dead", "hot")).rows(0)
    assert rows.train.index.get_level_values("run").max() < rows.good.index[0][0]
    for faulty, cells in rows.faulty.values():
        differs = (faulty.to_numpy() != rows.good.to_numpy()).any(axis=0)
        assert set(np.flatnonzero(differs)) == set(cells)
        assert len(cells) == len(faulty) == len(rows.good)
        assert (cells.reshape(-1, LENGTH) == cells[::LENGTH, None]).all()


def test_a_reference_finds_and_blames_a_dead_cell_and_memory_helps_with_a_weak_one():
    result = dqm(detectors=["reference", "persistence-6"], seeds=1, maps=[6, 8])
    assert result.failures == ()
    assert len(result.runs) == 0
    by_name = result.maps.set_index("contender")
    assert by_name["localised_dead"].tolist() == [1.0, 1.0]
    assert by_name.loc["reference", "fdr_dead"] == 0.0
    weak = by_name["fdr_degraded"]
    assert weak["persistence-6"] < weak["reference"] - 0.1


@pytest.mark.parametrize("head", ["dense-mse", "dense-poisson", "conv-mse", "conv-poisson"])
def test_a_network_competes_with_its_own_score_and_with_its_largest_pull(head, monkeypatch):
    monkeypatch.setattr("skdqm.benchmark._dqm_maps.TRAIN_RUNS", 10)
    monkeypatch.setattr("skdqm.benchmark._dqm_maps.TEST_RUNS", 8)
    maps = Maps((5, 7), ("dead",))
    own, pull = [each for each in over_maps(maps.shape) if each.name.startswith(head)]
    figures_of_own, figures_of_pull = (found_on(maps, each, 0) for each in (own, pull))
    assert figures_of_own["localised_dead"] == figures_of_pull["localised_dead"]
    assert figures_of_own["fit_seconds"] == figures_of_pull["fit_seconds"], "fitted twice"
    detector = own.make(0)
    rows = maps.rows(0)
    detector.fit(rows.train)
    np.testing.assert_allclose(
        -detector.score_samples(rows.good),
        np.abs(detector.feature_scores(rows.good)).max(axis=1),
    )


def test_kinds_that_no_cell_can_have_leave_the_maps_out():
    result = dqm(detectors=["max_pull/static"], seeds=1, faults=["shifted"])
    assert len(result.runs) == 1
    with pytest.raises(UsageError, match="no detector is called 'cell-pull'"):
        dqm(detectors=["cell-pull"], seeds=1, faults=["shifted"])


def test_only_the_last_maps_of_a_run_count():
    assert 0 < N_LAST <= LENGTH - 5, "shorter faults would be judged by a memory of six"


def test_a_cell_pull_is_the_textbook_one():
    detector = CellPullDetector().fit([[30.0, 10.0], [30.0, 10.0]])
    assert detector.feature_scores([[20.0, 20.0]])[0, 1] == pytest.approx(10 / np.sqrt(11))
    assert detector.score_samples([[20.0, 20.0]])[0] == pytest.approx(-10 / np.sqrt(11))


def test_residuals_are_those_outside_the_shapes():
    rows = np.linspace(1, 2, 30)[:, None] * [1.0, 2.0, 3.0]
    detector = ResidualDetector(PCA(1)).fit(rows)
    inside, outside = detector.score_samples([[1.5, 3.0, 4.5], [3.0, 1.5, 4.5]])
    assert inside == pytest.approx(0, abs=1e-12)
    assert outside < -0.1


def test_a_detector_that_is_fitted_anew_knows_all_rows_it_was_given():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 40, 3))
    parts = Refitted(ResidualDetector(PCA(1))).fit(first).partial_fit(second)
    whole = ResidualDetector(PCA(1)).fit(np.concatenate([first, second]))
    np.testing.assert_allclose(parts.score_samples(first), whole.score_samples(first))
    gate = MinimumEntries(Refitted(ResidualDetector(PCA(1))), min_entries=0)
    assert hasattr(gate.fit(np.abs(first)), "partial_fit")


def test_real_lumisections_forward_in_time(shared_data):
    path = shared_data("dqm/cms_pixel_2017B/chargeInner_PXLayer_1_perLS_dev.csv.gz")
    options = {"label": "good_pixel", "where": ["src=train"]}
    runs = dqm(path, detectors=["max_pull/last-good-run", "nmf-residual/fit"], **options).runs
    figures = runs.set_index("contender")["auroc"]
    assert figures["max_pull/last-good-run"] > 0.95
    assert figures["nmf-residual/fit"] < 0.6, "a plain residual is no better than chance here"
