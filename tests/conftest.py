"""What all tests share: real data where it is at hand, one thread, repeatable examples."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow],
)
# Of a mutant any failure will do, not the simplest.
settings.register_profile(
    "mutants",
    parent=settings.get_profile("repeatable"),
    phases=[Phase.explicit, Phase.generate],
)
settings.load_profile("mutants" if "MUTANT_UNDER_TEST" in os.environ else "repeatable")
torch.set_num_threads(1)

NEIGHBOUR = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Find a file of real data, or skip the test.

    The files lie in the folder that the environment variable SKDQM_DATA names, or in
    ``../shared/data`` beside the repository.
    """
    folder = Path(os.environ.get("SKDQM_DATA", NEIGHBOUR))

    def find(name: str) -> Path:
        if not (folder / name).exists():
            pytest.skip(f"needs the real data {name} (set SKDQM_DATA to its folder)")
        return folder / name

    return find
