"""A variational quantum circuit: PennyLane's simulator trains it, a matrix product scores it."""

import math
import random
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from skdqm._optional import require
from skdqm.nn._dense import DenseAutoencoder, DenseForward

# An angle of zero leaves a qubit half-way between 0 and 1, where its expectation changes fastest.
QUARTER_TURN = math.pi / 2
# Standard deviation of the first weights: circuits near identity learn, random ones hardly.
FIRST_ANGLES = 0.1


class QuantumCircuit(nn.Module):
    """Turn an angle per qubit into an expectation value per qubit.

    Every qubit is turned about Y, by its angle and a quarter turn; layers of turns with trained
    angles and of controlled-NOT gates entangle them [1]_; the expectation of Pauli-Z is read from
    each. The trained angles start near zero, so that gradients do not vanish [2]_. PennyLane
    simulates the circuit exactly, without sampling, for a whole batch at once.

    Parameters
    ----------
    n_qubits : int
        Number of qubits. Time and memory double with each.
    n_layers : int
        Number of entangling layers, of three trained angles per qubit.

    Raises
    ------
    MissingDependencyError
        When PennyLane is not installed.

    References
    ----------
    .. [1] M. Schuld et al., "Circuit-centric quantum classifiers", Phys. Rev. A 101 (2020) 032308.
    .. [2] E. Grant et al., "An initialization strategy for addressing barren plateaus in
           parametrized quantum circuits", Quantum 3 (2019) 214.

    Examples
    --------
    >>> import torch
    >>> from skdqm.nn import QuantumCircuit
    >>> QuantumCircuit(n_qubits=3, n_layers=2)(torch.zeros(5, 3)).shape
    torch.Size([5, 3])
    """

    def __init__(self, n_qubits: int, n_layers: int) -> None:
        super().__init__()
        self.layer = _imported_pennylane().qnn.TorchLayer(
            _node(_expectations, n_qubits, diff_method="backprop"),
            {"weights": (n_layers, n_qubits, 3)},
            init_method=_small_angles,
        )

    def forward(self, angles: torch.Tensor) -> Any:
        """Return the expectations of a batch of angles.

        Parameters
        ----------
        angles : torch.Tensor of shape (n_rows, n_qubits)
            The angles in radians.

        Returns
        -------
        expectations : torch.Tensor of shape (n_rows, n_qubits)
            In [-1, 1].
        """
        # PennyLane keeps the weights a second time, which an assigned state dict does not reach.
        self.layer.qnode_weights = dict(self.layer.named_parameters())
        # PennyLane 0.45 starts from a state on the CPU, which turns on a GPU do not go with.
        return self.layer(angles.cpu()).to(angles.device)


class QuantumAutoencoder(DenseAutoencoder):
    """A dense autoencoder with a quantum circuit between encoder and decoder.

    Parameters
    ----------
    n_features : int
        Width of the input and of the output.
    hidden_layer_sizes : sequence of int
        Widths from the input to the angles of the qubits; the decoder mirrors them.
    latent_dim : int
        Number of qubits.
    activation : str
        A key of ``ACTIVATIONS``.
    dropout : float, default=0.0
        Probability of dropping a hidden unit while training.
    noise : float, default=0.0
        Standard deviation of normal noise added to the input while training.
    n_layers : int, default=2
        Number of entangling layers of the circuit.
    """

    def __init__(
        self,
        n_features: int,
        *,
        hidden_layer_sizes: Sequence[int],
        latent_dim: int,
        activation: str,
        dropout: float = 0.0,
        noise: float = 0.0,
        n_layers: int = 2,
    ) -> None:
        super().__init__(
            n_features,
            hidden_layer_sizes=hidden_layer_sizes,
            latent_dim=latent_dim,
            activation=activation,
            dropout=dropout,
            noise=noise,
        )
        self.circuit = QuantumCircuit(latent_dim, n_layers)

    def forward(self, inputs: torch.Tensor) -> Any:
        """Return the reconstruction, of the shape of `inputs`."""
        return self.decoder(self.circuit(self.encoder(self.noise(inputs))))


