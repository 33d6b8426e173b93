"""The quantum circuit: PennyLane's own result, copies, random generators, gradients."""

import copy
import pickle
import random
import subprocess
import sys

import numpy as np
import pytest
import torch

from skdqm.exceptions import MissingDependencyError
from skdqm.nn import QuantumAutoencoder, QuantumCircuit, QuantumForward, dense_layers

pytest.importorskip("pennylane")


def circuit(n_qubits: int = 3, n_layers: int = 2) -> QuantumCircuit:
    torch.manual_seed(0)
    module = QuantumCircuit(n_qubits, n_layers).double()
    # Far from where training starts, so that every gate matters.
    torch.nn.init.normal_(module.layer.weights)
    return module


def angles(n_qubits: int = 3, n_rows: int = 20) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return 3 * torch.randn(n_rows, n_qubits, generator=generator, dtype=torch.float64)


def autoencoder() -> QuantumAutoencoder:
    shape = {"hidden_layer_sizes": (6,), "latent_dim": 2, "n_layers": 1, "activation": "tanh"}
    return QuantumAutoencoder(5, **shape)


@pytest.mark.parametrize("n_qubits", [1, 2, 4])
@pytest.mark.parametrize("n_layers", [1, 3])
def test_the_matrix_product_gives_what_pennylane_simulates(n_qubits: int, n_layers: int) -> None:
    module = circuit(n_qubits, n_layers)
    forward = QuantumForward(dense_layers([4, n_qubits], "tanh"), module)
    expected = module(angles(n_qubits)).detach().numpy()
    found = forward.expectations(angles(n_qubits).numpy())
    assert expected.shape == (20, n_qubits)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_encoder_and_circuit_score_as_the_module_in_single_precision() -> None:
    module = autoencoder().eval()
    rows = np.random.default_rng(0).normal(size=(7, 8, 5))
    with torch.inference_mode():
        expected = module.circuit(module.encoder(torch.from_numpy(rows).float())).numpy()
    found = QuantumForward(module.encoder, module.circuit)(rows)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_row_does_not_depend_on_its_batch() -> None:
    module = circuit()
    together = module(angles())
    alone = torch.cat([module(row[None]) for row in angles()])
    torch.testing.assert_close(alone, together, atol=1e-12, rtol=0)


def test_expectations_lie_between_minus_one_and_one_and_repeat_after_a_turn() -> None:
    forward = QuantumForward(dense_layers([4, 3], "tanh"), circuit())
    found = forward.expectations(angles(n_rows=500).numpy())
    assert np.abs(found).max() < 1 + 1e-12
    turned = forward.expectations(angles(n_rows=500).numpy() + 2 * np.pi)
    np.testing.assert_allclose(turned, found, atol=1e-12)


def test_angles_and_weights_get_gradients_and_only_the_last_turns_get_none() -> None:
    module, inputs = circuit(), angles().requires_grad_()
    (module(inputs) ** 2).sum().backward()
    assert inputs.grad is not None
    assert (inputs.grad.abs() > 0).all()
    gradient = module.layer.weights.grad
    assert (gradient[0].abs() > 0).all()
    # Turns about Z right before the measurement of Z change nothing.
    assert gradient[-1, :, 2].abs().max() < 1e-12


def test_copies_compute_the_same_and_learn_apart() -> None:
    module = circuit()
    before = module(angles()).detach()
    for twin in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        torch.testing.assert_close(twin(angles()), before, atol=0, rtol=0)
        with torch.no_grad():
            twin.layer.weights += 0.5
        assert not torch.allclose(twin(angles()), before)
    torch.testing.assert_close(module(angles()), before, atol=0, rtol=0)


def test_weights_can_be_assigned_to_a_module_without_memory() -> None:
    state = circuit().state_dict()
    generator = torch.get_rng_state()
    with torch.device("meta"):
        empty = QuantumCircuit(3, 2)
    assert empty.layer.weights.is_meta
    assert torch.equal(torch.get_rng_state(), generator)
    empty.load_state_dict(state, assign=True)
    torch.testing.assert_close(empty(angles()), circuit()(angles()), atol=0, rtol=0)


def test_an_assigned_state_dict_is_what_trains() -> None:
    module = circuit()
    module.load_state_dict(circuit().state_dict(), assign=True)
    (module(angles()) ** 2).sum().backward()
    assert module.layer.weights.grad is not None


def test_first_weights_come_from_the_seed_of_torch_alone() -> None:
    torch.manual_seed(3)
    state = np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    first = autoencoder().state_dict()
    torch.manual_seed(3)
    again = autoencoder().state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    autoencoder()(torch.zeros(4, 5)).sum().backward()
    np.testing.assert_array_equal(np.random.get_state()[1], state[0])  # noqa: NPY002
    assert random.getstate() == state[1]


def test_pennylane_is_imported_late_and_leaves_the_generator_of_python_alone() -> None:
    program = (
        "import random, sys; from skdqm.nn import QuantumCircuit;"
        "assert 'pennylane' not in sys.modules; before = random.getstate();"
        "QuantumCircuit(2, 1); assert random.getstate() == before"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_missing_pennylane_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pennylane", None)
    with pytest.raises(MissingDependencyError, match=r"skdqm\[quantum\]"):
        QuantumCircuit(2, 1)
