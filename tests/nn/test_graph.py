"""Graph networks: who is joined to whom, and that padding is not there."""

import sys
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from skdqm.exceptions import MissingDependencyError
from skdqm.nn import ModuleForward
from skdqm.nn._graph import (
    GraphAutoencoder,
    GraphDecoder,
    GraphEncoder,
    NodeLoss,
    nearest_edges,
)


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def nodes(n_rows: int = 8, n_graphs: int = 2, n_nodes: int = 6, n_present: int = 4) -> torch.Tensor:
    """Nodes of three features and a weight, which is zero for the last ones."""
    weights = torch.ones(n_rows, n_graphs, n_nodes, 1)
    weights[:, :, n_present:] = 0
    return torch.cat([drawn(n_rows, n_graphs, n_nodes, 3), weights], dim=-1)


def network(**design: Any) -> GraphAutoencoder:
    torch.manual_seed(0)
    return GraphAutoencoder(
        36,
        **{
            "graph_shape": (2, 6, 3),
            "hidden_channels": [8, 5],
            "latent_dim": 3,
            "activation": "relu",
            "coordinates": [1, 2],
            "k": 3,
            **design,
        },
    )


def neighbours(edges: torch.Tensor, node: int) -> list[int]:
    return sorted(edges[0, edges[1] == node].tolist())


def test_edges_join_the_nearest_nodes_of_the_same_graph() -> None:
    points = drawn(3, 7, 2)
    edges = nearest_edges(points, torch.ones(3, 7, dtype=torch.bool), k=4)
    for graph in range(3):
        distances = torch.cdist(points[graph], points[graph])
        for node in range(7):
            expected = distances[node].argsort()[:4] + 7 * graph
            assert neighbours(edges, 7 * graph + node) == sorted(expected.tolist())


def test_absent_nodes_are_joined_to_nobody_else() -> None:
    present = torch.tensor([[True, False, True, False, True]])
    edges = nearest_edges(torch.zeros(1, 5, 2), present, k=4)
    for node in (0, 2, 4):
        assert set(neighbours(edges, node)) == {0, 2, 4}
    for node in (1, 3):
        assert neighbours(edges, node) == [node] * 4


def test_a_graph_smaller_than_k_is_joined_altogether() -> None:
    edges = nearest_edges(drawn(1, 3, 1), torch.ones(1, 3, dtype=torch.bool), k=50)
    assert [neighbours(edges, node) for node in range(3)] == [[0, 1, 2]] * 3


def test_padding_changes_nothing() -> None:
    inputs = nodes()
    other = inputs.clone()
    other[:, :, 4:, :3] = 1e3
    encoder = network().encoder
    torch.testing.assert_close(encoder(other), encoder(inputs), rtol=0, atol=0)


def test_a_graph_without_nodes_has_a_finite_latent_vector() -> None:
    assert network().encoder(nodes(n_present=0)).isfinite().all()


def test_two_graphs_of_a_row_are_encoded_each_by_itself() -> None:
    inputs = nodes()
    encoder = network().encoder
    swapped = encoder(inputs.flip(1))
    torch.testing.assert_close(swapped, encoder(inputs).reshape(8, 2, 3).flip(1).reshape(8, 6))


def test_a_node_hears_its_neighbours_and_none_beyond() -> None:
    line = torch.zeros(1, 1, 4, 4)
    line[..., 1] = torch.tensor([0.0, 1.0, 10.0, 11.0])
    line[..., 3] = 1.0
    torch.manual_seed(0)
    design = {"coordinates": [1], "k": 2}
    encoder = GraphEncoder([1, 4, 3], [8], 16, "tanh", **design)
    heard = []
    encoder.convolutions[0].register_forward_hook(lambda *called: heard.append(called[2].detach()))
    encoder(line)
    line[..., 3, 0] = 5.0
    encoder(line)
    changed = (heard[0] != heard[1]).any(dim=1)
    assert changed.tolist() == [False, False, True, True]


def test_the_weight_of_a_node_says_how_much_it_counts() -> None:
    inputs = nodes()
    heavy = inputs.clone()
    heavy[:, :, 0, -1] = 50.0
    encoder = network(activation="tanh").encoder
    assert (encoder(heavy) - encoder(inputs)).abs().min() > 0


def test_the_decoder_gives_every_node_of_every_graph() -> None:
    decoder = GraphDecoder([2, 6, 3], [8], 4, "relu")
    assert decoder(drawn(5, 8)).shape == (5, 2, 6, 3)


def test_every_weight_of_the_network_learns() -> None:
    module = network(latent_dim=8)
    inputs = nodes()
    NodeLoss("squared")(module(inputs), inputs).backward()
    assert all(weight.grad.abs().sum() > 0 for weight in module.parameters())


def test_noise_is_there_in_training_only_and_spares_the_weights() -> None:
    seen: list[torch.Tensor] = []
    module = network(noise=1.0)
    module.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    inputs = nodes()
    module.train()(inputs)
    module.eval()(inputs)
    assert (seen[0][..., :3] - inputs[..., :3]).std() > 0.5
    assert torch.equal(seen[0][..., 3], inputs[..., 3])
    assert torch.equal(seen[1], inputs)


@pytest.mark.parametrize("latent_dim", [1, 2, 3, 8])
@pytest.mark.parametrize("hidden", [[8], [32, 32], [16, 64]])
def test_a_row_is_the_same_to_the_bit_wherever_it_stands(latent_dim: int, hidden: Any) -> None:
    module = network(latent_dim=latent_dim, hidden_channels=hidden)
    rows = nodes().numpy()
    alone = np.zeros((8, *rows.shape), dtype=np.float32)
    alone[:, 0] = rows
    for part, tiles in ((module.encoder, rows), (module, rows)):
        together = ModuleForward(part)(tiles[None])[0]
        np.testing.assert_array_equal(ModuleForward(part)(alone)[:, 0], together)
        np.testing.assert_array_equal(ModuleForward(part)(rows[None, ::-1])[0][::-1], together)


def test_the_loss_is_weighted_and_blind_to_padding() -> None:
    target = nodes()
    target[:, :, 0, -1] = 3.0
    output = drawn(8, 2, 6, 3, seed=1)
    expected = (target[..., 3:] * (output - target[..., :3]).abs()).mean()
    torch.testing.assert_close(NodeLoss("absolute")(output, target), expected)
    output[:, :, 4:] = 1e6
    torch.testing.assert_close(NodeLoss("absolute")(output, target), expected)


def test_a_network_is_made_without_memory_for_loading() -> None:
    with torch.device("meta"):
        empty = network()
    empty.load_state_dict(network().state_dict(), assign=True)
    assert torch.equal(empty(nodes()), network()(nodes()))


def test_without_pytorch_geometric_the_error_names_the_extra(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "torch_geometric.nn", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "skdqm\[graph\]"'):
        network()


def test_the_convolutions_are_those_of_pytorch_geometric() -> None:
    geometric = pytest.importorskip("torch_geometric.nn")
    convolutions = network().encoder.convolutions
    assert [type(convolution) for convolution in convolutions] == [geometric.EdgeConv] * 2
    assert isinstance(convolutions, nn.ModuleList)
