"""Networks on graphs of nearest neighbours: particles of a jet, or channels of a detector."""

from collections.abc import Sequence
from itertools import pairwise
from warnings import catch_warnings, filterwarnings

import torch
from torch import nn

from skdqm._optional import require
from skdqm.nn._activations import ACTIVATIONS
from skdqm.nn._dense import dense_layers
from skdqm.nn._losses import LOSSES
from skdqm.nn._noise import GaussianNoise

# Width of the vector that says which of the nodes one is.
IDENTITY_DIM = 8


def nearest_edges(points: torch.Tensor, present: torch.Tensor, k: int) -> torch.Tensor:
    """Join every node to those nearest to it in its own graph, itself among them.

    Where there are fewer nodes than `k`, and for nodes that are absent, the node itself stands in:
    every node has as many edges in all graphs, and a maximum over them does not see the copies.

    Parameters
    ----------
    points : torch.Tensor of shape (n_graphs, n_nodes, n_dimensions)
        Where the nodes are.
    present : torch.Tensor of bool of shape (n_graphs, n_nodes)
        False for padding.
    k : int
        Edges of a node, at least one.

    Returns
    -------
    edges : torch.Tensor of int64 of shape (2, n_graphs * n_nodes * min(k, n_nodes))
        Neighbours, and the nodes that listen to them, numbered through all graphs.

    Examples
    --------
    >>> import torch
    >>> from skdqm.nn import nearest_edges
    >>> nearest_edges(torch.tensor([[[0.0], [1.0], [5.0]]]), torch.ones(1, 3) > 0, k=2)
    tensor([[0, 1, 1, 0, 2, 1],
            [0, 0, 1, 1, 2, 2]])
    """
    n_graphs, n_nodes, _ = points.shape
    neighbours = nearest_nodes(points, present, k)
    itself = torch.arange(n_nodes, device=points.device)[:, None].expand_as(neighbours)
    first = n_nodes * torch.arange(n_graphs, device=points.device)[:, None, None]
    return torch.stack([(first + neighbours).flatten(), (first + itself).flatten()])


def nearest_nodes(points: torch.Tensor, present: torch.Tensor, k: int) -> torch.Tensor:
    """Return the neighbours of :func:`nearest_edges`, numbered in each graph by itself.

    Their shape is (n_graphs, n_nodes, min(k, n_nodes)).
    """
    n_nodes = points.shape[1]
    squares = (points[:, :, None] - points[:, None]).square().sum(dim=-1)
    squares = squares.masked_fill(~(present[:, None] & present[:, :, None]), torch.inf)
    distances, neighbours = squares.topk(min(k, n_nodes), largest=False)
    itself = torch.arange(n_nodes, device=points.device)[:, None].expand_as(neighbours)
    return torch.where(distances.isfinite(), neighbours, itself)


class GraphEncoder(nn.Module):
    """Turn each graph into one latent vector by edge convolutions [1]_.

    A node learns from its nearest neighbours, and a graph from the mean of its nodes and from their
    weighted sum. The order of the nodes tells which is which, as in :class:`GraphDecoder`.

    Parameters
    ----------
    graph_shape : sequence of int
        Graphs in a row, nodes in a graph and features of a node.
    hidden_channels : sequence of int
        Channels of a node after each convolution.
    latent_dim : int
        Width of the latent vector of a graph.
    activation : str
        A key of ``ACTIVATIONS``.
    coordinates : sequence of int
        The features of a node that say where it is.
    k : int
        Nearest neighbours that a node listens to, itself among them.

    References
    ----------
    .. [1] Y. Wang et al., "Dynamic graph CNN for learning on point clouds", ACM Transactions on
           Graphics 38 (2019) 146, arXiv:1801.07829.
    """

    def __init__(
        self,
        graph_shape: Sequence[int],
        hidden_channels: Sequence[int],
        latent_dim: int,
        activation: str,
        *,
        coordinates: Sequence[int],
        k: int,
    ) -> None:
        super().__init__()
        edge_conv = require("torch_geometric.nn", extra="graph").EdgeConv
        _, n_nodes, n_node_features = graph_shape
        self.graph_shape = tuple(graph_shape)
        self.coordinates = list(coordinates)
        self.k = k
        self.identity = nn.Parameter(torch.randn(n_nodes, IDENTITY_DIM))
        self.activation = ACTIVATIONS[activation].module()
        channels = [n_node_features + IDENTITY_DIM, *hidden_channels]
        self.convolutions = nn.ModuleList(
            edge_conv(dense_layers([2 * n_in, n_out, n_out], activation), aggr="max")
            for n_in, n_out in pairwise(channels)
        )
        self.pooled = nn.Linear(2 * channels[-1], latent_dim)

    def forward(self, nodes: torch.Tensor) -> torch.Tensor:
        """Encode nodes, whose last feature is their weight: zero for padding.

        Parameters
        ----------
        nodes : torch.Tensor of shape (n_rows, n_graphs, n_nodes, n_node_features + 1)
            Nodes and their weights.

        Returns
        -------
        latent : torch.Tensor of shape (n_rows, n_graphs * latent_dim)
            The latent vectors of the graphs of each row.
        """
        graphs = nodes.flatten(0, 1)
        values, weights = graphs[..., :-1], graphs[..., -1:]
        present = weights > 0
        edges = nearest_edges(values[..., self.coordinates], present[..., 0], self.k)
        hidden = torch.cat([values, self.identity.expand(len(values), -1, -1)], dim=-1)
        hidden = hidden.flatten(0, 1)
        with catch_warnings():
            # On a GPU, PyTorch Geometric advertises a package that would be faster.
            filterwarnings("ignore", message="The usage of `scatter")
            for convolution in self.convolutions:
                hidden = self.activation(convolution(hidden, edges))
        hidden = hidden.reshape(*weights.shape[:2], -1)
        mean = (hidden * present).sum(dim=1) / present.sum(dim=1).clamp(min=1)
        flow = (hidden * weights).sum(dim=1) / weights.shape[1]
        latent: torch.Tensor = self.pooled(torch.cat([mean, flow], dim=-1))
        return latent.reshape(len(nodes), -1)


