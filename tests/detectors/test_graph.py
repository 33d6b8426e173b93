"""GraphAutoencoderDetector: sets without order, padding that is not there, jets that are heavy."""

import pickle
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from skdqm import io
from skdqm.detectors._graph import GraphAutoencoderDetector
from skdqm.exceptions import DataError, UsageError
from skdqm.preprocessing import JetConstituents

N_NODES = 8
SHAPE = (2, N_NODES, 3)


def toy_jets(n_rows: int, width: float = 0.1, seed: int = 0) -> Any:
    """Two jets a row, of five to eight particles each, as far from the axis as `width` says."""
    rng = np.random.default_rng(seed)
    jets = rng.normal(size=(n_rows, *SHAPE)) * [0.0, width, width]
    jets[..., 0] = -np.sort(-rng.exponential(50.0, size=jets.shape[:-1]))
    jets[np.arange(N_NODES) >= rng.integers(5, N_NODES + 1, size=(n_rows, 2, 1))] = 0
    return jets


JETS = toy_jets(150)
WIDE = toy_jets(50, width=0.3, seed=1)


def flat(jets: Any) -> Any:
    return jets.reshape(len(jets), -1)


def shuffled(jets: Any, seed: int = 0) -> tuple[Any, Any]:
    """Return jets with their particles and padding in random order, and that order."""
    order = np.random.default_rng(seed).random(jets.shape[:-1]).argsort(axis=-1)[..., None]
    return np.take_along_axis(jets, order, axis=-2), order


def made(**parameters: Any) -> GraphAutoencoderDetector:
    return GraphAutoencoderDetector(
        **{
            "graph_shape": SHAPE,
            "hidden_channels": (8,),
            "k": 4,
            "max_epochs": 3,
            "random_state": 0,
            **parameters,
        }
    )


def fitted(**parameters: Any) -> GraphAutoencoderDetector:
    return made(**parameters).fit(flat(JETS))


@cache
def trained() -> GraphAutoencoderDetector:
    return fitted()


@pytest.fixture
def detector() -> GraphAutoencoderDetector:
    return trained()


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_particles_does_not_matter_to_the_bit(seed: int) -> None:
    jets = WIDE.copy()
    jets[:, :, 3, 0] = jets[:, :, 2, 0]  # of equal weight
    jets[:, :, 1] = jets[:, :, 0]  # twice the same
    detector = trained()
    other = flat(shuffled(jets, seed)[0])
    np.testing.assert_array_equal(detector.score_samples(other), detector.score_samples(flat(jets)))
    np.testing.assert_array_equal(detector.transform(other), detector.transform(flat(jets)))


@pytest.mark.parametrize("weight", [0, None])
def test_training_on_shuffled_particles_is_the_same(weight: int | None) -> None:
    first = fitted(weight=weight).score_samples(flat(WIDE))
    again = made(weight=weight).fit(flat(shuffled(JETS)[0])).score_samples(flat(WIDE))
    np.testing.assert_allclose(again, first, rtol=1e-4)


def test_the_two_jets_of_an_event_may_change_places(detector: GraphAutoencoderDetector) -> None:
    swapped = detector.score_samples(flat(WIDE[:, ::-1]))
    np.testing.assert_allclose(swapped, detector.score_samples(flat(WIDE)), rtol=1e-6)


def test_scores_of_particles_move_with_them_and_sum_to_the_score(
    detector: GraphAutoencoderDetector,
) -> None:
    jets, order = shuffled(WIDE)
    there = detector.feature_scores(flat(WIDE))
    expected = np.take_along_axis(there.reshape(WIDE.shape), order, axis=-2)
    np.testing.assert_array_equal(detector.feature_scores(flat(jets)), flat(expected))
    np.testing.assert_allclose(there.mean(axis=1), -detector.score_samples(flat(WIDE)))


def test_padding_has_no_score(detector: GraphAutoencoderDetector) -> None:
    scores = detector.feature_scores(flat(JETS)).reshape(JETS.shape)
    assert (scores[JETS[..., 0] == 0] == 0).all()
    assert (scores[JETS[..., 0] > 0].sum(axis=-1) > 0).all()


