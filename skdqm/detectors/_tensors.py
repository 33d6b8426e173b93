"""State of torch as plain arrays, for model files."""

from typing import Any

import numpy as np
import torch


def to_arrays(tree: Any) -> Any:
    """Replace tensors by arrays, everywhere in nested dicts and lists."""
    if isinstance(tree, torch.Tensor):
        return tree.detach().cpu().numpy()
    if isinstance(tree, dict):
        return {key: to_arrays(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(to_arrays(value) for value in tree)
    return tree


def to_tensors(tree: Any) -> Any:
    """Turn back what :func:`to_arrays` did."""
    if isinstance(tree, np.ndarray):
        return torch.from_numpy(tree)
    if isinstance(tree, dict):
        return {key: to_tensors(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(to_tensors(value) for value in tree)
    return tree
