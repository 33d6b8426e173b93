"""Views keep what they promise, the contrast is the published one, the shortcut keeps distances."""

import numpy as np
import pytest
import torch
from torch import nn

from skdqm.nn import (
    AddNoise,
    ContrastiveLoss,
    ContrastiveModule,
    MaskFeatures,
    NTXentLoss,
    ReconstructionLoss,
    ScaleRows,
    ShiftImages,
    ShortcutEncoder,
    ShortcutForward,
    TurnImages,
    dense_layers,
)
from skdqm.nn._contrastive import LARGEST_CROWD


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def module() -> ContrastiveModule:
    encoder = ShortcutEncoder(dense_layers([6, 8, 4], "tanh"), 6, 4)
    return ContrastiveModule(
        AddNoise(0.5), encoder, dense_layers([4, 8, 6], "tanh"), dense_layers([4, 3], "tanh")
    )


def test_noise_has_the_spread_asked_for() -> None:
    assert (AddNoise(0.5)(torch.zeros(10_000, 3))).std() == pytest.approx(0.5, rel=0.05)


def test_a_scaled_row_keeps_its_direction() -> None:
    rows = torch.randn(50, 4)
    factors = ScaleRows(0.1)(rows) / rows
    torch.testing.assert_close(factors, factors[:, :1].expand(50, 4))
    assert factors[:, 0].std() == pytest.approx(0.1, rel=0.5)


def test_masked_values_come_from_the_same_feature_of_other_rows() -> None:
    rows = torch.arange(400.0).reshape(100, 4)
    view = MaskFeatures(0.3)(rows)
    assert all(torch.isin(view[:, j], rows[:, j]).all() for j in range(4))
    assert (view != rows).float().mean() == pytest.approx(0.3, abs=0.1)


def test_one_row_alone_can_be_masked() -> None:
    row = torch.tensor([[1.0, 2.0]])
    torch.testing.assert_close(MaskFeatures(0.9)(row), row)


def test_an_image_moves_as_a_whole_and_not_too_far() -> None:
    images = torch.zeros(200, 2, 7, 9)
    images[:, 0, 3, 4], images[:, 1, 3, 4] = 1.0, 2.0
    moved = ShiftImages((2, 7, 9), 2)(images.flatten(1)).reshape(images.shape)
    torch.testing.assert_close(2 * moved[:, 0], moved[:, 1])
    where = moved[:, 0].nonzero()
    assert len(where) == 200
    offsets = where[:, 1:] - torch.tensor([3, 4])
    assert set(offsets.flatten().tolist()) == {-2, -1, 0, 1, 2}


def test_what_moves_out_of_an_image_does_not_come_back_in() -> None:
    moved = ShiftImages((1, 1, 3), 3)(torch.ones(500, 3))
    assert 0 in moved.sum(dim=1)


@pytest.mark.parametrize(("shape", "n_angles"), [((1, 3, 3), 4), ((1, 2, 3), 2)])
def test_images_turn_by_the_angles_that_keep_their_shape(
    shape: tuple[int, int, int], n_angles: int
) -> None:
    image = torch.arange(float(np.prod(shape)))
    views = TurnImages(shape)(image.repeat(100, 1))
    assert len(views.unique(dim=0)) == n_angles
    torch.testing.assert_close(views.sort(dim=1).values, image.repeat(100, 1))


def test_the_shortcut_starts_with_the_distances_between_the_rows() -> None:
    encoder = ShortcutEncoder(dense_layers([5, 5], "tanh"), 5, 5)
    rows = torch.randn(20, 5)
    torch.testing.assert_close(
        torch.cdist(encoder.shortcut(rows), encoder.shortcut(rows)),
        torch.cdist(rows, rows),
        atol=1e-4,
        rtol=1e-4,
    )


def test_numpy_encodes_as_torch_does() -> None:
    encoder = ShortcutEncoder(dense_layers([5, 8, 3], "gelu"), 5, 3)
    rows = torch.randn(16, 5)
    with torch.no_grad():
        expected = encoder(rows).numpy()
    tiles = rows.numpy().reshape(2, 8, 5)
    np.testing.assert_allclose(ShortcutForward(encoder)(tiles).reshape(16, 3), expected, atol=1e-5)


def test_the_contrast_is_equation_one_of_simclr() -> None:
    first, second = torch.randn(3, 4), torch.randn(3, 4)
    vectors = nn.functional.normalize(torch.cat([first, second]), dim=1).numpy()
    similarity = np.exp(vectors @ vectors.T / 0.5)
    losses = []
    for i in range(6):
        others = [k for k in range(6) if k != i]
        losses.append(-np.log(similarity[i, (i + 3) % 6] / similarity[i, others].sum()))
    assert float(NTXentLoss(0.5)(first, second)) == pytest.approx(np.mean(losses), rel=1e-5)


def test_a_row_without_others_has_nothing_to_be_told_from() -> None:
    row = torch.randn(1, 4, requires_grad=True)
    loss = NTXentLoss(0.5)(row, torch.randn(1, 4))
    loss.backward()
    assert float(loss.detach()) == 0
    assert torch.isfinite(row.grad).all()


def test_a_large_batch_is_contrasted_in_parts() -> None:
    first, second = torch.randn(2, LARGEST_CROWD + 10, 4)
    parts = [
        NTXentLoss(0.5)(first[rows], second[rows])
        for rows in (slice(LARGEST_CROWD), slice(LARGEST_CROWD, None))
    ]
    expected = (LARGEST_CROWD * parts[0] + 10 * parts[1]) / len(first)
    torch.testing.assert_close(NTXentLoss(0.5)(first, second), expected)


@pytest.mark.parametrize("training", [True, False])
def test_two_views_are_drawn_while_training_and_for_rows_held_out(training: bool) -> None:
    reconstructed, projected = module().train(training)(torch.randn(7, 6))
    assert reconstructed.shape == (2, 7, 6)
    assert projected.shape == (2, 7, 3)
    assert not torch.equal(projected[0], projected[1])


def test_the_loss_is_reconstruction_plus_weighted_contrast() -> None:
    rows = torch.randn(7, 6)
    output = module()(rows)
    alone, both = (
        ContrastiveLoss(ReconstructionLoss("squared"), 0.5, weight)(output, rows)
        for weight in (0.0, 2.0)
    )
    torch.testing.assert_close(both - alone, 2 * NTXentLoss(0.5)(*output[1]))


def test_the_module_is_built_without_memory_of_its_own() -> None:
    with torch.device("meta"):
        empty = module()
    empty.load_state_dict(module().state_dict(), assign=True)
    assert not any(weight.is_meta for weight in empty.parameters())
