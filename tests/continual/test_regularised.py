"""Networks that are held to what they were: how much, to what, and what is left of it."""

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback

from skdqm.continual import (
    ContinualDetector,
    DistillationStrategy,
    EWCStrategy,
    NaiveStrategy,
    ReservoirMemory,
)
from skdqm.continual._pool import Pool
from skdqm.continual._regularised import ANCHOR, SETTLING_ROWS, _curvature
from skdqm.continual._rows import Rows
from skdqm.continual._trainer import Trainer
from skdqm.datasets import make_drift_stream
from skdqm.detectors import AutoencoderDetector, NeighborsDetector
from skdqm.detectors._neural import NeuralDetector
from skdqm.exceptions import TrainingError, UsageError
from skdqm.monitoring._wrapper import last_of
from skdqm.persistence import load, save
from tests.continual.parts import first_pool, rows_of, workshop
from tests.instances import instance, names

HELD = (EWCStrategy, DistillationStrategy)
every_holder = pytest.mark.parametrize("held", HELD)
NETWORKS = [name for name in names() if isinstance(instance(name), NeuralDetector)]
X, _ = make_drift_stream(3000, drift="abrupt", n_faults=0, random_state=0)


def condition(which: int, n_rows: int, first: int = 0, seed: int = 0) -> Rows:
    """Return rows whose ten channels follow three hidden quantities, in a way of the condition."""
    mixing = np.random.default_rng(which).standard_normal((3, 10))
    random = np.random.default_rng([seed, which, n_rows, abs(first)])
    hidden = random.standard_normal((n_rows, 3))
    return rows_of(hidden @ mixing + random.normal(0, 0.1, (n_rows, 10)), first)


DETECTOR = AutoencoderDetector(latent_dim=3, noise=0.3, max_epochs=40, random_state=0)
TRAINER = Trainer(DETECTOR, None, 0)
OLD, NEW = condition(0, 400, seed=9), condition(1, 400, seed=9)


@pytest.fixture(scope="module")
def begun() -> Pool:
    return first_pool(TRAINER, condition(0, 1000, -1000))


def after_the_second(strategy: Any, pool: Pool, trainer: Trainer = TRAINER) -> Any:
    for n in range(8):
        rows = condition(1, 256, 256 * n)
        learn = strategy.learned if n else strategy.adopted
        pool = learn(pool, rows, workshop(trainer, n))
    return pool.expert.detector


def error(detector: Any, rows: Rows) -> float:
    return float(np.mean((detector.reconstruct(rows.values) - rows.values) ** 2))


def weights(detector: Any) -> dict[str, Any]:
    state = last_of(detector).net_.module_.state_dict()
    return {name: value.numpy() for name, value in state.items()}


@pytest.mark.parametrize(
    ("held", "strengths"),
    [(EWCStrategy, (1.0, 30.0, 1000.0)), (DistillationStrategy, (0.1, 1.0, 10.0))],
)
def test_the_stronger_a_network_is_held_the_less_it_forgets_and_learns(
    begun: Pool, held: Any, strengths: tuple[float, ...]
) -> None:
    naive = after_the_second(NaiveStrategy(), begun)
    found = [after_the_second(held(strength), begun) for strength in strengths]
    old = [error(detector, OLD) for detector in (naive, *found)]
    new = [error(detector, NEW) for detector in (naive, *found)]
    assert old[0] > 1.5 * old[2] > 1.5 * old[3]
    assert new[1] < new[2] < new[3]
    assert new[1] < 0.5 * error(begun.expert.detector, NEW)


@every_holder
def test_without_strength_it_is_naive_learning_to_the_bit(begun: Pool, held: Any) -> None:
    rows = condition(1, 300)
    free = held(strength=0.0).learned(begun, rows, workshop(TRAINER)).expert.detector
    naive = NaiveStrategy().learned(begun, rows, workshop(TRAINER)).expert.detector
    for name, value in weights(naive).items():
        np.testing.assert_array_equal(weights(free)[name], value)