def test_padding_far_from_all_nodes_is_still_padding() -> None:
    jets = np.where(JETS[..., :1] > 0, JETS - [0, 1e9, 1e9], 0.0)
    detector = made(weight=None).fit(flat(jets))
    scores = detector.feature_scores(flat(jets)).reshape(jets.shape)
    assert (scores[JETS[..., 0] == 0] == 0).all()


def test_the_score_names_the_particle_that_is_out_of_place(
    detector: GraphAutoencoderDetector,
) -> None:
    jets = JETS.copy()
    jets[:, 1, 2] = [150.0, 0.0, 2.0]
    assert (detector.feature_scores(flat(jets)).argmax(axis=1) == (N_NODES + 2) * 3 + 2).all()


def test_wide_jets_are_abnormal(detector: GraphAutoencoderDetector) -> None:
    scores = -detector.score_samples(flat(np.concatenate([toy_jets(100, seed=2), WIDE])))
    assert roc_auc_score(np.repeat([0, 1], [100, 50]), scores) > 0.85


def test_soft_particles_count_less_by_their_weight() -> None:
    jets = JETS.copy()
    jets[:, 0, -1] = [1e-3, 1.0, 1.0]
    moved = jets.copy()
    moved[:, 0, -1, 1:] = 2.0
    for weight, shares in ((0, (0, 0.01)), (None, (0.05, np.inf))):
        detector = fitted(weight=weight)
        before = detector.feature_scores(flat(jets)).sum(axis=1)
        after = detector.feature_scores(flat(moved)).sum(axis=1)
        growth = np.median((after - before) / before)
        assert shares[0] <= abs(growth) < shares[1]


def test_the_scale_is_one_of_each_kind_and_of_real_particles_only() -> None:
    padded = np.concatenate([JETS, np.zeros((len(JETS), 2, 5, 3))], axis=2)
    detector, wider = fitted(), made(graph_shape=(2, N_NODES + 5, 3)).fit(flat(padded))
    real = JETS[JETS[..., 0] > 0]
    np.testing.assert_allclose(detector.location_, np.tile(real.mean(axis=0), 16))
    np.testing.assert_allclose(detector.scale_, np.tile(real.std(axis=0), 16))
    np.testing.assert_allclose(wider.scale_[:3], detector.scale_[:3])


def test_units_do_not_matter() -> None:
    units = np.array([1e9, 1e-6, 1e-6])
    scores = made().fit(flat(JETS * units)).score_samples(flat(WIDE * units))
    np.testing.assert_allclose(scores, fitted().score_samples(flat(WIDE)), rtol=1e-3)


def test_every_jet_has_a_latent_vector_of_its_own() -> None:
    latent = fitted(latent_dim=4).transform(flat(JETS))
    assert latent.shape == (150, 8)
    swapped = fitted(latent_dim=4).transform(flat(JETS[:, ::-1]))
    np.testing.assert_allclose(np.roll(swapped, 4, axis=1), latent, rtol=1e-5, atol=1e-6)


def test_one_set_a_row_needs_no_number_of_sets() -> None:
    rows = flat(JETS[:, 0])
    one, same = (made(graph_shape=shape).fit(rows) for shape in ((8, 3), (1, 8, 3)))
    np.testing.assert_array_equal(one.score_samples(rows), same.score_samples(rows))


def test_an_event_without_particles_has_nothing_abnormal(
    detector: GraphAutoencoderDetector,
) -> None:
    np.testing.assert_array_equal(detector.score_samples(np.zeros((1, 48))), [0.0])


@pytest.mark.parametrize("value", [1e300, 1e30])
def test_extreme_particles_get_finite_scores_below_all_others(
    detector: GraphAutoencoderDetector, value: float
) -> None:
    scores = detector.score_samples(np.full((1, 48), value))
    assert np.isfinite(scores).all()
    assert scores < detector.score_samples(flat(WIDE)).min()


