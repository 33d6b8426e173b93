"""The quantum circuit of a detector as a torch module: a linear map of real states."""

from math import pi
from typing import Any

import torch
from numpy.typing import NDArray

from skdqm.export._buffers import Buffers


class Circuit(Buffers):
    """Angles to expectations, as :class:`~skdqm.nn.QuantumForward` computes them.

    Parameters
    ----------
    parts : ndarray of shape (2**n_qubits, 2 * 2**n_qubits)
        What becomes of every basis state: real and imaginary parts side by side.
    signs : ndarray of shape (2 * 2**n_qubits, n_qubits)
        What each of them counts in an expectation.
    quarter_turn : float
        Added to every angle.
    """

    parts: torch.Tensor
    signs: torch.Tensor
    quarter_turn: torch.Tensor

    def __init__(self, parts: NDArray[Any], signs: NDArray[Any], quarter_turn: float) -> None:
        super().__init__(parts=parts, signs=signs, quarter_turn=quarter_turn)

    def forward(self, angles: torch.Tensor) -> torch.Tensor:
        """Map (n_rows, n_qubits) to (n_rows, n_qubits)."""
        halves = 0.5 * (angles.double() + self.quarter_turn)
        # A cosine, written so that ONNX Runtime before 1.29 has it in double precision.
        turned = torch.stack([(halves + pi / 2).sin(), halves.sin()], dim=-1)
        amplitudes = turned[..., 0, :]
        for qubit in range(1, self.signs.shape[-1]):
            amplitudes = (amplitudes[..., :, None] * turned[..., qubit, None, :]).flatten(-2)
        return (amplitudes @ self.parts).square() @ self.signs