class GraphDecoder(nn.Module):
    """Give the nodes of each graph, in their order, from its latent vector.

    Parameters
    ----------
    graph_shape : sequence of int
        Graphs in a row, nodes in a graph and features of a node.
    hidden_channels : sequence of int
        Widths of the hidden layers, from the node to the latent vector.
    latent_dim : int
        Width of the latent vector of a graph.
    activation : str
        A key of ``ACTIVATIONS``.
    """

    def __init__(
        self,
        graph_shape: Sequence[int],
        hidden_channels: Sequence[int],
        latent_dim: int,
        activation: str,
    ) -> None:
        super().__init__()
        n_graphs, n_nodes, n_node_features = graph_shape
        self.n_graphs = n_graphs
        self.identity = nn.Parameter(torch.randn(n_nodes, IDENTITY_DIM))
        widths = [latent_dim + IDENTITY_DIM, *hidden_channels[::-1], n_node_features]
        self.layers = dense_layers(widths, activation)

    def forward(self, latent: torch.Tensor) -> torch.Tensor:
        """Decode (n_rows, n_graphs * latent_dim) to (n_rows, n_graphs, n_nodes, n_features)."""
        # Not its length, which would hold for one number of rows only when the module is exported.
        each = latent.reshape(latent.shape[0], self.n_graphs, 1, -1)
        each = each.expand(-1, -1, len(self.identity), -1)
        identity = self.identity.expand(*each.shape[:2], -1, -1)
        return self.layers(torch.cat([each, identity], dim=-1))


class GraphAutoencoder(nn.Module):
    """Encode graphs to small latent vectors, and decode their nodes again.

    Parameters
    ----------
    n_features : int
        Values in a row: the product of `graph_shape`.
    graph_shape : sequence of int
        Graphs in a row, nodes in a graph and features of a node.
    hidden_channels : sequence of int
        Channels of a node after each convolution; the decoder mirrors them.
    latent_dim : int
        Width of the latent vector of a graph.
    activation : str
        A key of ``ACTIVATIONS``.
    coordinates : sequence of int
        The features of a node that say where it is.
    k : int
        Nearest neighbours that a node listens to, itself among them.
    noise : float, default=0.0
        Standard deviation of normal noise added to the nodes while training, not to their weights.
    """

    def __init__(
        self,
        n_features: int,
        *,
        graph_shape: Sequence[int],
        hidden_channels: Sequence[int],
        latent_dim: int,
        activation: str,
        coordinates: Sequence[int],
        k: int,
        noise: float = 0.0,
    ) -> None:
        super().__init__()
        self.n_features = n_features
        self.noise = GaussianNoise(noise)
        shape = graph_shape, hidden_channels, latent_dim, activation
        self.encoder = GraphEncoder(*shape, coordinates=coordinates, k=k)
        self.decoder = GraphDecoder(*shape)

    def forward(self, nodes: torch.Tensor) -> torch.Tensor:
        """Return the nodes restored, without their weights."""
        noisy = torch.cat([self.noise(nodes[..., :-1]), nodes[..., -1:]], dim=-1)
        return self.decoder(self.encoder(noisy))


class NodeLoss(nn.Module):
    """Mean loss over the features of all nodes, each times the weight of its node.

    Parameters
    ----------
    loss : str
        A key of ``LOSSES``.
    """

    def __init__(self, loss: str) -> None:
        super().__init__()
        self.loss = LOSSES[loss]

    def forward(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the mean loss of a batch; the last feature of the target is the weight."""
        return (self.loss(output, target[..., :-1], torch) * target[..., -1:]).mean()