def test_copies_and_restored_states_score_the_same_to_the_bit(
    detector: GraphAutoencoderDetector,
) -> None:
    restored = clone(detector)
    restored._set_state(detector._get_state())
    for twin in (restored, pickle.loads(pickle.dumps(detector))):
        np.testing.assert_array_equal(
            twin.score_samples(flat(WIDE)), detector.score_samples(flat(WIDE))
        )


def test_a_score_does_not_depend_on_the_batch_to_the_bit(
    detector: GraphAutoencoderDetector,
) -> None:
    together = detector.score_samples(flat(WIDE))
    alone = np.concatenate([detector.score_samples(row[None]) for row in flat(WIDE)])
    np.testing.assert_array_equal(alone, together)


def test_parameters_changed_after_the_fit_change_no_score() -> None:
    detector = fitted()
    before = detector.score_samples(flat(WIDE))
    detector.set_params(graph_shape=(4, 4, 3), weight=None, loss="squared", k=1, coordinates=(0,))
    np.testing.assert_array_equal(detector.score_samples(flat(WIDE)), before)


def test_updates_go_on_learning() -> None:
    detector = made(latent_dim=16)
    for _ in range(5):
        detector.partial_fit(flat(JETS))
    losses = [epoch["train_loss"] for epoch in detector.history_]
    assert losses[-1] < losses[0]
    kinds = detector.feature_loss_.reshape(-1, 3)
    np.testing.assert_array_equal(kinds, np.tile(kinds[:1], (16, 1)))


@pytest.mark.parametrize("loss", ["squared", "huber"])
def test_other_losses_train_too(loss: str) -> None:
    assert np.isfinite(fitted(loss=loss, noise=0.5).score_samples(flat(WIDE))).all()


def test_without_a_shape_columns_are_known_by_their_place() -> None:
    rows = np.random.default_rng(0).normal(size=(300, 4)) * 0.1 + [0, 10, 20, 30]
    detector = made(graph_shape=None, max_epochs=10).fit(rows)
    swapped = rows[:, [1, 0, 2, 3]]
    assert detector.score_samples(swapped).max() < detector.score_samples(rows).min()


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((2, 8), "means 16 values, found rows of 48"),
        ((48,), "whole numbers above zero"),
        ((2, 2, 4, 3), "whole numbers above zero"),
        ((-2, -8, 3), "whole numbers above zero"),
        ((2.0, 8, 3), "whole numbers above zero"),
        ("abc", "whole numbers above zero"),
    ],
)
def test_a_shape_that_does_not_fit_is_refused(shape: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        fitted(graph_shape=list(shape))


@pytest.mark.parametrize(
    "roles",
    [
        {"coordinates": (1, 3)},
        {"coordinates": (-1,)},
        {"coordinates": ()},
        {"coordinates": (1.0, 2.0)},
        {"weight": 3},
    ],
)
def test_features_that_nodes_do_not_have_are_refused(roles: Any) -> None:
    with pytest.raises(UsageError, match="from 0 to 2"):
        fitted(**roles)


def test_negative_weights_are_refused(detector: GraphAutoencoderDetector) -> None:
    for call in (made().fit, detector.score_samples):
        with pytest.raises(DataError, match="found negative values, as -"):
            call(np.full((6, 48), -1.0))


def test_rows_of_padding_alone_are_no_training_data() -> None:
    with pytest.raises(DataError, match="padding"):
        made().fit(np.zeros((20, 48)))


def test_heavy_jets_of_the_lhc_olympics_are_found(shared_data: Any) -> None:
    table = io.read(shared_data("lhco/events_anomalydetection_tiny.h5"), label="2100")
    jets = JetConstituents(n_particles=20).fit(table.X)
    rows, label = np.asarray(jets.transform(table.X)), np.asarray(table.y)
    good = np.flatnonzero(label == 0)
    detector = GraphAutoencoderDetector(
        graph_shape=jets.constituents_shape_, max_epochs=4, random_state=0
    ).fit(rows[good[:400]])
    rest = np.setdiff1d(np.arange(len(rows)), good[:400])
    assert roc_auc_score(label[rest], -detector.score_samples(rows[rest])) > 0.85
