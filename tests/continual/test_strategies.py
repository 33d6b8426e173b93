"""Strategies: what each learns, what each forgets, and what becomes of a new condition."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdqm.continual import (
    BalancedMemory,
    ContinualDetector,
    NaiveStrategy,
    PoolStrategy,
    RefitStrategy,
    ReplayStrategy,
    StaticStrategy,
    WindowMemory,
)
from skdqm.continual._pool import Pool
from skdqm.continual._rows import Rows
from skdqm.continual._trainer import Trainer
from skdqm.datasets import make_detector_data, make_lumisections
from skdqm.detectors import AutoencoderDetector, ReferenceDetector
from skdqm.monitoring import ElementsDetector
from tests.continual.parts import (
    Centre,
    Column,
    cloud,
    expert_of,
    first_pool,
    numbered,
    rows_of,
    workshop,
)

CENTRES = Trainer(Centre(), None, 0)
STRATEGIES = [
    NaiveStrategy(),
    PoolStrategy(),
    RefitStrategy(),
    ReplayStrategy(),
    StaticStrategy(),
]
every_strategy = pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda s: type(s).__name__)
Factory = Callable[[int, int, int], Rows]


@pytest.fixture(scope="module")
def two_conditions() -> tuple[Factory, Factory]:
    """Rows of two conditions, in each of which channels follow three hidden quantities."""
    mixings = np.random.default_rng(0).standard_normal((2, 3, 10))

    def rows(which: int, n_rows: int, first: int, seed: int) -> Rows:
        random = np.random.default_rng([seed, which])
        hidden = random.standard_normal((n_rows, 3))
        return rows_of(hidden @ mixings[which] + random.normal(0, 0.1, (n_rows, 10)), first)

    return (lambda *args: rows(0, *args)), (lambda *args: rows(1, *args))


@pytest.fixture(scope="module")
def network() -> Trainer:
    detector = AutoencoderDetector(latent_dim=6, noise=0.3, max_epochs=40, random_state=0)
    return Trainer(detector, None, 0)


@pytest.fixture(scope="module")
def knows_the_first(network: Trainer, two_conditions: tuple[Factory, Factory]) -> Pool:
    return first_pool(network, two_conditions[0](1000, -1000, 0))


def test_naive_learning_forgets_replay_less_and_a_pool_nothing(
    network: Trainer, knows_the_first: Pool, two_conditions: tuple[Factory, Factory]
) -> None:
    first, second = two_conditions
    old = first(300, 0, 1)
    blocks = [second(256, 256 * n, n + 2) for n in range(8)]
    known = knows_the_first.judged(network, old)[0].mean()
    forgetting = {}
    for strategy in (NaiveStrategy(), ReplayStrategy(replay=4.0, n_passes=2), PoolStrategy()):
        pool = knows_the_first
        if isinstance(strategy, PoolStrategy):
            pool = strategy.adopted(pool, blocks[0], workshop(network))
        for n, block in enumerate(blocks):
            pool = strategy.learned(pool, block, workshop(network, n))
        error = _error(pool, network, old)
        forgetting[type(strategy)] = error - _error(knows_the_first, network, old)
    assert known < 2
    assert forgetting[NaiveStrategy] > 2 * forgetting[ReplayStrategy] > 0.1
    assert forgetting[PoolStrategy] == 0


def _error(pool: Pool, trainer: Trainer, rows: Rows) -> float:
    """Return the squared error of the expert that knows rows best."""
    restored = [expert.detector.reconstruct(rows.values) for expert in pool.experts]
    return float(min(np.square(np.subtract(X, rows.values)).mean() for X in restored))


@every_strategy
def test_learning_changes_nothing_that_was_there(strategy: Any) -> None:
    pool = first_pool(CENTRES, cloud(0, first=-200))
    expert, before = pool.expert, pool.expert.detector.centre_.copy()
    strategy.learned(pool, cloud(1), workshop(CENTRES))
    strategy.adopted(pool, cloud(9), workshop(CENTRES))
    assert pool.experts == (expert,)
    np.testing.assert_array_equal(expert.detector.centre_, before)


@every_strategy
def test_the_same_generator_teaches_the_same(strategy: Any) -> None:
    first, again = (
        strategy.learned(first_pool(CENTRES, cloud(0)), cloud(1), workshop(CENTRES, 3))
        for _ in range(2)
    )
    np.testing.assert_array_equal(first.expert.memory.positions, again.expert.memory.positions)
    np.testing.assert_array_equal(first.expert.detector.centre_, again.expert.detector.centre_)


@every_strategy
@pytest.mark.parametrize("n_rows", [1, 2, 3])
def test_a_handful_of_rows_can_be_learned(strategy: Any, n_rows: int) -> None:
    pool = first_pool(CENTRES, cloud(0, first=-200))
    for _ in range(3):
        pool = strategy.learned(pool, cloud(0, n_rows), workshop(CENTRES))
    assert np.isfinite(pool.judged(CENTRES, cloud(0))[0]).all()


def test_a_static_strategy_never_learns() -> None:
    pool = first_pool(CENTRES, cloud(0))
    assert StaticStrategy().learned(pool, cloud(5), workshop(CENTRES)) is pool
    assert StaticStrategy().adopted(pool, cloud(5), workshop(CENTRES)) is pool


def test_refit_waits_for_a_drift_and_then_knows_the_latest_rows_only() -> None:
    strategy, memory = RefitStrategy(), WindowMemory(100)
    pool = first_pool(CENTRES, cloud(0, first=-200))
    learned = strategy.learned(pool, cloud(5), workshop(CENTRES, memory=memory))
    assert learned.expert.detector is pool.expert.detector
    adopted = strategy.adopted(learned, cloud(5, first=200), workshop(CENTRES, memory=memory))
    np.testing.assert_allclose(adopted.expert.detector.centre_, 5, atol=0.5)
    assert len(adopted.experts) == 1
    assert adopted.expert.memory.positions.min() >= 300


def test_a_detector_without_partial_fit_is_fitted_anew_to_what_is_kept() -> None:
    pool = first_pool(CENTRES, cloud(0, 250, first=-250))
    new = cloud(4, 250)
    replay = ReplayStrategy().learned(pool, new, workshop(CENTRES)).expert
    assert replay.detector.n_rows_ == len(replay.memory) == len(pool.expert.memory) + 200
    naive = NaiveStrategy().learned(pool, new, workshop(CENTRES)).expert
    assert naive.detector.n_rows_ == 200


def test_held_out_rows_calibrate_and_are_never_learned() -> None:
    pool = first_pool(CENTRES, cloud(0, first=-200))
    for n in range(5):
        pool = ReplayStrategy().learned(pool, cloud(0, first=200 * n), workshop(CENTRES, n))
    memory, calibration = pool.expert.memory.positions, pool.expert.calibration.positions
    assert not np.isin(memory, calibration).any()
    assert (calibration >= 0).sum() == pytest.approx(200, abs=5)


def test_rows_that_are_not_held_out_calibrate_by_the_scores_before_they_were_learned() -> None:
    pool = first_pool(CENTRES, cloud(0, first=-200))
    new = cloud(3)
    taught = NaiveStrategy().learned(pool, new, workshop(CENTRES, held_out=0.0)).expert
    before = CENTRES.scores(pool.expert.detector, new)[0]
    np.testing.assert_array_equal(taught.scores[-200:], before)
    assert taught.n_learned == pool.expert.n_learned + 200


def test_replay_names_rows_by_their_condition_so_that_a_memory_can_be_balanced() -> None:
    strategy, memory = ReplayStrategy(), BalancedMemory(100)
    pool = first_pool(CENTRES, cloud(0, first=-400, n_rows=400))
    for n in range(3):
        rows = cloud(5 * (n + 1), 400, first=400 * n)
        pool = strategy.adopted(pool, rows, workshop(CENTRES, n, memory=memory))
    counts = np.unique(pool.expert.memory.groups, return_counts=True)[1]
    assert len(counts) == 4
    assert counts.tolist() == [25] * 4


# ---- the pool


def pool_with(*places: float, active: int = 0) -> Pool:
    """Return a pool of experts for places, numbered from 1."""
    experts = [expert_of(CENTRES, cloud(place, seed=n), n + 1) for n, place in enumerate(places)]
    pool = Pool(tuple(experts), active + 1, np.zeros(1), n_made=len(experts))
    return pool.settled(CENTRES)


def numbers(pool: Pool) -> list[int]:
    return [expert.number for expert in pool.experts]


def test_an_expert_whose_condition_another_knows_is_let_go_first() -> None:
    pool = pool_with(0, 10, 10.05, 20)
    used = {1: 500, 2: 900, 3: 800, 4: 1}
    full = PoolStrategy(max_experts=4).adopted(pool, cloud(40), workshop(CENTRES, used=used))
    assert numbers(full) == [1, 2, 4, 5]


def test_else_the_one_that_was_used_least_is_let_go_not_the_oldest() -> None:
    pool = pool_with(0, 10, 20, 30, active=3)
    used = {1: 500, 2: 900, 3: 2, 4: 1}
    full = PoolStrategy(max_experts=4).adopted(pool, cloud(60), workshop(CENTRES, used=used))
    assert numbers(full) == [1, 2, 3, 5]
    full = PoolStrategy(max_experts=3).adopted(pool, cloud(60), workshop(CENTRES, used=used))
    assert numbers(full) == [1, 2, 5]


@settings(max_examples=15)
@given(
    most=st.integers(1, 4),
    places=st.lists(st.integers(0, 5), min_size=1, max_size=8),
    used=st.dictionaries(st.integers(1, 9), st.integers(0, 100)),
)
def test_a_pool_is_bounded_and_the_newest_expert_is_the_active_one(
    most: int, places: list[int], used: dict[int, int]
) -> None:
    strategy, pool = PoolStrategy(max_experts=most), pool_with(0)
    for n, place in enumerate(places):
        rows = cloud(8 * place, 100, first=n)
        pool = strategy.adopted(pool, rows, workshop(CENTRES, n, used=used))
        assert len(pool.experts) <= most
        assert pool.active == pool.n_made == n + 2
        assert pool.active in numbers(pool)


def test_experts_for_faults_judge_no_rows_and_take_no_condition_s_place() -> None:
    pool = pool_with(0, 30, 60)
    pool = pool.with_expert(replace(pool.by_number(2), is_fault=True)).settled(CENTRES)
    assert pool.judged(CENTRES, cloud(30))[0].min() > 5
    assert pool.judged(CENTRES, cloud(60))[0].mean() < 2
    assert pool.known_fault(CENTRES, cloud(30)) == 2
    assert pool.known_fault(CENTRES, cloud(60)) == 0
    full = PoolStrategy(max_experts=2).adopted(pool, cloud(90), workshop(CENTRES))
    assert 2 in numbers(full)


def test_an_expert_that_drifts_leaves_its_former_self_behind() -> None:
    strategy, trainer = PoolStrategy(), CENTRES
    pool = first_pool(trainer, cloud(0, first=-200))
    n = 0
    while len(pool.experts) == 1:
        place = 0.5 * n
        pool = strategy.learned(pool, cloud(place, first=200 * n), workshop(trainer, n))
        n += 1
        assert n < 40
    assert pool.active == 1
    assert numbers(pool) == [1, 2]
    was, now = pool.by_number(2), pool.by_number(1)
    assert was.detector.centre_.mean() < now.detector.centre_.mean()


def test_a_pool_judges_a_condition_that_comes_back_by_the_expert_that_knows_it() -> None:
    pool = pool_with(0, 20, active=1)
    assert pool.judged(CENTRES, cloud(0, seed=5))[0].mean() < 2
    assert pool.judged(CENTRES, cloud(-20))[0].min() > 5
    assert pool.best_fit(CENTRES, cloud(0, seed=5))[0] == 1


# ---- detectors of all kinds inside


@every_strategy
@pytest.mark.parametrize(
    "detector",
    [
        IsolationForest(n_estimators=10),
        make_pipeline(StandardScaler(), IsolationForest(n_estimators=10)),
        make_pipeline(StandardScaler(), AutoencoderDetector(max_epochs=2)),
        Column(),
    ],
    ids=["forest", "pipeline", "network", "column"],
)
def test_detectors_of_all_kinds_go_on_learning(strategy: Any, detector: Any) -> None:
    X, _ = make_detector_data(900, n_channels=4, fault_fraction=0, random_state=0)
    continual = ContinualDetector(detector, strategy=strategy, update_every=100, random_state=0)
    verdicts = continual.fit(X[:300]).observe(X[300:])
    assert np.isfinite(verdicts["anomaly_score"]).all()
    assert (verdicts["verdict"] == -1).mean() < 0.1
    assert not hasattr(detector, "n_features_in_")


class Spy(ReferenceDetector):
    """Remembers the index of the frames that it was shown."""

    seen: list[Any] = []  # noqa: RUF012 (shared by all copies on purpose)

    def _as_seen(self, rows: Any, X: Any) -> Any:
        self.seen.append(X.index if isinstance(X, pd.DataFrame) else None)
        return super()._as_seen(rows, X)


@pytest.fixture(scope="module")
def lumisections() -> pd.DataFrame:
    shape = {"charge": (12,), "time": (6,)}
    return make_lumisections(8, 60, shape=shape, drift=0, fault_fraction=0, random_state=0)[0]


@pytest.mark.parametrize("strategy", ["naive", "replay", "pool", "refit"])
def test_runs_and_lumisections_reach_the_detector_inside(
    lumisections: pd.DataFrame, strategy: str
) -> None:
    Spy.seen.clear()
    detector = Spy(exposure=None, fluctuations="empirical", reference="last-good-run")
    continual = ContinualDetector(detector, strategy=strategy, update_every=60, random_state=0)
    continual.fit(lumisections[:180]).observe(lumisections[180:])
    assert Spy.seen
    for index in Spy.seen:
        assert index is not None
        assert list(index.names) == ["run", "lumisection"]
        assert index.isin(lumisections.index).all()


def test_elements_are_told_apart_inside(lumisections: pd.DataFrame) -> None:
    inside = ElementsDetector(ReferenceDetector(exposure=None, fluctuations="empirical"))
    continual = ContinualDetector(inside, update_every=60, random_state=0)
    verdicts = continual.fit(lumisections[:180]).observe(lumisections[180:])
    assert continual.detector_.elements_ == ["charge", "time"]
    assert verdicts.index.equals(lumisections.index[180:])
    assert continual.feature_scores(lumisections[:3]).shape == (3, 18)


@pytest.mark.parametrize(
    ("strategy", "name"),
    [
        (ReplayStrategy(replay=-1), "replay"),
        (ReplayStrategy(n_passes=0), "n_passes"),
        (PoolStrategy(max_experts=0), "max_experts"),
    ],
)
def test_parameters_that_make_no_sense_are_named(strategy: Any, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        ContinualDetector(strategy=strategy).fit(numbered(50).values)
