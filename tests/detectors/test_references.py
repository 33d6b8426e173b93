"""References: which rows they keep, which they forget, and that they are replaced, not changed."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from skdqm._lumisections import lumisection_index
from skdqm.detectors import ReferenceDetector
from skdqm.detectors._references import (
    REFERENCES,
    Block,
    LastRun,
    NearestRuns,
    Pooled,
    Reference,
    Rolling,
    Settings,
)
from skdqm.exceptions import DataError, SkdqmError
from tests.detectors.histograms import SHAPE, detector, framed, good

SETTINGS = Settings(counted=True, window=50, half_life=None, n_runs=1, max_runs=3)
every_reference = pytest.mark.parametrize("kind", REFERENCES.values(), ids=REFERENCES.keys())


def block(mean: Any, run: int = 1, n_rows: int = 40, seed: int = 0) -> Block:
    mean = np.asarray(mean, dtype=float)
    rows = np.random.default_rng(seed).poisson(mean, size=(n_rows, len(mean))).astype(float)
    return Block(rows, np.ones(n_rows), np.full(n_rows, run))


def together(*blocks: Block) -> Block:
    return Block(*(np.concatenate(parts) for parts in zip(*blocks, strict=True)))


def empty(run: int = 9) -> Block:
    return Block(np.zeros((3, 2)), np.zeros(3), np.full(3, run))


def rate(reference: Reference, rows: Any = ((0.0, 0.0),), settings: Settings = SETTINGS) -> Any:
    rows = np.asarray(rows, dtype=float)
    return reference.expectation(rows, np.ones(len(rows)), settings).rate


def leaves(state: Any) -> list[NDArray[Any]]:
    if isinstance(state, dict):
        return [leaf for key in sorted(state) for leaf in leaves(state[key])]
    if isinstance(state, list):
        return [leaf for each in state for leaf in leaves(each)]
    return [np.array(0.0 if state is None else state)]


def assert_same(found: Reference, expected: Reference) -> None:
    pairs = zip(leaves(found.as_state()), leaves(expected.as_state()), strict=True)
    for one, other in pairs:
        np.testing.assert_array_equal(one, other)


@every_reference
def test_nothing_learned_is_said_so(kind: type[Reference]) -> None:
    for reference in (kind(), kind().learned(empty(), SETTINGS)):
        with pytest.raises(DataError, match="no row has any entries or exposure"):
            rate(reference)


@every_reference
def test_rows_that_were_never_filled_teach_nothing(kind: type[Reference]) -> None:
    known = kind().learned(block([100, 10]), SETTINGS)
    assert_same(known.learned(empty(), SETTINGS), known)


@every_reference
def test_learning_leaves_the_reference_before_as_it_was(kind: type[Reference]) -> None:
    before = kind().learned(block([100, 10]), SETTINGS)
    copied = [leaf.copy() for leaf in leaves(before.as_state())]
    for run in (1, 2):
        before.learned(block([200, 10], run), SETTINGS)
    for found, expected in zip(leaves(before.as_state()), copied, strict=True):
        np.testing.assert_array_equal(found, expected)


@every_reference
def test_a_reference_is_back_from_its_state_and_goes_on_alike(kind: type[Reference]) -> None:
    known = kind()
    for run in (1, 2, 3):
        known = known.learned(block([100 + 10 * run, 10], run, seed=run), SETTINGS)
        back = kind.from_state(known.as_state())
        assert_same(back, known)
        more = block([90, 10], run + 1, seed=9)
        assert_same(back.learned(more, SETTINGS), known.learned(more, SETTINGS))


def test_a_block_is_cut_at_its_runs() -> None:
    both = together(block([5.0], 7, 3), block([5.0], 2, 4))
    assert [(run, len(part.rows)) for run, part in both.by_run()] == [(2, 4), (7, 3)]


def test_all_rows_count_alike_without_a_half_life() -> None:
    known = Pooled().learned(block([100.0, 0.0], n_rows=300), SETTINGS)
    known = known.learned(block([200.0, 0.0], n_rows=100), SETTINGS)
    assert rate(known)[0] == pytest.approx(125, rel=0.02)


def test_after_a_half_life_old_rows_count_half() -> None:
    settings = SETTINGS._replace(half_life=100.0)
    known = Pooled().learned(block([100.0, 0.0], n_rows=100), settings)
    known = known.learned(block([200.0, 0.0], n_rows=100), settings)
    assert rate(known)[0] == pytest.approx((0.5 * 100 + 200) / 1.5, rel=0.02)
    assert known.template is not None
    assert known.template.n_rows == pytest.approx(150)


def test_after_many_half_lives_nothing_is_left_of_old_rows() -> None:
    settings = SETTINGS._replace(half_life=5.0)
    known = Pooled().learned(block([100.0, 0.0]), settings)
    for seed in range(3):
        known = known.learned(block([200.0, 0.0], seed=seed), settings)
    assert rate(known)[0] == pytest.approx(200, rel=0.03)
    assert known.template is not None
    assert known.template.n_rows < 45
    after_a_million = known.learned(block([50.0, 0.0], n_rows=20_000), settings)
    assert rate(after_a_million)[0] == pytest.approx(50, rel=0.01)


def test_the_latest_rows_are_kept_in_blocks_of_any_size() -> None:
    rows = together(*(block([100.0 + run, 5.0], run, 30, run) for run in range(5)))
    whole = Rolling().learned(rows, SETTINGS)
    parts = Rolling()
    for start in range(0, 150, 7):
        cut = slice(start, start + 7)
        parts = parts.learned(Block(rows.rows[cut], rows.exposures[cut], rows.runs[cut]), SETTINGS)
    np.testing.assert_array_equal(whole.rows, rows.rows[-50:])
    assert_same(parts, whole)


def test_a_rolling_reference_forgets_what_was_before_a_step() -> None:
    known = Rolling().learned(block([100.0, 5.0]), SETTINGS)
    known = known.learned(block([300.0, 5.0], n_rows=50), SETTINGS)
    assert rate(known)[0] == pytest.approx(300, rel=0.02)


def test_the_last_run_replaces_those_before() -> None:
    runs = [block([100.0, 5.0], 1), block([200.0, 5.0], 2)]
    one_by_one = LastRun().learned(runs[0], SETTINGS).learned(runs[1], SETTINGS)
    assert rate(one_by_one)[0] == pytest.approx(200, rel=0.02)
    assert_same(LastRun().learned(together(*runs), SETTINGS), one_by_one)


def test_a_run_that_comes_in_parts_is_one() -> None:
    known = LastRun().learned(block([100.0, 5.0], 4, 40), SETTINGS)
    known = known.learned(block([100.0, 5.0], 4, 60, seed=1), SETTINGS)
    assert known.n_steps == 0
    assert known.template is not None
    assert known.template.n_rows == 100


def test_the_last_run_leaves_freedom_for_the_steps_that_runs_have_shown() -> None:
    generator = np.random.default_rng(0)
    known = LastRun()
    for run in range(200):
        mean = 1e6 * (1 + 0.05 * generator.normal())
        known = known.learned(block([mean, 1e6], run, 10, run), SETTINGS)
    assert known.n_steps == 199
    assert known.step is not None
    # Two runs that vary by 5 % each are 7 % apart; the second bin does not vary.
    assert np.sqrt(known.step[0]) == pytest.approx(0.05 * np.sqrt(2) * 1e6, rel=0.2)
    assert np.sqrt(known.step[1]) < 0.001 * 1e6
    found = known.expectation(np.ones((1, 2)), np.ones(1), SETTINGS)
    assert known.template is not None
    np.testing.assert_allclose(found.spread - known.template.spread, known.step, rtol=1e-6)


def test_one_run_knows_of_no_steps() -> None:
    known = LastRun().learned(block([100.0, 5.0]), SETTINGS)
    assert known.template is known.expectation(np.ones((1, 2)), np.ones(1), SETTINGS)


def three_runs() -> NearestRuns:
    known = NearestRuns()
    for run, mean in enumerate([(100.0, 100.0), (200.0, 50.0), (50.0, 200.0)]):
        known = known.learned(block(mean, run, seed=run), SETTINGS)
    return known


def test_a_row_is_compared_with_the_run_it_is_nearest_to() -> None:
    rows = [[190.0, 55.0], [55.0, 190.0], [100.0, 98.0]]
    expected = [[200, 50], [50, 200], [100, 100]]
    np.testing.assert_allclose(rate(three_runs(), rows), expected, rtol=0.05)


def test_more_runs_are_pooled_and_their_differences_are_spread() -> None:
    known, settings = three_runs(), SETTINGS._replace(n_runs=2)
    found = known.expectation(np.array([[190.0, 55.0]]), np.ones(1), settings)
    np.testing.assert_allclose(found.rate, [[150, 75]], rtol=0.05)
    np.testing.assert_allclose(np.sqrt(found.spread[0]), [50, 25], rtol=0.2)


def test_more_runs_than_there_are_is_all_of_them() -> None:
    found = rate(three_runs(), [[1.0, 1.0]], SETTINGS._replace(n_runs=10))
    np.testing.assert_allclose(found, [[350 / 3, 350 / 3]], rtol=0.03)


def test_the_first_runs_go_when_there_are_too_many() -> None:
    known = three_runs().learned(block([10.0, 10.0], 8), SETTINGS)
    assert known.runs == [1, 2, 8]


def test_a_run_that_comes_again_adds_to_what_is_known_of_it() -> None:
    known = three_runs().learned(block([200.0, 50.0], 1, 60), SETTINGS)
    assert known.runs == [0, 2, 1]
    assert [template.n_rows for template in known.templates] == [40, 40, 100]


def test_of_too_many_runs_those_go_that_were_learned_longest_ago() -> None:
    known = three_runs().learned(block([100.0, 100.0], 0), SETTINGS)
    assert set(known.learned(block([10.0, 10.0], 8), SETTINGS).runs) == {0, 2, 8}


def test_rows_without_exposure_have_a_nearest_run_too() -> None:
    found = three_runs().expectation(np.zeros((2, 2)), np.zeros(2), SETTINGS)
    assert np.isfinite(found.rate).all()


# The same in a detector.


def test_thirty_percent_of_faulty_rows_do_not_hide_a_fault() -> None:
    rows = good(400, 0, SHAPE * 10)
    rows[50:170, 4] = 0
    fitted = ReferenceDetector(contamination=0.3).fit(rows)
    healthy, faulty = good(100, 1, SHAPE * 10), good(100, 2, SHAPE * 10)
    faulty[:, 4] = 0
    assert (fitted.predict(faulty) == -1).all()
    assert (fitted.predict(healthy) == 1).mean() > 0.9
    expected = fitted.reconstruct(SHAPE[None] * 10)
    np.testing.assert_allclose(expected[0, 2:7], SHAPE[2:7] * 10, rtol=0.02)


def test_a_rolling_reference_follows_a_step_without_labels_and_a_pooled_one_does_not() -> None:
    moved = SHAPE * np.linspace(0.5, 1.5, len(SHAPE))
    rolling, pooled = (
        ReferenceDetector(test="chi2", reference=reference, window=100).fit(good(400))
        for reference in ("rolling", "fit")
    )
    assert (rolling.predict(good(50, 1, moved)) == -1).mean() > 0.9
    for start in range(5):
        for each in (rolling, pooled):
            each.partial_fit(good(40, 10 + start, moved))
    fresh = good(300, 2, moved)
    np.testing.assert_allclose(rolling.feature_scores(fresh).std(axis=0), 1, atol=0.3)
    late, all_rows = (
        np.abs(each.feature_scores(fresh)[:, 1:9].mean(axis=0)) for each in (rolling, pooled)
    )
    assert late.max() < 0.5 * all_rows.max()
    assert -rolling.score_samples(good(300, 3)).mean() > -3 * rolling.score_samples(fresh).mean()


def test_a_half_life_forgets_what_all_rows_together_do_not() -> None:
    moved = SHAPE * np.linspace(0.7, 1.3, len(SHAPE))
    forgets, remembers = (
        ReferenceDetector(half_life=half_life, exposure=None).fit(good(400))
        for half_life in (20, None)
    )
    for each in (forgets, remembers):
        each.partial_fit(good(200, 1, moved))
    fresh = np.zeros((1, len(SHAPE)))
    late, all_rows = (each.reconstruct(fresh)[0] for each in (forgets, remembers))
    np.testing.assert_allclose(late[2:8], moved[2:8], rtol=0.03)
    np.testing.assert_allclose(all_rows[2:8], (2 * SHAPE + moved)[2:8] / 3, rtol=0.03)


def test_the_last_run_is_what_rows_are_compared_with() -> None:
    runs = [framed(run, 1, 40, seed=run) for run in range(1, 6)]
    fitted = detector(reference="last-good-run").fit(pd.concat(runs))
    last = detector().fit(runs[-1])
    row = runs[0][:1]
    np.testing.assert_array_equal(fitted.reconstruct(row), last.reconstruct(row))
    fitted.partial_fit(runs[0])  # certified late: the reference does not go back
    np.testing.assert_array_equal(fitted.reconstruct(row), last.reconstruct(row))


@pytest.mark.parametrize("reference", ["rolling", "last-good-run"])
def test_a_moving_reference_is_fitted_as_it_is_learned_run_by_run(reference: str) -> None:
    shape = np.array([50.0, 200.0, 400.0, 200.0, 50.0])
    drifting = [shape * [1, 1, 1.03**run, 1, 1] for run in range(21)]
    rng = np.random.default_rng(0)
    tables = [
        pd.DataFrame(
            rng.poisson(rates, size=(50, 5)).astype(float),
            index=lumisection_index([run] * 50, range(1, 51)),
        )
        for run, rates in enumerate(drifting)
    ]
    fitted = ReferenceDetector(reference=reference, window=100).fit(pd.concat(tables[:20]))
    assert -fitted.offset_ < 8  # old runs are far from the last, and were not when they came
    lost = tables[20] * [1, 1, 0.3, 1, 1]
    assert (fitted.predict(lost) == -1).mean() > 0.9
    assert (fitted.predict(tables[20]) == -1).mean() < 0.1
    backwards = ReferenceDetector(reference=reference, window=100).fit(pd.concat(tables[:20])[::-1])
    np.testing.assert_array_equal(backwards.score_samples(lost), fitted.score_samples(lost))


def test_a_half_life_is_felt_within_one_fit() -> None:
    runs = [framed(run, 1, 40, seed=run) for run in range(1, 6)]
    forgets, keeps = (
        detector(half_life=life).fit(pd.concat(runs)).reconstruct(runs[0][:1])
        for life in (10, None)
    )
    assert not np.allclose(forgets, keeps, rtol=1e-3)


def test_the_last_run_allows_for_the_steps_that_it_has_seen() -> None:
    runs = [framed(run, 1, 40, seed=run) for run in range(30)]
    fitted = detector(reference="last-good-run").fit(pd.concat(runs[:2]))
    without = np.abs(detector(reference="last-good-run").fit(runs[1]).feature_scores(runs[29]))
    few = np.abs(fitted.feature_scores(runs[29]))
    for run in runs[2:29]:
        fitted.partial_fit(run)
    many = np.abs(fitted.feature_scores(runs[29]))
    # Runs that differ by 10 % are nothing new to it.
    assert np.median(many[:, 3:8].mean(axis=0)) < np.median(without[:, 3:8].mean(axis=0))
    assert many[:, 3:8].max() < 5
    assert np.isfinite(few).all()


def test_parts_of_a_run_are_one_run_and_rows_that_do_not_say_are_one_a_time() -> None:
    run = framed(3, 1, 60)
    parts = detector(reference="last-good-run").fit(run[:30]).partial_fit(run[30:])
    bare = detector(reference="last-good-run", exposure=0).fit(run[:30].to_numpy())
    bare.partial_fit(run[30:].to_numpy())
    whole, second = (detector(exposure=0).fit(rows.to_numpy()) for rows in (run, run[30:]))
    row = run[:1]
    np.testing.assert_allclose(parts.reconstruct(row), whole.reconstruct(row.to_numpy()), rtol=0.1)
    np.testing.assert_array_equal(
        bare.reconstruct(row.to_numpy()), second.reconstruct(row.to_numpy())
    )


def test_of_many_runs_a_row_is_compared_with_the_nearest() -> None:
    runs = [framed(run, 1, 40, seed=run) for run in range(1, 6)]
    fitted = detector(reference="k-nearest-runs", n_runs=1).fit(pd.concat(runs))
    rows = runs[2].mean().to_frame().T
    own = detector().fit(runs[2]).reconstruct(rows)
    np.testing.assert_allclose(fitted.reconstruct(rows), own, rtol=1e-9)
    few = detector(reference="k-nearest-runs", n_runs=1, max_runs=2).fit(pd.concat(runs))
    assert not np.allclose(few.reconstruct(rows), own)


def test_the_nearest_runs_forgive_a_difference_between_runs_and_no_fault() -> None:
    fitted = detector(reference="k-nearest-runs", n_runs=1).fit(framed(1, 20, seed=1))
    # The same runs again, later: their shapes are those of the seed.
    again = framed(1, 20, seed=1)
    faulty = again.copy()
    faulty.iloc[:, 5] = 0
    assert (fitted.predict(faulty) == -1).all()
    assert (fitted.predict(again) == 1).mean() > 0.95


def test_order_in_a_frame_does_not_matter_where_runs_say_what_belongs_together() -> None:
    rows = framed()
    turned = pd.concat([rows.loc[[run]] for run in (3, 1, 4, 2)])
    for reference in ("last-good-run", "k-nearest-runs"):
        found, expected = (detector(reference=reference).fit(each) for each in (turned, rows))
        np.testing.assert_array_equal(found.reconstruct(rows), expected.reconstruct(rows))


@pytest.mark.parametrize("runs", [["a", "b"], [1.0, np.nan]])
@pytest.mark.parametrize("reference", ["last-good-run", "k-nearest-runs"])
def test_runs_that_are_no_numbers_are_refused_in_words(runs: Any, reference: str) -> None:
    rows = framed(1, 2)
    rows.index = pd.MultiIndex.from_arrays([np.repeat(runs, 25), range(50)], names=["run", "ls"])
    with pytest.raises(SkdqmError, match="run"):
        detector(reference=reference).fit(rows)