@every_holder
def test_a_network_learns_and_the_one_before_stays_as_it_was(begun: Pool, held: Any) -> None:
    before = copy.deepcopy(weights(begun.expert.detector))
    taught = held().learned(begun, condition(1, 300), workshop(TRAINER)).expert.detector
    assert any((weights(taught)[name] != value).any() for name, value in before.items())
    for name, value in before.items():
        np.testing.assert_array_equal(weights(begun.expert.detector)[name], value)
        np.testing.assert_array_equal(getattr(taught, ANCHOR)["weights"][name], value)
    assert not hasattr(begun.expert.detector, ANCHOR)


@every_holder
def test_it_is_held_to_what_it_was_at_the_first_drift_until_that_is_learned(
    begun: Pool, held: Any
) -> None:
    strategy, pool, held_since = held(), begun, []
    for n in range(10):
        rows = condition(1, 256, 256 * n)
        pool = strategy.adopted(pool, rows, workshop(TRAINER, n))
        held_since.append(getattr(pool.expert.detector, ANCHOR)["n_learned"])
    changes = np.flatnonzero(np.diff(held_since)) + 1
    assert (np.diff(np.unique(held_since)) >= SETTLING_ROWS).all()
    assert len(changes) == 1
    assert pool.n_made == 3


@every_holder
def test_the_user_s_callbacks_are_called_and_nothing_of_ours_is_left(held: Any) -> None:
    detector = AutoencoderDetector(max_epochs=2, callbacks=[Counting()], random_state=0)
    trainer = Trainer(detector, None, 0)
    pool = first_pool(trainer, condition(0, 300, -300))
    Counting.n_lessons = 0
    taught = held(n_passes=3).learned(pool, condition(1, 200), workshop(trainer)).expert.detector
    assert Counting.n_lessons == 3
    assert taught.callbacks == pool.expert.detector.callbacks
    assert [type(callback) for callback in taught.callbacks] == [Counting]


class Counting(Callback):
    n_lessons = 0

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        Counting.n_lessons += 1


class Failing(Callback):
    def on_grad_computed(self, net: Any, **kwargs: Any) -> None:
        raise TrainingError("no more")


@every_holder
def test_a_lesson_that_fails_leaves_the_network_as_it_was(begun: Pool, held: Any) -> None:
    broken = copy.copy(begun.expert.detector)
    broken.callbacks = [Failing()]
    pool = Pool((copy.copy(begun.expert),), 1, begun.together)
    object.__setattr__(pool.experts[0], "detector", broken)
    before = dict(vars(broken))
    with pytest.raises(TrainingError):
        held().learned(pool, condition(1, 300), workshop(TRAINER))
    assert vars(broken) == before


@every_holder
@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_can_be_held(name: str, held: Any) -> None:
    detector = instance(name)
    continual = ContinualDetector(detector, strategy=held(), update_every=50, random_state=0)
    continual.fit(X[:200]).partial_fit(X[200:264])
    assert hasattr(continual.detector_, ANCHOR)
    assert np.isfinite(continual.score_samples(X[-100:])).all()


@every_holder
@pytest.mark.parametrize(
    "detector",
    [
        AutoencoderDetector(n_members=2, max_epochs=2, random_state=0),
        AutoencoderDetector(dropout=0.2, max_epochs=2, random_state=0),
        AutoencoderDetector(optimizer="sgd", max_epochs=2, random_state=0),
    ],
    ids=["members", "dropout", "sgd"],
)
def test_networks_of_other_designs_can_be_held(detector: Any, held: Any) -> None:
    trainer = Trainer(detector, None, 0)
    pool = first_pool(trainer, condition(0, 300, -300))
    taught = held().learned(pool, condition(1, 200), workshop(trainer)).expert.detector
    assert np.isfinite(taught.score_samples(NEW.values)).all()


