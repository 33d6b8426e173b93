"""The score of sets of nodes, as a torch module.

The twin of what :class:`~skdqm.detectors.GraphAutoencoderDetector` does in numpy.
"""

from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn

from skdqm.export._buffers import Buffers
from skdqm.export._inputs import Features
from skdqm.nn import LOSSES
from skdqm.nn._graph import nearest_nodes


class Nodes(Buffers):
    """Rows to nodes, hardest first, standardised, with their weights as one more feature.

    Parameters
    ----------
    inputs : Features
        Standardises rows.
    graph_shape : sequence of int
        Graphs in a row, nodes in a graph and features of a node.
    weight : int or None
        The feature of a node that weighs it; without one all that are not zero weigh the same.
    unit, largest : float
        Unit of weights, and where they are cut.
    """

    unit: torch.Tensor
    largest: torch.Tensor

    def __init__(
        self,
        inputs: Features,
        graph_shape: list[int],
        weight: int | None,
        unit: float,
        largest: float,
    ) -> None:
        super().__init__(unit=unit, largest=largest)
        self.weight = weight
        self.inputs = inputs
        self.graph_shape = tuple(graph_shape)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Map (n_rows, n_features) to (n_rows, n_graphs, n_nodes, n_node_features + 1)."""
        given = rows.reshape(-1, *self.graph_shape)
        weights = self.weights(given)
        standard = self.inputs(rows).reshape(given.shape)
        shares = weights.minimum(self.largest) / self.unit
        nodes = torch.cat([standard, shares[..., None]], dim=-1)
        order = self.order(given, weights)[..., None].expand_as(nodes)
        return nodes.gather(-2, order)

    def weights(self, given: torch.Tensor) -> torch.Tensor:
        """Return the weight of each node; a negative one is none, but NaN."""
        if self.weight is None:
            return (given != 0).any(dim=-1).double()
        weights = given[..., self.weight]
        return weights.where(~(weights < 0), torch.nan)

    @staticmethod
    def order(given: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Return the order of nodes: by weight, those of equal weight by their features."""
        # The key that decides comes last, and sorts that are stable keep what was before.
        keys = [*reversed(given.unbind(dim=-1)), weights]
        order = _falling(keys[0])
        for key in keys[1:]:
            order = order.gather(-1, _falling(key.gather(-1, order)))
        return order


class PlainNodes(Nodes):
    """Every column is a node of weight one, known by its place."""

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Map (n_rows, n_features) to (n_rows, 1, n_features, 2)."""
        standard = self.inputs(rows)[:, None, :, None]
        return torch.cat([standard, torch.ones_like(standard)], dim=-1)


class EdgeEncoder(nn.Module):
    """A :class:`~skdqm.nn.GraphEncoder` whose edges are an axis, and not a list.

    Its layers are those that PyTorch Geometric trains; every node has as many edges.

    Parameters
    ----------
    encoder : GraphEncoder
        The trained encoder.
    """

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        layers: list[Any] = [each.nn for each in encoder.convolutions]
        self.convolutions = nn.ModuleList(layers)
        self.identity = encoder.identity
        self.activation = encoder.activation
        self.pooled = encoder.pooled
        self.coordinates = encoder.coordinates
        self.k = encoder.k
        self.n_graphs = encoder.graph_shape[0]

    def forward(self, nodes: torch.Tensor) -> torch.Tensor:
        """Map (n_rows, n_graphs, n_nodes, n_node_features + 1) to (n_rows, n_latent)."""
        graphs = nodes.flatten(0, 1)
        values, weights = graphs[..., :-1], graphs[..., -1:]
        present = weights > 0
        neighbours = nearest_nodes(values[..., self.coordinates], present[..., 0], self.k)
        hidden = torch.cat([values, self.identity.expand(values.shape[0], -1, -1)], dim=-1)
        for convolution in self.convolutions:
            hidden = self.activation(_loudest(convolution, hidden, neighbours))
        mean = (hidden * present).sum(dim=1) / present.sum(dim=1).clamp(min=1)
        flow = (hidden * weights).sum(dim=1) / weights.shape[1]
        latent: torch.Tensor = self.pooled(torch.cat([mean, flow], dim=-1))
        return latent.reshape(-1, self.n_graphs * latent.shape[-1])


class GraphScorer(Buffers):
    """Rows to anomaly scores: the mean of the losses of nodes, each times its weight.

    Parameters
    ----------
    nodes : Nodes
        Turns rows into nodes.
    encoder, decoder : torch.nn.Module
        The network, which alone runs in float32.
    loss : str
        A key of ``LOSSES``.
    usual : ndarray of shape (n_graphs, n_nodes, n_node_features)
        The usual loss, which each is divided by.
    """

    usual: torch.Tensor

    def __init__(
        self, nodes: Nodes, encoder: nn.Module, decoder: nn.Module, loss: str, usual: NDArray[Any]
    ) -> None:
        super().__init__(usual=usual)
        self.nodes = nodes
        self.encoder = encoder
        self.decoder = decoder
        self.loss = LOSSES[loss]

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Map (n_rows, n_features) to (n_rows,)."""
        nodes = self.nodes(rows)
        output = self.decoder(self.encoder(nodes.float())).double()
        losses = self.loss(output, nodes[..., :-1], torch) * nodes[..., -1:]
        score: torch.Tensor = (losses / self.usual).mean(dim=(1, 2, 3))
        return score


def _loudest(
    convolution: nn.Module, hidden: torch.Tensor, neighbours: torch.Tensor
) -> torch.Tensor:
    """Return of each channel the largest of what a node hears from its neighbours."""
    width = hidden.shape[-1]
    places = neighbours.flatten(1)[..., None].expand(-1, -1, width)
    others = hidden.gather(1, places).reshape(-1, *neighbours.shape[1:], width)
    own = hidden[:, :, None].expand_as(others)
    heard: torch.Tensor = convolution(torch.cat([own, others - own], dim=-1))
    return heard.amax(dim=2)


def _falling(keys: torch.Tensor) -> torch.Tensor:
    """Return the order of keys that fall, those that are equal in the order that they have.

    ONNX promises it of its TopK, which this becomes; torch does it on the CPU unasked, and has no
    such operator for a sort that is asked to be stable.
    """
    return keys.sort(dim=-1, descending=True).indices
