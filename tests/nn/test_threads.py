"""Threads: small work gets one, and the user's number comes back."""

import pytest
import torch

from skdqm.nn import threads_for


@pytest.mark.parametrize(("work", "inside"), [(10, 1), (10**12, 2)])
def test_small_work_gets_one_thread_and_the_number_is_restored(work: int, inside: int) -> None:
    torch.set_num_threads(2)
    try:
        with threads_for(work):
            assert torch.get_num_threads() == inside
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