class QuantumForward:
    """Dense layers and the circuit behind them as a numpy function; exact, and far faster.

    What follows the first turns is one unitary matrix, fixed once the circuit is trained.

    Parameters
    ----------
    layers : torch.nn.Sequential
        Gives the angles; what :func:`dense_layers` built.
    circuit : QuantumCircuit
        Takes the angles. Later changes of its weights are not seen.
    """

    def __init__(self, layers: nn.Sequential, circuit: QuantumCircuit) -> None:
        self.angles = DenseForward(layers)
        weights = circuit.layer.weights.detach().cpu().double().numpy()
        n_qubits = weights.shape[1]
        states = _node(_final_states, n_qubits)(weights)
        # Real and imaginary parts side by side: the first turns leave the amplitudes real.
        self.parts = np.hstack([states.real, states.imag])
        # The first qubit is the highest bit of the number of a state; a 0 counts +1, a 1 -1.
        bits = np.arange(len(states))[:, None] >> np.arange(n_qubits)[::-1] & 1
        self.signs = np.tile(1.0 - 2.0 * bits, (2, 1))

    def __call__(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """Map arrays of shape (..., n_inputs) to expectations of shape (..., n_qubits)."""
        return self.expectations(self.angles(rows))

    def expectations(self, angles: NDArray[Any]) -> NDArray[np.float64]:
        """Return what the circuit gives.

        Parameters
        ----------
        angles : ndarray of shape (..., n_qubits)
            The angles in radians.

        Returns
        -------
        expectations : ndarray of shape (..., n_qubits)
            In [-1, 1].
        """
        halves = 0.5 * (angles.astype(np.float64) + QUARTER_TURN)
        turned = np.stack([np.cos(halves), np.sin(halves)], axis=-1)
        amplitudes = turned[..., 0, :]
        for qubit in range(1, turned.shape[-2]):
            products = amplitudes[..., :, None] * turned[..., qubit, None, :]
            amplitudes = products.reshape(*products.shape[:-2], -1)
        parts = amplitudes @ self.parts
        parts *= parts
        return parts @ self.signs


def _imported_pennylane() -> ModuleType:
    """Import PennyLane, and leave the generator that its import draws from as it was."""
    state = random.getstate()
    try:
        return require("pennylane", extra="quantum")
    finally:
        random.setstate(state)


def _node(function: Any, n_qubits: int, **options: Any) -> Any:
    """Return a circuit that runs on the exact simulator.

    Without a seed, which nothing here depends on, a simulator draws one from numpy's generator.
    """
    pennylane = _imported_pennylane()
    device = pennylane.device("default.qubit", wires=n_qubits, seed=0)
    return pennylane.QNode(function, device, **options)


def _expectations(inputs: torch.Tensor, weights: torch.Tensor) -> Any:
    # A function of the module, because pickling and copying a circuit look it up by its name.
    pennylane = _imported_pennylane()
    wires = range(weights.shape[1])
    # A turn about Y keeps amplitudes real; one about X differs by phases that the weights take up.
    pennylane.AngleEmbedding(inputs + QUARTER_TURN, wires=wires, rotation="Y")
    pennylane.StronglyEntanglingLayers(weights, wires=wires)
    return [pennylane.expval(pennylane.PauliZ(wire)) for wire in wires]


def _final_states(weights: NDArray[np.float64]) -> Any:
    """Return what becomes of every basis state, one after the other."""
    pennylane = _imported_pennylane()
    wires = range(weights.shape[1])
    pennylane.StatePrep(np.eye(2 ** len(wires)), wires=wires)
    pennylane.StronglyEntanglingLayers(weights, wires=wires)
    return pennylane.state()


def _small_angles(weights: torch.Tensor) -> torch.Tensor:
    """Draw as torch does at the place where a module is made, which may be without memory."""
    return FIRST_ANGLES * torch.randn(weights.shape)