@every_holder
def test_a_network_behind_other_steps_is_held_as_alone(held: Any) -> None:
    rows, new = condition(0, 300, -300), condition(1, 300)
    plain = AutoencoderDetector(max_epochs=3, random_state=0)
    trainers = [Trainer(make_pipeline("passthrough", plain), None, 0), Trainer(plain, None, 0)]
    piped, alone = (
        held().learned(first_pool(trainer, rows), new, workshop(trainer)).expert.detector
        for trainer in trainers
    )
    assert isinstance(piped, Pipeline)
    assert hasattr(piped[-1], ANCHOR)
    np.testing.assert_array_equal(piped.score_samples(new.values), alone.score_samples(new.values))


@every_holder
def test_learning_is_repeated_to_the_bit_and_leaves_the_user_s_generators_alone(
    begun: Pool, held: Any
) -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = held().learned(begun, condition(1, 300), workshop(TRAINER)).expert.detector
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    again = held().learned(begun, condition(1, 300), workshop(TRAINER)).expert.detector
    for name, value in weights(first).items():
        np.testing.assert_array_equal(weights(again)[name], value)


@every_holder
def test_a_loaded_detector_is_held_to_the_same_as_the_saved_one(held: Any, tmp_path: Path) -> None:
    inside = AutoencoderDetector(max_epochs=5, random_state=0)
    detector = ContinualDetector(inside, strategy=held(), random_state=0).fit(X[:600])
    detector.partial_fit(X[600:1200])
    save(detector, tmp_path / "model")
    twins = [load(tmp_path / "model"), pickle.loads(pickle.dumps(detector)), detector]
    scores = [twin.partial_fit(X[1200:2200]).score_samples(X) for twin in twins]
    np.testing.assert_array_equal(scores[0], scores[2])
    np.testing.assert_array_equal(scores[1], scores[2])


def test_the_curvature_is_that_of_the_loss_of_a_linear_network() -> None:
    """Where residuals are independent, the Fisher information is the second derivative."""
    random = np.random.default_rng(0)
    hidden = random.standard_normal((2048, 2))
    rows = hidden @ random.standard_normal((2, 30)) + random.normal(0, 0.5, (2048, 30))
    detector = AutoencoderDetector(
        hidden_layer_sizes=(), latent_dim=2, noise=0.0, max_epochs=30, random_state=0
    ).fit(rows)
    found = _curvature(detector, rows, seed=0)
    module, inputs = detector.net_.module_, detector._tensors(rows)[0]
    name = next(name for name in found if name.startswith("decoder") and name.endswith("weight"))
    assert found[name].shape == (30, 2)
    # Of the mean over rows and values of (w z - x)^2, by w.
    code = module.encoder(inputs).detach().numpy()
    exact = 2 * (code**2).mean(axis=0) / 30
    np.testing.assert_allclose(found[name].mean(axis=0), exact, rtol=0.3)


@every_holder
def test_a_memory_without_rows_holds_nothing_and_breaks_nothing(held: Any, begun: Pool) -> None:
    expert = copy.copy(begun.expert)
    object.__setattr__(expert, "memory", expert.memory[:0])
    pool = Pool((expert,), 1, begun.together)
    shop = workshop(TRAINER, memory=ReservoirMemory(1))
    assert held().learned(pool, condition(1, 50), shop).expert.n_learned > 0


@every_holder
@pytest.mark.parametrize(
    "detector", [NeighborsDetector(), make_pipeline(StandardScaler(), NeighborsDetector())]
)
def test_detectors_without_a_network_are_refused(held: Any, detector: Any) -> None:
    with pytest.raises(UsageError, match="NeighborsDetector; give a detector"):
        held().check(detector)
    with pytest.raises(UsageError, match="NeighborsDetector; give a detector"):
        ContinualDetector(detector, strategy=held()).fit(X[:100])


@every_holder
def test_networks_are_not_refused(held: Any) -> None:
    held().check(DETECTOR)
    held().check(make_pipeline(StandardScaler(), DETECTOR))


@every_holder
def test_parameters_that_make_no_sense_are_named(held: Any) -> None:
    with pytest.raises(ValueError, match="strength"):
        ContinualDetector(DETECTOR, strategy=held(strength=-1.0)).fit(X[:100])
